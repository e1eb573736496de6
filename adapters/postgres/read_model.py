"""What users ask about orders: read from the orders' own snapshots, messages and events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from psycopg.rows import class_row, dict_row
from psycopg.sql import SQL, Composed
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.waiting import Wait
from domain.hearing import hear
from domain.message import Placed
from domain.order import Order

# What a run recorded before it heard what was ordered, as one that was rebuilt may, says nothing.
ORDER = b"""
select case when o.state ->> 'header' is not null then o.state::text end as state,
       o.placed_at, o.status, o.run,
       case when o.state ->> 'header' is null then (
           select i.body::text from inbox i
           where i.order_id = o.id and i.kind = 'placed' order by i.n limit 1) end as placed,
       coalesce((
           select jsonb_agg(to_jsonb(w) - 'order_id' order by w.since, w.what)
           from waiting w where w.order_id = o.id), '[]') as waits
from orders o where o.id = %s
"""
STATUS = b"select status, revision from orders where id = %s"
COMMAND = b"""
select external_id as id, order_id, kind, outcome, correlation_id, stored_at, applied_at
from inbox where source = %s and external_id = %s
"""
EVENTS = b"""
select id, kind, data, occurred_at, correlation_id, causation_id, position
from event where subject = %s order by written limit %s
"""
MESSAGES = b"""
select n, source, external_id as id, kind, body - 'n' as body, content, outcome, correlation_id,
       octet_length(raw) as bytes, stored_at, handed_at, applied_at
from inbox where order_id = %s order by n limit %s
"""
WITH_PART = b"select id from orders where state @> %s limit 1"
WITH_INVOICE = b"""
select id from orders where jsonb_path_exists(
    state, '$.effects.* ? (@.step == "invoice" && (@.ref == $id || @.subject == $id))', %s) limit 1
"""


@dataclass(frozen=True)
class SeenOrder:
    """An order as last recorded, or as it was placed while nothing is recorded yet."""

    order: Order
    placed_at: datetime
    waits: Sequence[Wait] = ()


@dataclass(frozen=True)
class OrderRow:
    """An order in a list. `number` is its place."""

    number: int
    id: str
    revision: int
    channel: str
    reference: str
    customer: str
    currency: str
    status: str
    hold_reasons: list[str]
    total: Decimal | None
    placed_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class CommandRow:
    """A command and what became of it; `outcome` is empty while its order has not recorded it."""

    id: str
    order_id: str
    kind: str
    correlation_id: str
    stored_at: datetime
    applied_at: datetime | None
    outcome: dict[str, Any] | None


@dataclass(frozen=True)
class Filter:
    """Which orders; what is not given does not matter. `held`: whether any hold is open, whatever
    the order's status is: one that is cancelled may have some, too.
    """

    status: str | None = None
    customer: str | None = None
    channel: str | None = None
    reference: str | None = None
    hold: str | None = None
    open: bool | None = None
    held: bool | None = None

    def where(self) -> list[SQL]:
        given = {
            "status": SQL("status = %(status)s"),
            "customer": SQL("customer = %(customer)s"),
            "channel": SQL("channel = %(channel)s"),
            "reference": SQL("reference = %(reference)s"),
            "hold": SQL("%(hold)s = any (hold_reasons)"),
            "open": SQL("(finished_at is null) = %(open)s"),
            "held": SQL("hold_reasons <> '{}'" if self.held else "hold_reasons = '{}'"),
        }
        return [sql for name, sql in given.items() if getattr(self, name) is not None]


class ReadModel:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def order(self, order_id: str) -> SeenOrder | None:
        """From the moment it was accepted."""
        rows = await self._rows(ORDER, (order_id,))
        if not rows:
            return None
        row = rows[0]
        waits = [Wait(**wait) for wait in row["waits"]]
        if row["state"]:
            return SeenOrder(Order.model_validate_json(row["state"]), row["placed_at"], waits)
        order = Order(id=order_id)
        placed = Placed.model_validate_json(row["placed"])
        hear(order, placed.model_copy(update={"n": 1}), row["placed_at"])
        return SeenOrder(order, row["placed_at"], waits)

    async def status(self, order_id: str) -> tuple[str, int] | None:
        """Status and revision: revision 0 until something is recorded."""
        async with self._pool.connection() as db:
            row = await (await db.execute(STATUS, (order_id,))).fetchone()
        return (row[0], row[1]) if row else None

    async def orders(
        self, wanted: Filter, *, before: int = 2**62, limit: int = 100
    ) -> list[OrderRow]:
        """The newest first, from the place `before` on."""
        values = {"before": before, "limit": limit, **vars(wanted)}
        async with (
            self._pool.connection() as db,
            db.cursor(row_factory=class_row(OrderRow)) as cursor,
        ):
            await cursor.execute(_list(wanted), values)
            return await cursor.fetchall()

    async def holds(
        self, *, reason: str | None, customer: str | None, before: int = 2**62, limit: int = 100
    ) -> list[tuple[OrderRow, Order]]:
        """Orders with open holds, the newest order first."""
        rows = await self.orders(
            Filter(held=True, hold=reason, customer=customer), before=before, limit=limit
        )
        states = await self._rows(
            b"select id, state::text from orders where id = any (%s)", ([row.id for row in rows],)
        )
        found = {state["id"]: Order.model_validate_json(state["state"]) for state in states}
        return [(row, found[row.id]) for row in rows]

    async def command(self, source: str, command_id: str) -> CommandRow | None:
        async with (
            self._pool.connection() as db,
            db.cursor(row_factory=class_row(CommandRow)) as cursor,
        ):
            await cursor.execute(COMMAND, (source, command_id))
            return await cursor.fetchone()

    async def events(self, order_id: str, limit: int = 1000) -> list[dict[str, Any]]:
        """The order's events in the order they were written; new ones have no position yet."""
        return await self._rows(EVENTS, (f"orders/{order_id}", limit))

    async def messages(self, order_id: str, limit: int = 1000) -> list[dict[str, Any]]:
        """What came in for the order, in the order it was stored."""
        return await self._rows(MESSAGES, (order_id, limit))

    async def order_with(
        self, part: Literal["shipments", "returns", "authorised"], id: str
    ) -> str | None:
        """The order that has this shipment, return or authorisation of one."""
        rows = await self._rows(WITH_PART, (Jsonb({part: [{"id": id}]}),))
        return str(rows[0]["id"]) if rows else None

    async def order_with_invoice(self, id: str) -> str | None:
        """The order with the invoice of this number, or of the shipment of this id."""
        rows = await self._rows(WITH_INVOICE, (Jsonb({"id": id}),))
        return str(rows[0]["id"]) if rows else None

    async def _rows(self, statement: bytes, values: Sequence[Any]) -> list[dict[str, Any]]:
        async with self._pool.connection() as db:
            cursor = db.cursor(row_factory=dict_row)
            return await (await cursor.execute(statement, values)).fetchall()


def _list(wanted: Filter) -> Composed:
    return SQL(
        """
        select number, id, revision, channel, reference, customer, currency, status, hold_reasons,
               total, placed_at, updated_at
        from orders where {} order by number desc limit %(limit)s
        """
    ).format(SQL(" and ").join([SQL("number < %(before)s"), *wanted.where()]))

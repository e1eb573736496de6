"""What the rest of the world may know of an order: snapshot, events, what was heard."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.statement import JsonText
from domain.amounts import order_value
from domain.errors import Replaced
from domain.event import Event
from domain.order import Entry, Order
from domain.status import order_status

SAVE = b"select save_order(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
LOAD = b"select state::text from orders where id = %s"
ANEW = b"""
update inbox set handed_at = null
where order_id = any(%s) and applied_at is null
"""
OPEN = b"""
select id, state::text from orders where finished_at is null and id > %s order by id limit %s
"""


@dataclass(frozen=True)
class Saved:
    """The record is made."""


@dataclass(frozen=True)
class Elsewhere:
    """Nothing was saved: another engine has the orders."""


@dataclass(frozen=True)
class HeldBy:
    """Nothing was saved: another run has the order."""

    run: str


@dataclass(frozen=True)
class Ahead:
    """Nothing was saved: what is stored is further on."""

    order: Order


Outcome = Saved | HeldBy | Ahead | Elsewhere


class Records:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def save(self, entry: Entry, *, taking_from: str | None) -> Outcome:
        """Idempotent. A run takes an order only from the run it names. One round trip.

        Raises `Replaced` when the order was taken from this run.
        """
        order = entry.order
        values = (
            order.id,
            entry.run,
            entry.engine,
            entry.history_length,
            order.revision,
            entry.based_on,
            taking_from,
            JsonText(order.model_dump_json(exclude={"news", "outcomes"})),
            str(order_status(order)),
            sorted({hold.reason for hold in order.open_holds}),
            order_value(order),
            order.closed,
            order.heard,
            Jsonb([outcome.model_dump() for outcome in order.outcomes]),
            Jsonb([_event(order, event) for event in order.news]),
            Jsonb({item: f"{quantity:f}" for item, quantity in order.wanted_items.items()}),
        )
        async with self._pool.connection() as db:
            row = await (await db.execute(SAVE, values)).fetchone()
        assert row is not None
        match row[0]:
            case {"is": "saved"}:
                return Saved()
            case {"is": "elsewhere"}:
                return Elsewhere()
            case {"is": "held_by", "run": run}:
                return HeldBy(run)
            case {"is": "ahead", "state": state}:
                return Ahead(Order.model_validate(state))
        raise Replaced(f"run {entry.run} does not have order {order.id} any more")

    async def load(self, order_id: str) -> Order | None:
        """The last recorded state; `None` for an order without one."""
        async with self._pool.connection() as db:
            row = await (await db.execute(LOAD, (order_id,))).fetchone()
        return Order.model_validate_json(row[0]) if row and row[0] else None

    async def open_orders(self, after: str = "", limit: int = 200) -> list[Order]:
        """Orders with something left to do, a page at a time; one never recorded is empty."""
        async with self._pool.connection() as db:
            rows = await (await db.execute(OPEN, (after, limit))).fetchall()
        return [
            Order.model_validate_json(state) if state else Order(id=order_id)
            for order_id, state in rows
        ]

    async def claim_engine(self, namespace_id: str) -> bool:
        """Whether this namespace runs our orders; the first one to ask does."""
        async with self._pool.connection() as db:
            row = await (await db.execute("select claim_engine(%s)", (namespace_id,))).fetchone()
        return bool(row and row[0])

    async def move_engine(self, namespace_id: str) -> None:
        """Make this namespace the one that runs our orders."""
        async with self._pool.connection() as db:
            await db.execute("select move_engine(%s)", (namespace_id,))

    async def hand_over_anew(self, orders: Sequence[str]) -> None:
        """What these orders have not applied was given to runs that are over."""
        async with self._pool.connection() as db:
            await db.execute(ANEW, (list(orders),))


def _event(order: Order, event: Event) -> dict[str, object]:
    return {
        "id": event.id,
        "kind": event.type,
        "subject": f"orders/{order.id}",
        "data": event.data,
        "occurred_at": event.at.isoformat(),
        "correlation_id": order.correlation_id,
        "causation_id": event.cause,
    }

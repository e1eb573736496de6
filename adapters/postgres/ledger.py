"""Stock and credit. Every statement says what is to hold, so that repeating it changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from adapters.crash import crash_point
from adapters.postgres.content import hash_of
from adapters.postgres.statement import value_of
from domain.answer import Answer, Done, Refused
from domain.base import ZERO, Goal
from domain.documents import CreditClaim, StockClaim
from domain.errors import Replaced

CLAIM_STOCK = b"select claim_stock(%s, %s, %s, %s, %s, %s)"
CLAIM_CREDIT = b"select claim_credit(%s, %s, %s, %s, %s, %s, %s)"
OFFERS = b"""
select s.location, s.item, trim_scale(greatest(s.on_hand - s.reserved - l.safety_stock, 0))
from stock_position s join location l on l.id = s.location and l.active
where s.item = any (%s)
"""
SHORT = b"select item, location from short_positions()"
SETTLE = b"select settle_position(%s, %s)"
BOOK = b"select book_movement(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
POSITIONS = b"""
select s.item, s.location, s.on_hand, s.reserved,
       greatest(s.on_hand - s.reserved - coalesce(l.safety_stock, 0), 0) as available,
       0::numeric as earmarked, 0::numeric as in_transit, s.damaged, s.quarantined, now() as as_of
from stock_position s left join location l on l.id = s.location
where (%(item)s::text is null or s.item = %(item)s)
  and (%(location)s::text is null or s.location = %(location)s)
  and (s.item, s.location) > (%(after_item)s, %(after_location)s)
order by s.item, s.location limit %(limit)s
"""
MOVEMENTS = b"""
select * from movement
where (%(item)s::text is null or item = %(item)s)
  and (%(location)s::text is null or location = %(location)s)
  and (%(order_id)s::text is null or order_id = %(order_id)s)
  and (item, location, n) > (%(after_item)s, %(after_location)s, %(after_n)s)
order by item, location, n limit %(limit)s
"""
CREDIT = b"""
select c.id, c.currency, c.credit_limit, coalesce(a.open, 0) as open,
       coalesce(a.invoiced, 0) as invoiced
from customer c left join credit_account a on a.account = coalesce(c.bill_to, c.id)
where c.id = %s
"""

MovementKind = Literal[
    "receipt", "adjustment", "issue", "transfer_out", "transfer_in",
    "damage", "quarantine", "release", "return", "scrap",
]  # fmt: skip


@dataclass(frozen=True)
class Fence:
    """Who speaks: statements of a replaced run, or older than one already seen, do not count."""

    run: str
    n: int


@dataclass(frozen=True)
class Movement:
    """A movement as a stock feed tells it; only an adjustment may be negative. Stock units."""

    movement_id: str
    kind: MovementKind
    item: str
    location: str
    quantity: Decimal
    occurred_at: datetime
    document: str | None = None
    lot: str | None = None


class Ledger:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def claim_stock(self, claim: StockClaim, fence: Fence) -> Answer:
        """Reserve exactly this for the order, or nothing and say what could be had."""
        positions = [
            {
                "line": each.line,
                "item": each.item,
                "location": each.location,
                "quantity": f"{each.stock_quantity:f}",
            }
            for each in claim.positions
        ]
        factors = {line: f"{factor:f}" for line, factor in claim.factors.items()}
        values = (
            claim.order_id,
            fence.run,
            fence.n,
            Jsonb(positions),
            Jsonb(claim.items),
            Jsonb(factors),
        )
        match await value_of(self._pool, CLAIM_STOCK, values):
            case {"is": "done"}:
                return Done(standing=claim.goal)
            case {"is": "short", "offers": offers, "standing": standing}:
                return Refused(
                    reason="unavailable_inventory",
                    standing=_goal(standing),
                    offers={at: _goal(offer) for at, offer in offers.items()},
                )
        raise _replaced(claim.order_id)

    async def claim_credit(self, claim: CreditClaim, fence: Fence) -> Answer:
        """Use exactly so much of the account's credit, if its limit allows what is more."""
        amounts = (claim.goal.get("open", ZERO), claim.goal.get("invoiced", ZERO))
        values = (claim.order_id, fence.run, fence.n, claim.account, *amounts, claim.check)
        match await value_of(self._pool, CLAIM_CREDIT, values):
            case {"is": "done"}:
                return Done(standing=claim.goal)
            case {"is": "refused", "beyond": beyond, "standing": standing}:
                detail = f"{beyond} {claim.currency} beyond the limit"
                return Refused(reason="credit_limit", detail=detail, standing=_goal(standing))
        raise _replaced(claim.order_id)

    async def offers(self, items: list[str]) -> dict[str, Goal]:
        """What every location could give of these items now, in stock units."""
        offers: dict[str, Goal] = {}
        async with self._pool.connection() as db:
            rows = await (await db.execute(OFFERS, (items,))).fetchall()
        for location, item, quantity in rows:
            offers.setdefault(location, {})[item] = quantity
        return offers

    async def book_movement(self, movement: Movement, *, source: str) -> str:
        """Book what a stock feed tells, once: `booked`, `matched`, `repeat` or `conflict`.

        `matched` is a fact that a milestone told before; the stock is moved already.
        """
        told = {**vars(movement), "quantity": f"{movement.quantity.normalize():f}"}
        values = (
            source,
            movement.movement_id,
            hash_of(told),
            movement.kind,
            movement.item,
            movement.location,
            movement.quantity,
            movement.document,
            movement.lot,
            movement.occurred_at,
        )
        outcome = str(await value_of(self._pool, BOOK, values))
        crash_point("movement")
        return outcome

    async def settle_unmatched(self) -> None:
        """Take back what is reserved beyond what is there: an issue that no milestone told of
        within an hour was no shipment. To be called every minute or so."""
        async with self._pool.connection() as db:
            short = await (await db.execute(SHORT)).fetchall()
        for position in short:
            await value_of(self._pool, SETTLE, position)

    async def positions(
        self,
        *,
        item: str | None = None,
        location: str | None = None,
        after: tuple[str, str] = ("", ""),
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        values = {
            "item": item,
            "location": location,
            "after_item": after[0],
            "after_location": after[1],
            "limit": limit,
        }
        return await self._rows(POSITIONS, values)

    async def movements(
        self,
        *,
        item: str | None = None,
        location: str | None = None,
        order_id: str | None = None,
        after: tuple[str, str, int] = ("", "", 0),
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        values = {
            "item": item,
            "location": location,
            "order_id": order_id,
            "after_item": after[0],
            "after_location": after[1],
            "after_n": after[2],
            "limit": limit,
        }
        return await self._rows(MOVEMENTS, values)

    async def credit(self, customer: str) -> dict[str, Any] | None:
        """Limit and use of the customer's account, in its currency; `None` if unknown."""
        rows = await self._rows(CREDIT, (customer,))
        return rows[0] if rows else None

    async def _rows(self, query: bytes, values: Any) -> list[dict[str, Any]]:
        async with self._pool.connection() as db:
            cursor = db.cursor(row_factory=dict_row)
            return await (await cursor.execute(query, values)).fetchall()


def _goal(plain: dict[str, str]) -> Goal:
    return {name: Decimal(quantity) for name, quantity in plain.items()}


def _replaced(order_id: str) -> Replaced:
    return Replaced(f"order {order_id}: a later statement was seen, or another run has it")

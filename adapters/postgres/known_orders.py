"""Which of many orders are there already, asked before any of them is placed."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg_pool import AsyncConnectionPool

from adapters.postgres.content import hashes_of, stored_hash
from domain.order_in import OrderIn

AT_ONCE = 1000
"""Orders per statement: each well within the time one may take."""
_KNOWN = b"""
select coalesce(same.id, ''), coalesce(same.content, ''),
       case when same.content not like 'v2:%%' then (
           select body from inbox
           where order_id = same.id and kind = 'placed' order by n limit 1) end,
       coalesce(twin.id, '')
from unnest(%s::text[], %s::text[], %s::text[])
     with ordinality as given (channel, reference, alike, n)
left join orders same on same.channel = given.channel and same.reference = given.reference
left join lateral (
    select id from orders
    where alike = given.alike and placed_at > now() - interval '1 day'
      and (channel, reference) <> (given.channel, given.reference)
    order by placed_at limit 1) twin on true
order by given.n
"""


@dataclass(frozen=True)
class Known:
    """What `Inbox.accept_order` would find now.

    `order_id`: the order of that channel and reference, `same` in content or not. `twin`: another
    one of this day that is like it. `alike` is equal for orders that are like each other.
    """

    order_id: str
    same: bool
    twin: str
    alike: str


class KnownOrders:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def find(self, orders: Sequence[OrderIn]) -> list[Known]:
        """One answer per order. Nothing is kept, and nothing is locked."""
        found: list[Known] = []
        for start in range(0, len(orders), AT_ONCE):
            found += await self._find_some(orders[start : start + AT_ONCE])
        return found

    async def _find_some(self, orders: Sequence[OrderIn]) -> list[Known]:
        hashes = [hashes_of(order) for order in orders]
        values = (
            [order.channel for order in orders],
            [order.reference for order in orders],
            [alike for _, alike in hashes],
        )
        async with self._pool.connection() as db:
            rows = await (await db.execute(_KNOWN, values)).fetchall()
        return [
            Known(order_id, bool(order_id) and stored_hash(stored, body) == content, twin, alike)
            for (order_id, stored, body, twin), (content, alike) in zip(rows, hashes, strict=True)
        ]

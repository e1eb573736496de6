"""Availability of a hundred items in one call, against the same SELECT by psycopg alone.

The call is the ledger's; how often the API answers the same question is told beside it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from psycopg_pool import AsyncConnectionPool

from adapters.postgres.ledger import Ledger
from adapters.postgres.pool import open_pool
from benchmarks.company import ITEMS, WAREHOUSES, fill, item
from benchmarks.load import Caller
from benchmarks.result import Result
from benchmarks.site import Site, api
from stack.console import report

AT_ONCE = 8
SELECT = b"""
select s.item, s.location, greatest(s.on_hand - s.reserved - l.safety_stock, 0)
from stock_position s join location l on l.id = s.location and l.active
where s.item = any (%s)
"""


async def measure(site: Site, rounds: int, quick: bool) -> Result:
    calls = 200 if quick else 1500
    items = [item(warehouse, n) for warehouse in WAREHOUSES for n in range(ITEMS)]
    ours, bare = [], []
    async with open_pool(site.database_url) as pool, api(site, connections=AT_ONCE) as caller:
        await fill(pool)
        ledger = Ledger(pool)
        for n in range(rounds):
            ours.append(await _rate(lambda: _offers(ledger, items), calls, len(items)))
            bare.append(await _rate(lambda: _select(pool, items), calls, len(items)))
            report(f"round {n + 1}: {ours[-1]:.0f} calls/s, floor {bare[-1]:.0f}")
        over_http = await _rate(lambda: _asked(caller, items), calls, len(items))
    return Result(
        name="availability",
        unit="calls/s",
        what=f"availability of {len(items)} items in one call, against the SELECT by psycopg alone",
        target=0.5,
        ours=ours,
        floor=bare,
        more={"over_http": round(over_http, 1)},
    )


async def _offers(ledger: Ledger, items: list[str]) -> int:
    return sum(len(offer) for offer in (await ledger.offers(items)).values())


async def _asked(caller: Caller, items: list[str]) -> int:
    answer = await caller.post("/v1/availability", {"items": items}, expected=200)
    return len(answer["items"])


async def _select(pool: AsyncConnectionPool, items: list[str]) -> int:
    async with pool.connection() as db:
        return len(await (await db.execute(SELECT, (items,))).fetchall())


async def _rate(ask: Callable[[], Awaitable[int]], calls: int, expected: int) -> float:
    """Calls per second by `AT_ONCE` clients, each of which hears of all items."""
    left = iter(range(calls))

    async def client() -> None:
        for _ in left:
            assert await ask() == expected

    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return calls / (time.perf_counter() - began)

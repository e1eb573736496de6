"""Two hundred orders a second for ten seconds: how long each waits for its answer."""

import asyncio
import time
from uuid import uuid4

from psycopg_pool import AsyncConnectionPool

from adapters.postgres.pool import open_pool
from benchmarks.company import fill
from benchmarks.day import Day
from benchmarks.result import Result, percentile
from benchmarks.site import Site, api, worker
from stack.console import report

A_SECOND = 200
WITHIN = 2.0
"""Seconds in which an order shall be accepted."""
CONNECTIONS = 100
UNDECIDED = b"select count(*) from orders where id = any(%s) and status = 'received'"
PATIENCE = 1800.0


async def measure(site: Site, rounds: int, quick: bool) -> Result:
    """`rounds` does not count: the orders of one burst are enough to know their percentiles."""
    orders = 300 if quick else 2000
    async with open_pool(site.database_url) as pool, api(site, connections=CONNECTIONS) as caller:
        await fill(pool)
        day = Day(caller, pool, ship=False)
        async with worker(site, uuid4().hex, day.hear):
            await day.place()
            ids, seconds, took = await _burst(day, orders)
            report(f"{orders} orders accepted in {took:.1f} s; now until all are decided")
            decided_in = await _decided(pool, ids)
    in_time = sum(each <= WITHIN for each in seconds) / orders
    return Result(
        name="burst",
        unit="orders/s",
        what=f"accepted within {WITHIN:.0f} s each, of {A_SECOND} offered a second",
        target=0.99,
        ours=[A_SECOND * in_time],
        floor=[A_SECOND],
        more={
            "orders": orders,
            "p50_s": percentile(seconds, 0.5),
            "p99_s": percentile(seconds, 0.99),
            "decided": len(ids),
            "decided_in_s": round(decided_in, 1),
        },
    )


async def _burst(day: Day, orders: int) -> tuple[list[str], list[float], float]:
    """Ids, the seconds each waited from the moment it was due, and seconds in all."""
    ids, seconds = list[str](), list[float]()
    began = time.perf_counter()

    async def one(due: float) -> None:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        ids.append(await day.place())
        seconds.append(time.perf_counter() - due)

    await asyncio.gather(*(one(began + n / A_SECOND) for n in range(orders)))
    return ids, seconds, time.perf_counter() - began


async def _decided(pool: AsyncConnectionPool, ids: list[str]) -> float:
    """Seconds until no order is undecided any more. Raises TimeoutError."""
    began = time.perf_counter()
    async with asyncio.timeout(PATIENCE):
        while True:
            async with pool.connection() as db:
                row = await (await db.execute(UNDECIDED, (ids,))).fetchone()
            if row == (0,):
                return time.perf_counter() - began
            await asyncio.sleep(0.5)

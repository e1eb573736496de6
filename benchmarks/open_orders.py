"""Ten thousand open orders, then a milestone for each, against the same with a hundred open."""

import asyncio
import time
from uuid import uuid4

from psycopg_pool import AsyncConnectionPool

from adapters.postgres.pool import open_pool
from adapters.postgres.records import Records
from adapters.temporal import Engine, connect
from benchmarks.company import WAREHOUSES, fill
from benchmarks.day import Day
from benchmarks.result import Result
from benchmarks.site import Site, api, resident_mb, worker
from stack.console import report

FEW = 100
AGAIN = 5
"""How often there are that few, each time others, so that there is something to measure."""
AT_ONCE = 50
PATIENCE = 1800.0

RELEASED = b"select status from orders where id = %s"
# The copies are at the same point of their lives. What is reserved for them is not booked: a
# milestone that goods are being picked moves none.
COPY = b"""
with copies as (
    insert into orders (id, channel, reference, customer, content, alike, placed_at, status, total,
                        currency, revision, state)
    select %(prefix)s || n, channel, %(prefix)s || n, customer, content, alike, placed_at, status,
           total, currency, revision, replace(state::text, id, %(prefix)s || n)::jsonb
    from orders, generate_series(1, %(copies)s) as n where id = %(original)s
    returning id
)
insert into inbox_number (order_id, last)
select copies.id, i.last from copies, inbox_number i where i.order_id = %(original)s
returning order_id
"""
RUNNING = b"select count(*) from orders where id = any(%s) and run is not null"
APPLIED = b"select count(*) from inbox where order_id = any(%s) and applied_at is not null"


async def measure(site: Site, rounds: int, quick: bool) -> Result:
    """`rounds` does not count: there is only one way from few orders to many."""
    many, queue = (1_500 if quick else 10_000), uuid4().hex
    engine = Engine(await connect(site.address), queue)
    async with open_pool(site.database_url) as pool, api(site, connections=AT_ONCE) as caller:
        await fill(pool)
        day = Day(caller, pool, ship=False)
        async with worker(site, queue, day.hear) as process:
            original = await day.place()
            await _until(pool, RELEASED, original, "released")
            seconds = 0.0
            for _ in range(AGAIN):
                few = await _open(pool, engine, original, FEW)
                seconds += await _told(pool, day, few)
            floor = AGAIN * FEW / seconds
            empty_mb = resident_mb(process.pid)
            report(f"{floor:.1f} milestones/s with {FEW} open")
            began = time.perf_counter()
            all_of_them = await _open(pool, engine, original, many)
            report(f"{many} opened in {time.perf_counter() - began:.0f} s")
            ours = many / await _told(pool, day, all_of_them)
            full_mb = resident_mb(process.pid)
    return Result(
        name="open_orders",
        unit="milestones/s",
        what=f"a milestone each for {many} open orders, against the rate with {FEW} open",
        target=0.5,
        ours=[ours],
        floor=[floor],
        more={
            "open": many,
            "worker_mb": round(full_mb),
            "worker_mb_before": round(empty_mb),
            "worker_mb_allowed": 600,
        },
    )


async def _open(pool: AsyncConnectionPool, engine: Engine, original: str, copies: int) -> list[str]:
    """So many copies of an order, each with a workflow of its own, started as a rebuild does."""
    values = {"original": original, "prefix": f"{uuid4().hex[:12]}-", "copies": copies}
    async with pool.connection() as db:
        ids = [row[0] for row in await (await db.execute(COPY, values)).fetchall()]
    records, places = Records(pool), asyncio.Semaphore(AT_ONCE)

    async def start(order: str) -> None:
        async with places:
            known = await records.load(order)
            assert known
            await engine.restart(known)

    await asyncio.gather(*map(start, ids))
    await _until(pool, RUNNING, ids, len(ids))
    return ids


async def _told(pool: AsyncConnectionPool, day: Day, orders: list[str]) -> float:
    """Tell each a milestone: the seconds until all are applied."""
    places, warehouse = asyncio.Semaphore(AT_ONCE), next(iter(WAREHOUSES))

    async def tell(order: str) -> None:
        async with places:
            await day.report(order, warehouse, "picking", {})

    began = time.perf_counter()
    await asyncio.gather(*map(tell, orders))
    await _until(pool, APPLIED, orders, len(orders))
    return time.perf_counter() - began


async def _until(pool: AsyncConnectionPool, query: bytes, value: object, wanted: object) -> None:
    """Raises TimeoutError when it never gets there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with pool.connection() as db:
                row = await (await db.execute(query, (value,))).fetchone()
            if row == (wanted,):
                return
            await asyncio.sleep(0.1)

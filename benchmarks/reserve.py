"""Reservations of one hot item, against pgbench's conditional update of one row."""

import asyncio
import re
import subprocess
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from psycopg_pool import AsyncConnectionPool

from adapters.postgres.ledger import Fence, Ledger
from adapters.postgres.pool import open_pool
from benchmarks.company import WAREHOUSES, fill, item
from benchmarks.result import Result
from benchmarks.site import Site
from domain.answer import Done
from domain.documents import StockClaim, StockPosition
from stack.console import report
from stack.places import StackError, unprivileged_account
from stack.postgres import find_binaries

CLIENTS = 8
RUN = "benchmark"
ORDERS = b"""
insert into orders (id, channel, reference, customer, content, alike, placed_at, currency, run)
select %s || n, 'benchmark', %s || n, 'C00', '', '', now(), 'USD', %s
from generate_series(1, %s) as n returning id
"""
BARE = b"""
create table if not exists bare_stock (id integer primary key, rest numeric not null);
insert into bare_stock values (1, 1000000000) on conflict do nothing
"""
CLAIM = "update bare_stock set rest = rest - 1 where id = 1 and rest >= 1;\n"


async def measure(site: Site, rounds: int, quick: bool) -> Result:
    claims = 400 if quick else 4000
    ours, bare = [], []
    async with open_pool(site.database_url) as pool:
        await fill(pool)
        async with pool.connection() as db:
            await db.execute(BARE)
        for n in range(rounds):
            ours.append(await _ours(pool, claims))
            bare.append(await asyncio.to_thread(_pgbench, site, claims))
            report(f"round {n + 1}: {ours[-1]:.0f} reservations/s, floor {bare[-1]:.0f}")
    return Result(
        name="reserve",
        unit="reservations/s",
        what=f"{CLIENTS} clients on one hot item, against pgbench's conditional update of one row",
        target=0.5,
        ours=ours,
        floor=bare,
    )


async def _ours(pool: AsyncConnectionPool, claims: int) -> float:
    """A unit each for so many orders."""
    ledger, prefix = Ledger(pool), f"{uuid4().hex[:12]}-"
    async with pool.connection() as db:
        made = await db.execute(ORDERS, (prefix, prefix, RUN, claims))
        wanted = iter([_claim(order) for (order,) in await made.fetchall()])

    async def client() -> None:
        for claim in wanted:
            answer = await ledger.claim_stock(claim, Fence(run=RUN, n=1))
            assert isinstance(answer, Done)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return claims / (time.perf_counter() - began)


def _claim(order: str) -> StockClaim:
    location = next(iter(WAREHOUSES))
    hot, one = item(location, 0), Decimal(1)
    position = StockPosition(
        position=f"1/{location}",
        line="1",
        item=hot,
        location=location,
        quantity=one,
        stock_quantity=one,
    )
    return StockClaim(
        order_id=order,
        goal={position.position: one},
        positions=(position,),
        items={"1": hot},
        factors={"1": one},
    )


def _pgbench(site: Site, updates: int) -> float:
    """Updates per second, each in a transaction of its own."""
    program = find_binaries(unprivileged_account()).folder / "pgbench"
    if not program.exists():
        raise StackError(f"{program} is needed for the floor, and is not there.")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(CLAIM)
        script.flush()
        each = ("-t", str(updates // CLIENTS), "-c", str(CLIENTS), "-M", "prepared")
        ran = subprocess.run(
            [str(program), "-n", *each, "-f", script.name, site.database_url],
            capture_output=True,
            text=True,
            check=False,
        )
    found = re.search(r"tps = ([0-9.]+)", ran.stdout)
    if found is None:
        raise StackError(f"{Path(program).name}: {ran.stderr}")
    return float(found[1])

"""What a dead and a slow subscriber cost the orders: a day with them, and one with nobody told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg_pool import AsyncConnectionPool

from adapters.notify.webhook import new_secret
from adapters.postgres.pool import open_pool
from adapters.postgres.subscriptions import Subscriptions
from benchmarks.company import fill
from benchmarks.lifecycle import play
from benchmarks.result import Result
from benchmarks.site import Site
from stack.console import report
from stack.ports import free_ports

SLOW = 3.0
"""Seconds the slow one takes for each answer."""
NAMES = ("dead", "slow")
DELIVERED = "select count(*) from delivery where subscription_id = any(%s)"


async def measure(site: Site, rounds: int, quick: bool) -> Result:
    orders, at_once = (30, 15) if quick else (120, 40)
    async with open_pool(site.database_url) as pool, _slow() as slow_url:
        await fill(pool)
        dead_url = f"http://127.0.0.1:{free_ports(['dead'])['dead']}/"
        with_them, alone = [], []
        tried = 0
        for n in range(rounds):
            alone.append((await play(site, pool, orders, at_once)).rate)
            async with _told(pool, dead_url, slow_url):
                with_them.append((await play(site, pool, orders, at_once)).rate)
                tried += await _tried(pool)
            report(f"round {n + 1}: {with_them[-1]:.2f} orders/s, alone {alone[-1]:.2f}")
    return Result(
        name="subscribers",
        unit="orders/s",
        what="whole orders with a dead and a slow subscriber, against the same without",
        target=0.95,
        ours=with_them,
        floor=alone,
        more={"deliveries_that_failed_or_waited": tried},
    )


@asynccontextmanager
async def _told(pool: AsyncConnectionPool, dead_url: str, slow_url: str) -> AsyncIterator[None]:
    """Both are subscribed to everything, from now on."""
    subscriptions = Subscriptions(pool)
    for name, url in zip(NAMES, (dead_url, slow_url), strict=True):
        await subscriptions.create(name, url, new_secret())
    try:
        yield
    finally:
        for name in NAMES:
            await subscriptions.remove(name)


async def _tried(pool: AsyncConnectionPool) -> int:
    async with pool.connection() as db:
        row = await (await db.execute(DELIVERED, (list(NAMES),))).fetchone()
    assert row
    return int(row[0])


@asynccontextmanager
async def _slow() -> AsyncIterator[str]:
    """A server that takes its time, and then says yes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(SLOW)
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # whoever asked has gone, or the round is over
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

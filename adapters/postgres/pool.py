"""The one way to PostgreSQL: a pool of connections that commit every statement."""

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

OPTIONS = "-c lock_timeout=2s -c statement_timeout=8s -c timezone=UTC"
START_PATIENCE = 60.0
"""Seconds a server may take to answer when a process of ours starts."""


RECONNECT = 5.0
"""Seconds the pool tries to replace a connection before it waits to be asked for one again. Its
pauses double within them, so this is also how late it may see that the server is back."""


class Pool(AsyncConnectionPool):
    """Hands out no connection that the server has closed. (The pool's own way to look, `check`,
    costs a round trip, and sleeps for a second or more after each broken connection.)"""

    async def getconn(self, timeout: float | None = None) -> AsyncConnection[TupleRow]:
        while True:
            connection = await super().getconn(timeout)
            if not _has_something_to_read(connection):
                return connection
            await connection.close()
            await self.putconn(connection)  # which replaces it


@asynccontextmanager
async def open_pool(database_url: str, *, max_size: int = 10) -> AsyncIterator[AsyncConnectionPool]:
    """A pool of autocommit connections; waits for a server that is still starting.

    Raises `psycopg.OperationalError` when it does not answer within `START_PATIENCE`.
    """
    await _wait_for_server(database_url)
    pool = Pool(
        database_url,
        min_size=min(2, max_size),
        max_size=max_size,
        kwargs={"autocommit": True, "options": OPTIONS},
        timeout=10.0,
        reconnect_timeout=RECONNECT,
        open=False,
        name="throughline",
    )
    async with pool:
        yield pool


async def _wait_for_server(database_url: str) -> None:
    async for attempt in AsyncRetrying(
        stop=stop_after_delay(START_PATIENCE),
        wait=wait_fixed(0.25),
        retry=retry_if_exception_type(psycopg.OperationalError),
        reraise=True,
    ):
        with attempt:
            # In a thread, because an asynchronous connect that is cancelled leaves its socket open.
            await asyncio.to_thread(_connect, database_url)


def _connect(database_url: str) -> None:
    psycopg.connect(database_url, connect_timeout=5).close()


def _has_something_to_read(connection: AsyncConnection[TupleRow]) -> bool:
    """An idle connection has nothing to say, but that it has ended."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))

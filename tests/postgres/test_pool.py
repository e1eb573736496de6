"""The pool: it waits for a server that starts, and survives one that restarts."""

import asyncio
import time
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.postgres import pool as pools
from adapters.postgres.pool import open_pool
from stack.places import make_folder
from stack.ports import free_ports
from stack.postgres import open_cluster
from stack.testing import postgres_answers, running
from tests.stack.conftest import folder  # noqa: F401 - a fixture


async def test_connections_that_the_server_has_closed_are_not_handed_out(
    pool: AsyncConnectionPool, database: str
) -> None:
    for _ in range(3):
        async with pool.connection() as one, pool.connection() as two:
            await one.execute("select 1")
            await two.execute("select 1")
        with psycopg.connect(database, autocommit=True) as killing:
            killing.execute(
                "select pg_terminate_backend(pid, 1000) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        async with pool.connection() as db:
            await db.execute("select 1")


async def test_every_connection_has_limits_and_speaks_utc(pool: AsyncConnectionPool) -> None:
    async with pool.connection() as db:
        shown = [
            (await (await db.execute(f"show {name}")).fetchone() or [None])[0]
            for name in ("lock_timeout", "statement_timeout", "timezone")
        ]
    assert shown == ["2s", "8s", "UTC"]
    assert db.autocommit


async def test_it_waits_for_a_server_that_starts(folder: Path) -> None:  # noqa: F811 - the fixture
    cluster = open_cluster(make_folder(folder / "postgres"), durable=False)
    port = free_ports(["postgres"])["postgres"]
    url = cluster.url(port, "postgres")

    async def ask() -> None:
        async with open_pool(url) as pool, pool.connection() as db:
            await db.execute("select 1")

    asking = asyncio.create_task(ask())
    await asyncio.sleep(0.3)
    with running(cluster.program(port, folder / "log"), lambda: postgres_answers(url)):
        await asyncio.wait_for(asking, 10)


async def test_a_server_that_never_answers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "START_PATIENCE", 0.3)
    port = free_ports(["postgres"])["postgres"]
    began = time.monotonic()
    with pytest.raises(psycopg.OperationalError):
        async with open_pool(f"postgresql://nobody@127.0.0.1:{port}/x"):
            pass
    assert time.monotonic() - began < 5

"""Leases: one owner at a time, another soon after its death, and a paused one writes nothing."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.lease import Lease, LeasedLoop, LeaseLost
from stack.places import ROOT
from tests.postgres.conftest import eventually, running

SHORT = timedelta(seconds=0.3)


class Counting(LeasedLoop):
    """Counts its rounds; the first ones fail as told."""

    def __init__(self, pool: AsyncConnectionPool, *failures: Exception) -> None:
        super().__init__(pool, "counting", lasts=SHORT, idle=timedelta(milliseconds=10))
        self.failures = list(failures)
        self.rounds = 0

    async def once(self, epoch: int) -> bool:
        if self.failures:
            raise self.failures.pop(0)
        self.rounds += 1
        return False


async def holds(pool: AsyncConnectionPool, name: str, epoch: int) -> bool:
    async with pool.connection() as db:
        row = await (await db.execute("select holds_lease(%s, %s)", (name, epoch))).fetchone()
    return bool(row and row[0])


async def test_one_holds_it_until_it_runs_out(pool: AsyncConnectionPool) -> None:
    first, second = Lease(pool, "x", lasts=SHORT), Lease(pool, "x", lasts=SHORT)
    assert await first.take() == 1
    assert await second.take() is None
    assert await first.take() == 1
    assert await holds(pool, "x", 1)

    async def taken_over() -> bool:
        return await second.take() == 2

    assert await eventually(taken_over) >= 0.2
    assert await first.take() is None
    assert not await holds(pool, "x", 1)


async def test_given_up_it_can_be_taken_at_once(pool: AsyncConnectionPool) -> None:
    first, second = Lease(pool, "x"), Lease(pool, "x")
    await first.take()
    await first.give_up()
    assert await second.take() == 2


async def test_a_statement_that_names_its_epoch_keeps_others_out_until_it_is_done(
    database: str, pool: AsyncConnectionPool
) -> None:
    first, second = Lease(pool, "x", lasts=timedelta(0)), Lease(pool, "x")
    epoch = await first.take()
    async with await psycopg.AsyncConnection.connect(database) as writing:
        await writing.execute("select holds_lease('x', %s)", (epoch,))
        taking = asyncio.create_task(second.take())
        done, _ = await asyncio.wait([taking], timeout=0.3)
        assert not done
        await writing.commit()
        assert await taking == 2


async def test_a_loop_goes_on_after_whatever_fails(pool: AsyncConnectionPool) -> None:
    loop = Counting(pool, psycopg.OperationalError("gone"), ValueError("a bug"), LeaseLost("x"))

    async def went_on() -> bool:
        return loop.rounds > 2

    async with running(loop):
        await eventually(went_on)
    assert not loop.failures


async def test_only_one_of_two_loops_works_and_the_other_follows(
    pool: AsyncConnectionPool,
) -> None:
    first, second = Counting(pool), Counting(pool)

    async def works(loop: Counting, rounds: int = 0) -> bool:
        return loop.rounds > rounds

    async with running(first):
        await eventually(lambda: works(first))
        async with running(second):
            await eventually(lambda: works(first, 20))
            assert second.rounds == 0
            assert second.epoch is None
    async with running(second):
        await eventually(lambda: works(second))


OWNER = """
import asyncio, sys
from adapters.postgres.lease import LeasedLoop
from adapters.postgres.pool import open_pool

class Saying(LeasedLoop):
    async def once(self, epoch):
        print(epoch, flush=True)
        return False

async def main():
    async with open_pool(sys.argv[1]) as pool:
        await Saying(pool, "counting").run()

asyncio.run(main())
"""


@asynccontextmanager
async def owner(database: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that holds the lease, with the times of production."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OWNER, database), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        await asyncio.wait_for(process.stdout.readline(), 20)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_killed_owner_is_followed_within_two_seconds(
    database: str, pool: AsyncConnectionPool
) -> None:
    async with owner(database) as process:
        heir = Counting(pool)
        async with running(heir):
            assert heir.rounds == 0
            os.kill(process.pid, signal.SIGKILL)
            killed = time.monotonic()

            async def follows() -> bool:
                return heir.rounds > 0

            await eventually(follows)
            assert time.monotonic() - killed < 2
            assert heir.epoch == 2


async def test_a_loop_ends_though_its_cancellation_gets_lost(pool: AsyncConnectionPool) -> None:
    """As Python 3.11's `wait_for` loses one that comes when what is waited for has just come."""

    class Deaf(Counting):
        async def once(self, epoch: int) -> bool:
            self.rounds += 1
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                self.rounds += 1
            return False

    loop = Deaf(pool)
    task = asyncio.create_task(loop.run())

    async def begun() -> bool:
        return loop.rounds == 1

    await eventually(begun)
    loop.end()
    task.cancel()
    async with asyncio.timeout(5):
        await task
    assert loop.rounds == 2

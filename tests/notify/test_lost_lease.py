"""A dispatcher that is stopped for a while, and goes on when another has taken over."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg_pool import AsyncConnectionPool

from adapters.postgres.events import EventLog, Sequencer
from adapters.postgres.subscriptions import Subscriptions
from stack.places import ROOT
from tests.notify.subscriber import Told, subscriber
from tests.notify.test_dispatcher import dispatching, has, state, subscribe
from tests.postgres.conftest import event, eventually, running

DISPATCHER = """
import asyncio, sys
from adapters.notify.client import WebhookClient
from adapters.notify.dispatcher import Dispatcher
from adapters.notify.guard import AddressGuard
from adapters.notify.webhook import WebhookSender
from adapters.postgres.pool import open_pool

async def main():
    client = WebhookClient(AddressGuard(allow_private=True))
    async with open_pool(sys.argv[1]) as pool:
        await Dispatcher(pool, WebhookSender(client)).run()

asyncio.run(main())
"""


@asynccontextmanager
async def another(database: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", DISPATCHER, database), cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()  # it ends a stopped process too
        await process.wait()


async def epoch(pool: AsyncConnectionPool) -> int:
    async with pool.connection() as db:
        found = await db.execute("select epoch from lease where name = 'dispatcher'")
        row = await found.fetchone()
    return row[0] if row else 0


async def test_no_cursor_goes_back_and_nothing_is_told_twice(
    database: str, pool: AsyncConnectionPool
) -> None:
    log = EventLog(pool)
    answering = asyncio.Event()

    async def first_when_told(told: Told) -> int:
        if told["id"] == "0":
            await answering.wait()
        return 200

    async with (
        subscriber(first_when_told) as told,
        running(Sequencer(pool)),
        another(database) as first,
    ):
        await subscribe(pool, told)

        async def runs() -> bool:
            return await epoch(pool) == 1

        await eventually(runs, 20)
        # One delivery is under way, and several before its time are written, when it is stopped.
        await log.write([event(f"{number}", f"orders/{number}") for number in range(5)])
        await has(told, 4)

        async def four_written() -> bool:
            return len(await Subscriptions(pool).unsettled("s")) == 4

        await eventually(four_written)
        os.kill(first.pid, signal.SIGSTOP)
        answering.set()
        async with dispatching(pool) as second:
            await has(told, 5)
            await log.write([event(f"{number}", f"orders/{number}") for number in range(5, 20)])
            await has(told, 20)

            async def settled() -> bool:
                return (await state(pool)).cursor == 20

            await eventually(settled)
            os.kill(first.pid, signal.SIGCONT)
            cursors = set()
            await log.write([event(f"{number}", f"orders/{number}") for number in range(20, 60)])

            async def all_told() -> bool:
                cursors.add((await state(pool)).cursor)
                return (await state(pool)).cursor == 60

            await eventually(all_told)
            assert second.epoch == 2
            assert await epoch(pool) == 2
            assert first.returncode is None

    assert min(cursors) >= 20
    # Only what was under way when it was stopped may have been told twice.
    assert {*told.ids} == {f"{number}" for number in range(60)}
    assert [id for id, times in Counter(told.ids).items() if times > 1] in ([], ["0"])

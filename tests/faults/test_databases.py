"""PostgreSQL blocked or killed, and workers stopped for a while: orders wait without filling their
histories, and go on.
"""

import asyncio
import signal
from contextlib import AsyncExitStack, closing
from datetime import timedelta

import psycopg

from adapters.postgres.migrate import upgrade
from stack.testing import fresh_database
from tests.faults.servers import own_postgres
from tests.faults.test_crashes import IMPATIENT
from tests.workflows.world import BLOCK, EAST, WEST, World

AGAIN_AFTER = timedelta(minutes=1)
"""As in production: whoever hands over again adds to histories."""
AWAY = 30.0
MOST = 10
"""Events that an outage of any length may add."""


async def test_blocked(world: World) -> None:
    """After the first seconds an order adds nothing, however long it takes: ten minutes as well."""
    async with world.worker(again_after=AGAIN_AFTER):
        await world.place()
        await world.settles("released")
        before = await length(world)
        async with world.without_records():
            await world.ship(EAST)
            await asyncio.sleep(10)
            soon = await length(world)
            await asyncio.sleep(AWAY - 10)
            late = await length(world)

        assert before < soon
        assert late == soon
        assert late - before <= MOST
        await world.ship(WEST)
        await world.ends("closed")
        await world.assert_agreed()


async def test_killed_and_started_again(temporal: str) -> None:
    with own_postgres() as server, fresh_database(server.where) as database:
        upgrade(database)
        async with (
            World.open(temporal, database) as world,
            world.worker(again_after=AGAIN_AFTER),
        ):
            await world.place()
            await world.settles("released")
            before = await length(world)
            with closing(psycopg.connect(database)) as blocking:
                blocking.execute(BLOCK)
                await world.ship(EAST)
                async with asyncio.timeout(10):
                    while await length(world) == before:
                        await asyncio.sleep(0.02)  # now the order has heard of it
                server.kill()
            await asyncio.sleep(10)
            soon = await length(world)
            await asyncio.sleep(AWAY - 10)
            late = await length(world)
            server.start()

            assert late == soon
            assert late - before <= MOST
            await world.ship(WEST)
            await world.ends("closed", within=60)
            await world.assert_agreed()


async def test_a_worker_that_was_stopped_wakes_up_late(outside: World) -> None:
    """Its leases, tasks and calls are another's by then; what it still does counts for nothing."""
    async with AsyncExitStack() as stack:
        stopped = await outside.worker_process()
        stack.callback(stopped.kill)
        await outside.place(patience=IMPATIENT)
        await outside.until(lambda order: order.revision > 3, within=60)
        stopped.send_signal(signal.SIGSTOP)
        await outside.cancel()
        other = await outside.worker_process()
        stack.callback(other.kill)
        await outside.ends("cancelled", within=60)
        before = await outside.known()

        stopped.send_signal(signal.SIGCONT)
        await asyncio.sleep(3)  # time in which it could do harm

        assert await outside.known() == before
        await outside.assert_agreed()


async def length(world: World) -> int:
    history = await world.handle.fetch_history()
    return len(history.events)

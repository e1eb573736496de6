"""The engine killed, lost, replaced, doubled and brought back from a backup: nothing is lost, and
nothing is done twice.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest_asyncio

from adapters.handover import rebuild
from adapters.temporal import connect
from domain.message import CancelRequested, Placed
from domain.order import Order
from domain.plan import unmet
from tests.faults.servers import Server, own_temporal, state_of
from tests.replay import endings
from tests.replay.plays import invoices
from tests.workflows.world import EAST, WEST, World


async def half_way(world: World) -> None:
    """Two releases, one of them shipped and invoiced."""
    await world.place()
    await world.settles("released")
    await world.ship(EAST)
    await world.until(lambda order: invoices(order) == 1 and not unmet(order))


async def ends_as_if_nothing_had_happened(world: World) -> None:
    await world.ends("closed")
    await world.assert_agreed()
    assert await endings.ending(world) == endings.kept("split")


async def on(world: World, address: str) -> World:
    """The same order, books and partners, seen from another engine."""
    return replace(world, address=address, client=await connect(address))


async def test_killed_and_started_again(database: str) -> None:
    with own_temporal() as server:
        async with World.open(server.where, database) as world, world.worker():
            await world.place()
            await world.settles("released")
            await world.ship(EAST)
            server.kill()
            await world.ship(WEST)
            server.start()
            await ends_as_if_nothing_had_happened(world)


async def test_rebuilt_into_an_empty_one(world: World) -> None:
    async with world.worker():
        await half_way(world)
    await world.ship(WEST)

    with own_temporal() as server:
        there = await on(world, server.where)
        assert await rebuild(there.adapters.books.records, there.engine) == 1
        assert await rebuild(there.adapters.books.records, there.engine) == 1, "safe to repeat"
        async with there.worker():
            await ends_as_if_nothing_had_happened(there)


async def test_rebuilt_with_a_call_under_way(world: World) -> None:
    """The engine is lost when the ERP has done its part, and nobody has heard of it."""
    world.partner("erp").fail("timeout_after_success", operation="orders")
    world.partner("erp").fail("outage", operation="find", times=1000)
    async with world.worker():
        await world.place()
        async with asyncio.timeout(30):
            while not await world.book():
                await asyncio.sleep(0.02)
    world.partner("erp").recover()

    with own_temporal() as server:
        there = await on(world, server.where)
        await rebuild(there.adapters.books.records, there.engine)
        async with there.worker():
            await there.settles("released")
            await there.ship(EAST)
            await there.ship(WEST)
            await ends_as_if_nothing_had_happened(there)


async def test_rebuilt_before_its_first_record(world: World) -> None:
    await world.place()
    await world.hand_over()

    with own_temporal() as server:
        there = await on(world, server.where)
        assert await rebuild(there.adapters.books.records, there.engine) == 1
        async with there.worker():
            await there.settles("released")


async def test_the_one_that_was_replaced_is_refused(world: World) -> None:
    """It is alive, has a worker, is told messages, and is even made to start the order anew."""
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(world.worker())
        await half_way(world)
        there = await on(world, opened.enter_context(own_temporal()).where)
        await rebuild(there.adapters.books.records, there.engine)
        await opened.enter_async_context(there.worker())
        await there.until(lambda order: len(order.effects) > 0)
        before = await world.known()

        await world.engine.signal(world.order, [CancelRequested(id="late", n=before.heard + 1)])
        await world.handle.result()  # it heard that, could not record it, and has ended
        placed = Placed(id="again", n=1, order=world.an_order())
        await world.engine.start(Order(id=world.order), [placed])
        await world.handle.result()
        assert (await world.known()).lines == before.lines

        await world.ship(WEST)
        await ends_as_if_nothing_had_happened(there)


async def test_no_worker_starts_on_the_one_that_was_replaced(outside: World) -> None:
    with own_temporal() as server:
        there = await on(outside, server.where)
        await rebuild(there.adapters.books.records, there.engine)

        worker = await outside.worker_process(output=asyncio.subprocess.PIPE)
        said, _ = await asyncio.wait_for(worker.communicate(), 60)

        assert worker.returncode == 1
        assert b"throughline rebuild" in said


@pytest_asyncio.fixture
async def backed_up(database: str, tmp_path: Path) -> AsyncIterator["BackedUp"]:
    """An order that was released when its engine was backed up. The engine goes on."""
    backup = tmp_path / "backup"
    with own_temporal() as server:
        async with World.open(server.where, database) as world:
            async with world.worker():
                await world.place()
                await world.settles("released")
            server.stop()
            shutil.copytree(state_of(server), backup)
            server.start()
            yield BackedUp(server, world, backup)


@dataclass
class BackedUp:
    server: Server
    world: World
    backup: Path

    @asynccontextmanager
    async def brought_back(self) -> AsyncIterator[World]:
        """The same order, seen from an engine that knows what was known then."""
        with own_temporal(self.backup) as server:
            yield await on(self.world, server.where)


async def test_brought_back_beside_the_living_one(backed_up: BackedUp) -> None:
    """Its runs know less than is known: they find out, and end; the order goes on as recorded."""
    world = backed_up.world
    async with world.worker(), backed_up.brought_back() as old:
        await world.ship(EAST)
        await world.until(lambda order: invoices(order) == 1 and not unmet(order))
        async with old.worker():
            await world.ship(WEST)
            await world.until(lambda order: order.closed and order.all_shipped)
            await world.assert_agreed()
            assert (await endings.ending(world)) == endings.kept("split")


async def test_brought_back_after_it_was_lost(backed_up: BackedUp) -> None:
    world = backed_up.world
    async with world.worker():
        await world.ship(EAST)
        await world.until(lambda order: invoices(order) == 1 and not unmet(order))
    backed_up.server.stop()

    async with backed_up.brought_back() as old, old.worker():
        await world.ship(WEST)
        await ends_as_if_nothing_had_happened(old)


async def test_brought_back_and_rebuilt(backed_up: BackedUp) -> None:
    """It is behind, something is left to do, and nothing more comes: `rebuild` starts it anew."""
    world = backed_up.world
    world.partner("erp").fail("outage", times=10_000)
    async with world.worker():
        await world.ship(EAST)
        await world.ship(WEST)
        await world.until(lambda order: order.all_shipped)
    backed_up.server.stop()
    world.partner("erp").recover()

    async with backed_up.brought_back() as old:
        assert await rebuild(old.adapters.books.records, old.engine) == 1
        async with old.worker():
            await ends_as_if_nothing_had_happened(old)

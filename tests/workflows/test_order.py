"""What an order costs the engine, and what operators see of it."""

import asyncio

from temporalio.api.enums.v1 import EventType

from domain.effect import Step
from domain.message import HoldReleased
from stack.testing import temporal_for_tests
from tests.replay import endings
from tests.replay.plays import split
from tests.workflows.fixtures import AT_ONCE
from tests.workflows.world import EAST, WEST, World


async def test_its_history_is_short(running: World) -> None:
    await split(running)

    history = await running.handle.fetch_history()
    kinds = [event.event_type for event in history.events]
    calls = kinds.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    signals = kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
    assert (calls, signals) == (16, 3)
    # On a busy machine answers come one by one, and each that does costs a task of three events.
    assert len(kinds) <= 6 * calls + 4 * signals + 20 + 3 * 4
    assert len(history.to_json()) < 150_000


async def test_every_task_can_be_replayed_from_the_start(world: World) -> None:
    """Nothing is cached: whenever the order goes on, it is made anew from its history."""
    async with world.worker(cached=0):
        await split(world)

    await world.assert_agreed()
    assert await endings.ending(world) == endings.kept("split")


async def test_a_long_history_is_renewed_even_in_an_outage(database: str) -> None:
    """The calls under way, to two warehouses, are given up for it, and asked for afterwards."""
    short = [AT_ONCE, "limit.historyCount.suggestContinueAsNew=40"]
    with temporal_for_tests(dynamic_config=short, own=True) as temporal:
        async with World.open(temporal, database) as world, world.worker():
            warehouses = world.partner("wms-east"), world.partner("wms-west")
            for warehouse in warehouses:
                warehouse.fail("outage", times=10_000)
            await world.place()
            await world.until(lambda order: bool(order.standing(Step.ERP)))
            for n in range(12):
                await world.say(HoldReleased(id=world.id(f"noise-{n}"), hold="none"))
                await world.until(lambda order, n=n: order.heard > n)  # type: ignore[misc] # bound
            assert await world.runs() > 1
            assert [key for _, key, _ in await world.book()] == ["erp//1"]

            for warehouse in warehouses:
                warehouse.recover()
            await world.settles("released")
            await world.ship(EAST)
            await world.ship(WEST)
            await world.ends("closed")
            await world.assert_agreed()


async def test_operators_find_it_and_read_where_it_is(running: World) -> None:
    await running.place()
    await running.settles("released")
    await running.hold()
    await running.held("manual")

    query = (
        f"OrderNumber = '{running.order}' and OrderStatus = 'held' and HoldReason = 'manual'"
        " and Customer = 'ACME' and Warehouses = 'EAST' and Company = 'MAIN' and Total = 86.61"
    )
    async with asyncio.timeout(30):
        while not [found async for found in running.client.list_workflows(query)]:
            await asyncio.sleep(0.05)
    details = await running.handle.query("__temporal_workflow_metadata")
    assert "**held**" in str(details)
    assert "manual (order)" in str(details)


async def test_the_engine_tells_in_words_what_every_call_is_for(running: World) -> None:
    await split(running)

    history = await running.handle.fetch_history()
    told = {
        event.user_metadata.summary.data.decode()
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    }
    assert f'"do {running.order}/release/EAST/1"' in told

"""Moments an order waits for, whatever else is going on then."""

import asyncio
from datetime import UTC, datetime, timedelta

from tests.workflows.world import World


async def test_a_moment_that_comes_while_a_record_is_made_is_not_missed(running: World) -> None:
    await running.place()
    await running.settles("released")
    until = datetime.now(UTC) + timedelta(seconds=1)
    async with running.without_records():
        await running.hold(until=until)
        await asyncio.sleep((until - datetime.now(UTC)).total_seconds() + 0.2)

    order = await running.until(lambda order: bool(order.holds) and not order.open_holds)

    assert [hold.released_by for hold in order.holds] == ["throughline"]

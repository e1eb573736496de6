"""Orders as large as the door lets in, and messages larger than the engine takes."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from temporalio.service import RPCError, RPCStatusCode

from adapters.temporal import Engine
from domain.message import Milestone, MilestoneKind, MilestoneLine
from domain.order_in import LineIn
from tests.workflows.world import EAST, World

LINES = 500
"""What the door lets in (domain/order_in.py)."""


async def test_an_order_of_many_lines_goes_the_whole_way(running: World) -> None:
    lines = tuple(
        LineIn(line=str(n), item="BOLT", quantity=Decimal("0.1")) for n in range(1, LINES + 1)
    )
    await running.place(lines=lines)
    await running.reaches("released")
    await running.tell("shipped", EAST, {line.line or "": Decimal("0.1") for line in lines})
    await running.ends("closed")

    stock = await running.stock()
    assert stock["BOLT"] == (50, 0)
    history = await running.handle.fetch_history()
    failed = [e for e in history.events if e.HasField("workflow_task_failed_event_attributes")]
    assert failed == []
    assert max(event.ByteSize() for event in history.events) < 512 * 1024


async def test_a_message_larger_than_the_engine_takes_holds_up_nobody(running: World) -> None:
    await running.place()
    await running.reaches("released")
    lots = MilestoneLine(line="1", quantity=Decimal(5), lots=("x" * 3_000_000,))
    huge = Milestone(
        id=running.id("huge"),
        milestone=MilestoneKind.PICKED,
        source=EAST,
        occurred_at=datetime.now(UTC),
        lines=(lots,),
    )
    await running.say(huge)
    await running.ship(EAST)
    await running.until(lambda order: bool(order.shipments))

    letters = await running.sql("select kind, reason from dead_letter")
    assert letters == [("milestone", "undeliverable")]


async def test_no_other_complaint_of_the_engine_costs_a_message(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of one that is new, and does not know our search attributes yet."""

    async def complains(*about: object) -> bool:
        raise RPCError("no mapping defined", RPCStatusCode.INVALID_ARGUMENT, b"")

    await world.place()
    with monkeypatch.context() as patched:
        patched.setattr(Engine, "start", complains)
        await world.hand_over()
    assert await world.sql("select kind, applied_at from inbox") == [("placed", None)]

    await world.sql("update inbox set handed_at = null")
    async with world.worker():
        await world.settles("released")
    assert await world.sql("select reason from dead_letter") == []

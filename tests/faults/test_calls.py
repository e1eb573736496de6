"""What is asked before it is done, and what is not done at all."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.calls import make_stand
from activities.inherited import OwnRunInterceptor
from adapters.erp.memory import MemoryErp
from domain.answer import Answer, Done, Refused, Unclear
from domain.base import Goal
from domain.documents import Instruction, SalesOrder
from domain.errors import Inherited, Unavailable, UnexpectedAnswer

THREE, FIVE = ({"1": Decimal(quantity)} for quantity in (3, 5))
Call = Callable[..., Awaitable[Answer]]


def told(goal: Goal, *, ask: bool = False) -> Instruction[SalesOrder]:
    document = SalesOrder(
        goal=goal, order_id="o", company="", customer="", purchase_order="", currency="USD"
    )
    return Instruction(
        key="o/erp//1", effect="erp/", system="erp", ask=ask, run="test-run", document=document
    )


def environment(**info: Any) -> ActivityEnvironment:
    within = ActivityEnvironment()
    within.info = replace(within.info, start_to_close_timeout=timedelta(seconds=5), **info)
    return within


@pytest.fixture
def erp() -> MemoryErp:
    return MemoryErp()


async def call(erp: MemoryErp, goal: Goal, *, ask: bool = False, **info: Any) -> Answer:
    run: Call = environment(**info).run
    return await run(make_stand, erp.orders, told(goal, ask=ask))


async def test_the_first_call_asks_nothing(erp: MemoryErp) -> None:
    assert isinstance(await call(erp, FIVE), Done)
    assert (erp.partner.lookups, len(erp.partner.book)) == (0, 1)


@pytest.mark.parametrize("why", [{"ask": True}, {"attempt": 2}])
async def test_what_may_have_been_done_is_asked_for(erp: MemoryErp, why: dict[str, Any]) -> None:
    await call(erp, FIVE)
    assert isinstance(await call(erp, FIVE, **why), Done)
    assert (erp.partner.lookups, len(erp.partner.book)) == (1, 1)


async def test_a_refusal_says_what_was_found_standing(erp: MemoryErp) -> None:
    await call(erp, FIVE)
    erp.partner.fail("refuse")
    answer = await call(erp, THREE, ask=True)
    assert isinstance(answer, Refused)
    assert answer.standing == FIVE


async def test_nonsense_is_left_to_a_person_the_fifth_time(erp: MemoryErp) -> None:
    erp.partner.fail("malformed", times=5)
    with pytest.raises(UnexpectedAnswer):
        await call(erp, FIVE)
    assert isinstance(await call(erp, FIVE, heartbeat_details=[4]), Unclear)


async def test_a_worker_that_was_stopped_does_not_send_late(
    erp: MemoryErp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asked, was stopped for longer than a call may take, and goes on."""
    moments = iter((0.0, 6.0))
    monkeypatch.setattr("activities.calls.monotonic", lambda: next(moments))
    with pytest.raises(Unavailable, match="too late"):
        await call(erp, FIVE, ask=True)
    assert erp.partner.book == []


async def test_what_another_run_wanted_is_not_done() -> None:
    """As when Temporal repeats, after a reset, what was under way."""
    around = OwnRunInterceptor().intercept_activity(Counting())
    asked = ExecuteActivityInput(fn=call, args=[told(FIVE)], executor=None, headers={})

    await environment().run(around.execute_activity, asked)
    with pytest.raises(Inherited):
        await environment(workflow_run_id="the next").run(around.execute_activity, asked)
    assert Counting.calls == 1


class Counting(ActivityInboundInterceptor):
    calls = 0

    def __init__(self) -> None:
        """The last one: nothing comes after it."""

    async def execute_activity(self, input: ExecuteActivityInput) -> None:
        Counting.calls += 1
        await asyncio.sleep(0)

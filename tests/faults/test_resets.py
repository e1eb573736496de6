"""Orders reset by an operator: a reset unsticks an order, it never rewinds one."""

import asyncio
import random
import signal
from datetime import timedelta
from typing import TypeAlias

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, ResetReapplyType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.service import RPCError

from domain.effect import Step
from tests.faults.disturbing import ends_the_same
from tests.faults.test_crashes import IMPATIENT
from tests.replay import endings, paths
from tests.replay.paths import PATHS
from tests.workflows.world import World

Reapply: TypeAlias = ResetReapplyType.ValueType
REAPPLY: dict[str, Reapply] = {
    "with its messages": ResetReapplyType.RESET_REAPPLY_TYPE_ALL_ELIGIBLE,
    "without": ResetReapplyType.RESET_REAPPLY_TYPE_NONE,
}
CARRIERS = paths.CARRIERS
OFTEN = {"split", "returned_after_the_close"}
OFTEN_OPEN = {"held_by_hand", "cancelled_in_an_outage", "by_card"}
AMISS_ONCE = {
    "the_recall_is_refused",
    "shipped_although_cancelled",
    "refused_by_the_warehouse",
    "the_card_is_declined",
    "answered_later",
    "refused_later",
    "never_answered",
    "cancelled_while_pending",
    "done_without_an_answer",
    "not_understood_five_times",
    "carried_by_another",
    "carried_by_nobody",
}
"""Here a system goes amiss once. A reset may lose that answer, and the next one is another."""
A_MATTER_OF_TIME = {"by_card_claimed_anew"}
"""Whoever holds this order up has its claim on the card renewed once more."""
AT_ONCE = {"quoted_until_yesterday", "filled_or_killed"}
"""These are over before anybody could reset them."""
NOT_WHILE_OPEN = AMISS_ONCE | A_MATTER_OF_TIME | AT_ONCE


def marked(often: set[str], names: list[str]) -> list[object]:
    nightly = pytest.mark.nightly
    return [pytest.param(path, marks=() if path in often else nightly) for path in names]


@pytest.mark.parametrize("reapply", REAPPLY)
@pytest.mark.parametrize("path", marked(OFTEN, list(PATHS)))
async def test_reset_to_every_task_when_finished(running: World, path: str, reapply: str) -> None:
    await PATHS[path](running)
    before = await endings.ending(running)
    places = [(run, task) for run in await runs(running) for task in await tasks(running, run)]
    assert places

    for run, event_id in places:
        await reset(running, run, event_id, REAPPLY[reapply])
        assert await running.handle.result() == before["status"]
        assert await endings.ending(running) == before
    await running.assert_agreed()


@pytest.mark.parametrize("path", marked(OFTEN_OPEN, [x for x in PATHS if x not in NOT_WHILE_OPEN]))
async def test_reset_again_and_again_while_open(running: World, path: str) -> None:
    """Its present run, to a place drawn by lot."""

    async def reset_somewhere(lots: random.Random) -> int:
        try:
            run = await present_run(running)
            event_id = lots.choice(await tasks(running, run) or [0])
            if event_id:
                await reset(running, run, event_id, lots.choice([*REAPPLY.values()]))
        except RPCError:
            return 0  # not started yet, or over just now
        return 1 if event_id else 0

    await ends_the_same(running, path, reset_somewhere)


async def test_a_reset_to_the_first_task_hears_nothing_twice(running: World) -> None:
    """The run is given the stored state: it need not even be told anything again."""
    await PATHS["split"](running)
    run = await present_run(running)

    await reset(running, run, (await tasks(running, run))[0], REAPPLY["without"])

    assert await running.handle.result() == "closed"
    history = await running.handle.fetch_history()
    scheduled = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    assert not [event for event in history.events if event.event_type == scheduled]


async def present_run(world: World) -> str:
    run = (await world.handle.describe()).run_id
    assert run
    return run


async def runs(world: World) -> list[str]:
    """All that had the order, also those it was continued or reopened after."""
    ((found,),) = await world.sql(
        "select array_append(replaced, run) from orders where id = %s", world.order
    )
    return list(found)


async def tasks(world: World, run: str) -> list[int]:
    """Where in its history a run can be reset to."""
    handle = world.client.get_workflow_handle(world.handle.id, run_id=run)
    done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    history = await handle.fetch_history()
    return [event.event_id for event in history.events if event.event_type == done]


async def reset(world: World, run: str, event_id: int, reapply: Reapply) -> None:
    await world.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace="default",
            workflow_execution=WorkflowExecution(workflow_id=world.handle.id, run_id=run),
            workflow_task_finish_event_id=event_id,
            request_id=f"{run}-{event_id}",
            reset_reapply_type=reapply,
        )
    )


async def test_killed_while_it_takes_over_after_a_reset(outside: World) -> None:
    """It had been given the stored state, and recorded from there; in its history is neither."""
    await outside.strike("erp", "outage", seconds=25)
    first = await outside.worker_process()
    await outside.place(patience={**IMPATIENT, "retry": timedelta(seconds=1)})
    await outside.until(lambda order: order.effect(Step.ERP) is not None)
    first.kill()
    await first.wait()
    run = await present_run(outside)
    await reset(outside, run, (await tasks(outside, run))[0], REAPPLY["without"])

    second = await outside.worker_process("record:1")
    assert await asyncio.wait_for(second.wait(), 60) == -signal.SIGKILL
    third = await outside.worker_process()
    await outside.settles("released", within=60)
    third.terminate()
    await third.wait()

    await outside.assert_agreed()
    assert await outside.runs() == 2
    history = await outside.handle.fetch_history()
    called = {e.activity_task_scheduled_event_attributes.activity_type.name for e in history.events}
    assert "post_sales_order" in called
    assert "capture_order" not in called, "it went on from where the order was"

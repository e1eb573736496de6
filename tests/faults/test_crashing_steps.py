"""Workers killed after the steps of every path: what has been done already is found, not repeated.

The table is made of the recorded histories, so that a new path, or a new step on one, is in it.
What a path does just as the plainest one is left to that one.
"""

import asyncio
import base64
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import pytest

from adapters.postgres.events import SEQUENCER
from domain.effect import Step
from tests.faults.test_crashes import IMPATIENT, SLOW, STRUCK, by_night, same_for_all
from tests.meanwhile import meanwhile
from tests.replay import endings, histories
from tests.replay.paths import PATHS
from tests.workflows.world import World

OURS = {Step.CREDIT: "credit", Step.STOCK: "reserve"}
"""Where a worker can die after steps in our own books. (To capture an order changes nothing.)"""
PLAIN = "shipped"
OFTEN = {("returned_by_card", "partner-refund:1")}


@cache
def steps(path: str) -> Counter[Step]:
    """How often each was done when the path was recorded."""
    done: Counter[Step] = Counter()
    for run in json.loads(histories.file_of(path).read_text())["runs"]:
        called = {
            event["eventId"]: event["activityTaskScheduledEventAttributes"]
            for event in run["events"]
            if "activityTaskScheduledEventAttributes" in event
        }
        for event in run["events"]:
            if answered := event.get("activityTaskCompletedEventAttributes"):
                done[step_of(called[answered["scheduledEventId"]])] += 1
    del done[Step.CAPTURE]
    return done


def points(path: str) -> list[str]:
    """Of each step at a partner the last one: what it amends or takes back is there. In our own
    books the second: one claim answers all that came together, so that there may be fewer.
    """
    return [
        f"{OURS[step]}:{min(times, 2)}" if step in OURS else f"partner-{step}:{times}"
        for step, times in steps(path).items()
        if path == PLAIN or steps(PLAIN)[step] != times
    ]


def step_of(call: Mapping[str, Any]) -> Step:
    told = json.loads(base64.b64decode(call["input"]["payloads"][0]["data"]))
    return Step(told["effect"].partition("/")[0])


@pytest.mark.parametrize(
    ("path", "where"),
    [
        pytest.param(path, where, marks=by_night((path, where) in OFTEN))
        for path in STRUCK
        for where in points(path)
    ],
)
async def test_killed_after_any_step(outside: World, path: str, where: str) -> None:
    outside.patience = outside.patience.model_copy(update=IMPATIENT)
    outside.slow = SLOW

    async with dying(outside, where) as ends:
        await PATHS[path](outside)

    assert ends == [-signal.SIGKILL]
    await outside.assert_agreed()
    assert same_for_all(await endings.ending(outside)) == same_for_all(endings.kept(path))


def test_every_step_is_in_the_table() -> None:
    """Somewhere a worker dies after each of them."""
    found = {where.partition(":")[0] for path in STRUCK for where in points(path)}
    wanted = {OURS.get(step, f"partner-{step}") for step in Step if step is not Step.CAPTURE}
    assert found == wanted


@asynccontextmanager
async def dying(world: World, where: str) -> AsyncIterator[list[int]]:
    """A worker that dies there, and then one that goes on; yields how the first one ended."""
    workers = [await world.worker_process(where)]
    async with asyncio.timeout(60):  # until it works: a play's own patience is for one start only
        while not await world.sql("select 1 from lease where name = %s", SEQUENCER):
            await asyncio.sleep(0.05)
    ends: list[int] = []

    async def go_on() -> None:
        ends.append(await workers[0].wait())
        workers.append(await world.worker_process())

    try:
        async with meanwhile(go_on()):
            yield ends
    finally:
        if workers[-1].returncode is None:
            workers[-1].terminate()
            await workers[-1].wait()

"""Rebuilt again and again, as if each time the engine had been lost: every path ends the same."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.handover import rebuild
from tests.faults.test_resets import A_MATTER_OF_TIME, AMISS_ONCE, AT_ONCE, marked
from tests.replay import endings
from tests.replay.paths import PATHS
from tests.workflows.world import World

OFTEN = {"split", "returned_by_card", "amended_there_and_back"}
NOT_WHILE_OPEN = AMISS_ONCE | A_MATTER_OF_TIME | AT_ONCE


@pytest.mark.parametrize("path", marked(OFTEN, [x for x in PATHS if x not in NOT_WHILE_OPEN]))
async def test_rebuilt_again_and_again_while_open(running: World, path: str) -> None:
    async with rebuilding(running, random.Random(path)) as rebuilt:
        await PATHS[path](running)

    await running.assert_agreed()
    assert await endings.ending(running) == endings.kept(path)
    assert any(rebuilt), "the order was over before it could be rebuilt"


@asynccontextmanager
async def rebuilding(world: World, lots: random.Random) -> AsyncIterator[list[int]]:
    """Rebuilds all that is open a dozen times, at instants drawn by lot; yields how many each
    time: what a run knew and had not recorded is lost with it.
    """
    rebuilt: list[int] = []

    async def keep_rebuilding() -> None:
        while sum(rebuilt) < 12:  # for ever, a busy machine would get nothing else done
            await asyncio.sleep(lots.uniform(0.05, 0.4))
            rebuilt.append(await rebuild(world.adapters.books.records, world.engine))

    task = asyncio.create_task(keep_rebuilding())
    try:
        yield rebuilt
    finally:
        task.cancel()
        (end,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(end, Exception):
            raise end

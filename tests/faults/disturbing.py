"""Orders that are disturbed again and again while a path is played: they end the same."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.meanwhile import meanwhile
from tests.replay import endings
from tests.replay.paths import PATHS
from tests.workflows.world import World

Disturb = Callable[[random.Random], Awaitable[int]]
"""Does it once, or not at all while it cannot be done: how many orders were disturbed."""


async def ends_the_same(world: World, path: str, disturb: Disturb) -> None:
    async with _again_and_again(disturb, random.Random(path)) as disturbed:
        await PATHS[path](world)

    await world.assert_agreed()
    assert await endings.ending(world) == endings.kept(path)
    assert any(disturbed), "the order was over before it could be disturbed"


@asynccontextmanager
async def _again_and_again(disturb: Disturb, lots: random.Random) -> AsyncIterator[list[int]]:
    """A dozen times, at instants drawn by lot; yields how many orders each time."""
    disturbed: list[int] = []

    async def keep_disturbing() -> None:
        while sum(disturbed) < 12:  # for ever, a busy machine would get nothing else done
            await asyncio.sleep(lots.uniform(0.05, 0.4))
            disturbed.append(await disturb(lots))

    async with meanwhile(keep_disturbing()):
        yield disturbed

"""Rebuilt again and again, as if each time the engine had been lost: every path ends the same."""

import random

import pytest

from adapters.handover import rebuild
from tests.faults.disturbing import ends_the_same
from tests.faults.test_resets import NOT_WHILE_OPEN, marked
from tests.replay.paths import PATHS
from tests.workflows.world import World

OFTEN = {"split", "returned_by_card"}


@pytest.mark.parametrize("path", marked(OFTEN, [x for x in PATHS if x not in NOT_WHILE_OPEN]))
async def test_rebuilt_again_and_again_while_open(running: World, path: str) -> None:
    """What a run knew and had not recorded is lost with it."""

    async def rebuild_all(lots: random.Random) -> int:
        return await rebuild(running.adapters.books.records, running.engine)

    await ends_the_same(running, path, rebuild_all)

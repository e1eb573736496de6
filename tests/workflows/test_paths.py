"""What becomes of an order on each of its paths, on real servers."""

import pytest

from tests.replay import endings, paths
from tests.replay.paths import PATHS
from tests.workflows.world import World

CARRIERS = paths.CARRIERS
OFTEN = {
    "split",
    "amended_there_and_back",
    "by_card",
    "cancelled_in_an_outage",
    "returned_after_the_close",
    "shipped_although_cancelled",
    "told_before_it_was_placed",
}
"""The paths that every run disturbs; the others are disturbed by night."""
AT_ONCE = {"quoted_until_yesterday"}
"""Paths on which there is nothing to wait for."""


@pytest.mark.parametrize("path", PATHS)
async def test_all_books_agree_in_the_end(running: World, path: str) -> None:
    await PATHS[path](running)

    await running.assert_agreed()
    assert await endings.ending(running) == endings.kept(path)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(x, marks=() if x in OFTEN else pytest.mark.nightly)
        for x in PATHS
        if x not in AT_ONCE
    ],
)
async def test_the_same_when_it_continues_as_new_at_every_wait(running: World, path: str) -> None:
    running.patience = running.patience.model_copy(update={"renew_always": True})

    await PATHS[path](running)

    await running.assert_agreed()
    assert await endings.ending(running) == endings.kept(path)
    assert await running.runs() > 1

"""What becomes of an order on each of its paths, on real servers."""

import pytest

from tests.replay.paths import PATHS
from tests.workflows.world import World


@pytest.mark.parametrize("path", PATHS)
async def test_all_books_agree_in_the_end(running: World, path: str) -> None:
    await PATHS[path](running)

    await running.assert_agreed()

"""Every recorded history is replayed by today's code."""

from pathlib import Path

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from tests.replay import endings, histories
from tests.replay.paths import PATHS
from worker import RUNNER, WORKFLOWS

RECORDED = sorted(histories.FOLDER.glob("*/*.json"))


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: f"{file.parent.name}-{file.stem}")
async def test_the_same_commands_as_when_it_was_recorded(file: Path) -> None:
    replayer = Replayer(
        workflows=WORKFLOWS, workflow_runner=RUNNER, data_converter=pydantic_data_converter
    )

    runs = histories.kept(file)

    assert runs
    for history in runs:
        await replayer.replay_workflow(history)


@pytest.mark.parametrize("path", PATHS)
def test_every_path_has_a_history_and_an_ending(path: str) -> None:
    """Missing? `python -m tests.replay.record --only PATH`."""
    assert histories.file_of(path).exists()
    assert endings.file_of(path).exists()


def test_nothing_is_kept_of_a_path_that_is_gone() -> None:
    """A history of a released version stays, whatever its path is called by now."""
    assert {file.stem for file in endings.FOLDER.glob("*.json")} == set(PATHS)

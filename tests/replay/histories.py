"""Recorded histories: what an order's runs told Temporal, kept in files.

A file belongs to the version that made it and is never written again: orders of that version are
under way somewhere, and every later version must go on from where they are.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

from domain.order import workflow_id
from stack.places import ROOT

FOLDER = ROOT / "tests" / "replay" / "histories"
VERSION = "v1"
"""Of the histories that are recorded now; a release that has orders out there ends it."""


def file_of(path: str, version: str = VERSION) -> Path:
    return FOLDER / version / f"{path}.json"


def keep(path: str, order: str, runs: Sequence[WorkflowHistory]) -> None:
    """All runs of one order, oldest first, without saying which machine played them."""
    told = {"order": order, "runs": [_anonymous(run.to_json_dict()) for run in runs]}
    file = file_of(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("x") as new:
        json.dump(told, new, separators=(",", ":"), sort_keys=True)
        new.write("\n")


def kept(file: Path) -> list[WorkflowHistory]:
    told = json.loads(file.read_text())
    return [WorkflowHistory.from_json(workflow_id(told["order"]), run) for run in told["runs"]]


def _anonymous(told: Any) -> Any:
    match told:
        case dict():
            return {
                name: "throughline" if name == "identity" else _anonymous(each)
                for name, each in told.items()
            }
        case list():
            return [_anonymous(each) for each in told]
    return told

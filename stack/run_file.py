"""run.json: what runs and where, written by the stack that runs it, read by everybody else."""

import json
import os
from pathlib import Path
from typing import Any

from stack.places import DATA, StackError, make_folder, write_private

NAME = "run.json"
GROUPS = ("api", "worker", "postgres", "temporal", "simulators")

RunInfo = dict[str, Any]
"""As INTERFACES lists it, and `supervisor`: the process that wrote it."""


def publish(info: RunInfo, data: Path) -> None:
    """Write it for the stack kept in `data`, whole or not at all, readable by us alone."""
    text = json.dumps(info, indent=1)
    for path in _places(data):
        make_folder(path.parent)
        write_private(path, text)


def withdraw(data: Path) -> None:
    for path in _places(data):
        if _supervisor(path) == os.getpid():
            path.unlink()


def read(data: Path = DATA) -> RunInfo:
    """Of a stack that runs. Raises `StackError` when none does."""
    path = data / NAME
    owner = _supervisor(path)
    if owner is None:
        raise StackError(f"No stack runs here ({path} is not there): start one with `make up`.")
    if not is_alive(owner):
        raise StackError(f"{path} is stale: the stack it describes has died. Start `make up`.")
    info: RunInfo = json.loads(path.read_text())
    return info


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _places(data: Path) -> list[Path]:
    """The kept stack's file is every reader's first place to look, so another stack writes there
    too, unless a kept one is running beside it."""
    own, kept = data / NAME, DATA / NAME
    if own == kept:
        return [kept]
    owner = _supervisor(kept)
    free = owner is None or owner == os.getpid() or not is_alive(owner)
    return [own, kept] if free else [own]


def _supervisor(path: Path) -> int | None:
    try:
        return int(json.loads(path.read_text())["supervisor"])
    except FileNotFoundError:
        return None

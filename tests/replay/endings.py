"""What is left everywhere at the end of each path, kept in files: however an order is disturbed on
its way, it ends like that.
"""

import json
from pathlib import Path
from typing import Any

from stack.places import ROOT
from tests.workflows.world import World

FOLDER = ROOT / "tests" / "replay" / "endings"

Ending = dict[str, Any]


async def ending(world: World) -> Ending:
    """As it would be read from a file."""
    found: Ending = json.loads(json.dumps(await world.ending()).replace(world.order, "ORDER"))
    return found


def file_of(path: str) -> Path:
    return FOLDER / f"{path}.json"


def kept(path: str) -> Ending:
    """Raises `FileNotFoundError` for a path whose ending nobody has kept yet."""
    found: Ending = json.loads(file_of(path).read_text())
    return found


def keep(path: str, found: Ending) -> None:
    FOLDER.mkdir(exist_ok=True)
    file_of(path).write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")

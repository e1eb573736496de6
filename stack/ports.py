"""Which port each service listens on: the same one in every run, as long as it is free."""

import json
import os
import random
import socket
from collections.abc import Iterable
from pathlib import Path

from stack.places import StackError, write_private

DEFAULT_BASE = 8400
OFFSETS = {
    "api": 0,
    "metrics": 1,
    "worker_metrics": 2,
    "temporal": 3,
    "temporal_ui": 4,
    "postgres": 5,
    "erp": 10,
    "wms-east": 11,
    "wms-west": 12,
    "tms-1": 13,
    "tms-2": 14,
    "tax": 15,
    "payment": 16,
}
# Below the range from which systems take ports for outgoing connections, so that a service which
# is restarted finds its port as it left it.
_FREE_RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(names: Iterable[str], taken: Iterable[int] = ()) -> dict[str, int]:
    """A free port per name, none of them among `taken`."""
    candidates = random.sample(_FREE_RANGE, len(_FREE_RANGE))  # spreads checkouts out
    found = (port for port in candidates if port not in set(taken) and is_free(port))
    try:
        return {name: next(found) for name in names}
    except StopIteration:
        raise StackError(f"No free port in {_FREE_RANGE.start}-{_FREE_RANGE.stop}.") from None


def remembered_ports(memory: Path) -> dict[str, int]:
    """The ports of this stack: those of its last run, else the default ones, else free ones.

    `memory` keeps them. `THROUGHLINE_PORT_BASE` moves the default ones, and then the ones kept
    for another base do not count.
    """
    wanted = planned_ports(memory)
    ports = {name: port for name, port in wanted.items() if is_free(port)}
    ports |= free_ports(wanted.keys() - ports.keys(), taken=wanted.values())
    write_private(memory, json.dumps({"base": _base(), "ports": ports}, indent=1))
    return ports


def planned_ports(memory: Path) -> dict[str, int]:
    """The ports the next start will try first."""
    base = _base()
    kept: dict[str, int] = {}
    if memory.exists():
        stored = json.loads(memory.read_text())
        kept = stored["ports"] if stored["base"] == base else {}
    return {name: kept.get(name, base + offset) for name, offset in OFFSETS.items()}


def _base() -> int:
    text = os.environ.get("THROUGHLINE_PORT_BASE", str(DEFAULT_BASE))
    highest = 65_535 - max(OFFSETS.values())
    if not text.isdecimal() or not 1024 <= int(text) <= highest:
        raise StackError(f"THROUGHLINE_PORT_BASE is {text!r}: give a number, 1024 to {highest}.")
    return int(text)

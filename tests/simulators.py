"""The seven simulated systems, one process each, for all processes of a test run."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from stack.testing import PATIENCE, running, shared
from tests.adapters.simulator import Simulator

NAMES = ("erp", "wms-east", "wms-west", "tms-1", "tms-2", "tax", "payment")


@contextmanager
def simulators_for_tests() -> Iterator[Mapping[str, str]]:
    """Their URLs by name. They play nothing by themselves, and tell nobody.

    Tests share them: look at your own orders' effects, and let faults befall these alone.
    """
    with shared("simulators", _simulators, own=False) as urls:
        yield json.loads(urls)


@contextmanager
def _simulators() -> Iterator[str]:
    with TemporaryDirectory(prefix="throughline-") as folder, ExitStack() as stack:
        simulators = [Simulator(name, Path(folder)) for name in NAMES]
        for simulator in simulators:  # all at once, then wait
            stack.enter_context(running(simulator.program(), lambda: True))
        for simulator in simulators:
            _wait_for(simulator)
            httpx.post(f"{simulator.url}/_sim/mode", json={"auto": False}, trust_env=False)
        yield json.dumps({simulator.name: simulator.url for simulator in simulators})


def _wait_for(simulator: Simulator) -> None:
    deadline = time.monotonic() + PATIENCE
    while not simulator.answers():
        assert time.monotonic() < deadline, f"{simulator.name} does not answer"
        time.sleep(0.02)

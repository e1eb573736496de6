"""Simulated systems for the adapters' tests: real processes on real sockets, one of each."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from stack.testing import running
from tests.adapters.simulator import Simulator
from tests.adapters.standing_contract import SimulatorControl

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def simulator_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Starts the named simulator at first use; it plays nothing by itself, and tells nobody."""
    folder = tmp_path_factory.mktemp("simulators")
    started: dict[str, str] = {}
    with ExitStack() as stack:

        def url(name: str) -> str:
            if name not in started:
                simulator = Simulator(name, folder)
                stack.enter_context(running(simulator.program(), simulator.answers))
                started[name] = simulator.url
                httpx.post(f"{simulator.url}/_sim/mode", json={"auto": False}, trust_env=False)
            return started[name]

        yield url


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture
async def control_of(
    web: httpx.AsyncClient, simulator_url: Callable[[str], str]
) -> AsyncIterator[Callable[[str], SimulatorControl]]:
    """The controls of a simulator, without the faults of the test before."""
    used: list[str] = []

    def control(name: str) -> SimulatorControl:
        used.append(simulator_url(name))
        return SimulatorControl(web, used[-1])

    yield control
    for url in used:
        await web.delete(f"{url}/_sim/faults")


@pytest.fixture
def key() -> str:
    """A key nobody has used, made of what outsiders may put into their ids."""
    return f"ord-{next(_NUMBERS)} é%2F?#/step/it's \\ ../1"

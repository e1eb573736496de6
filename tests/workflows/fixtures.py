"""A real Temporal, a real PostgreSQL and simulated systems around every order."""

from collections.abc import AsyncIterator, Iterator, Mapping

import pytest

from stack.testing import temporal_for_tests
from tests.simulators import simulators_for_tests
from tests.workflows.world import World

AT_ONCE = 'history.workflowIdReuseMinimalInterval="0s"'
"""The server's own pause between two runs of an order is one second."""


@pytest.fixture(scope="session")
def temporal() -> Iterator[str]:
    """The address of a server in memory."""
    with temporal_for_tests(dynamic_config=[AT_ONCE]) as address:
        yield address


@pytest.fixture(scope="session")
def simulators() -> Iterator[Mapping[str, str]]:
    """URLs by name."""
    with simulators_for_tests() as urls:
        yield urls


@pytest.fixture
async def world(
    request: pytest.FixtureRequest, temporal: str, database: str
) -> AsyncIterator[World]:
    """Partners in memory, with one carrier or the test module's `CARRIERS`; no worker yet."""
    carriers = getattr(request.module, "CARRIERS", ("tms-1",))
    async with World.open(temporal, database, carriers=carriers) as world:
        yield world


@pytest.fixture
async def running(world: World) -> AsyncIterator[World]:
    """The world with a worker in this process."""
    async with world.worker():
        yield world


@pytest.fixture
async def outside(
    temporal: str, database: str, simulators: Mapping[str, str]
) -> AsyncIterator[World]:
    """Partners that survive the worker: simulators. No worker yet."""
    async with World.open(temporal, database, simulators) as world:
        yield world

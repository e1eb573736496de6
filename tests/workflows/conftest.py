"""A real Temporal and a real PostgreSQL around every order."""

from collections.abc import AsyncIterator, Iterator

import pytest

from stack.testing import temporal_for_tests
from tests.workflows.world import World


@pytest.fixture(scope="session")
def temporal() -> Iterator[str]:
    """The address of a server in memory."""
    with temporal_for_tests() as address:
        yield address


@pytest.fixture
async def world(temporal: str, database: str) -> AsyncIterator[World]:
    """Partners in memory, and no worker yet."""
    async with World.open(temporal, database) as world:
        yield world


@pytest.fixture
async def running(world: World) -> AsyncIterator[World]:
    """The world with a worker in this process."""
    async with world.worker():
        yield world

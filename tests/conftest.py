"""What every test may use: a database of its own, on a real server."""

from collections.abc import AsyncIterator, Iterator

import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.pool import open_pool
from adapters.process import leave
from stack.testing import fresh_database, migrated_template, postgres_for_tests

STATUS = pytest.StashKey[int]()

# What plays and looks for tests asserts as much as they do.
pytest.register_assert_rewrite("tests.workflows", "tests.replay")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Temporal's native threads abort some interpreters at their end: this one has none."""
    if STATUS in config.stash:
        leave(config.stash[STATUS])


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server where databases may be made; its database `postgres`."""
    with postgres_for_tests() as url:
        yield url


@pytest.fixture(scope="session")
def database_template(postgres_url: str) -> Iterator[str]:
    """The name of a migrated database to copy; one for all processes of a run."""
    with migrated_template(postgres_url) as name:
        yield name


@pytest.fixture
def database(postgres_url: str, database_template: str) -> Iterator[str]:
    """The URL of a fresh, migrated database, dropped afterwards."""
    with fresh_database(postgres_url, database_template) as url:
        yield url


@pytest.fixture
async def pool(database: str) -> AsyncIterator[AsyncConnectionPool]:
    """A pool on the test's own database."""
    async with open_pool(database) as opened:
        yield opened

"""What the tables declare, what the revisions make, and what an older database becomes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Table, make_url, text

from adapters.postgres.migrate import alembic_config, connect, upgrade
from adapters.postgres.tables import metadata
from stack.testing import fresh_database

REVISIONS = [
    script.revision
    for script in ScriptDirectory.from_config(alembic_config()).walk_revisions("base", "heads")
]


@pytest.fixture
def empty(postgres_url: str) -> Iterator[str]:
    with fresh_database(postgres_url) as url:
        yield url


def differences(url: str) -> list[object]:
    options = {"compare_type": True, "compare_server_default": True}
    with connect(url) as connection:
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, metadata))


def test_a_migrated_database_is_what_the_tables_declare(database: str) -> None:
    assert differences(database) == []


def test_a_missing_revision_would_be_seen(database: str) -> None:
    with connect(database) as connection:
        connection.execute(text("alter table event drop column causation_id"))

    assert differences(database) != []


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_database_of_any_revision_is_brought_up_to_date(empty: str, revision: str) -> None:
    upgrade(empty, revision)

    upgrade(empty)

    assert differences(empty) == []


def test_several_processes_that_start_at_once_wait_for_each_other(empty: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(upgrade, [empty] * 4))

    assert differences(empty) == []


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: str(table.name))
def test_columns_have_the_types_we_use(table: Table) -> None:
    """Text without a length, times with a zone, numbers without rounding."""
    dialect = make_url("postgresql+psycopg://").get_dialect()()
    used = {column.type.compile(dialect) for column in table.columns}
    refused = ("VARCHAR", "TIMESTAMP WITHOUT", "NUMERIC(", "FLOAT", "DOUBLE", "REAL")
    assert not [each for each in used if each.startswith(refused)]

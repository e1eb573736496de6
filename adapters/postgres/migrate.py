"""Bring a database up to date: its tables by Alembic, its functions as the files say."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.engine import make_url

HERE = Path(__file__).parent
MIGRATIONS = HERE / "migrations"
FUNCTIONS = HERE / "functions"

LOCK = 8_301_175
"""The advisory lock of whoever migrates; any number that nobody else takes."""


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database to `revision`, and its functions to what their files say.

    One transaction: all of it or nothing. Several processes may call it at once; they wait for
    each other.
    """
    with connect(database_url) as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
        command.upgrade(alembic_config(connection), revision)
        if revision == "head":
            _apply_functions(connection)


@contextmanager
def connect(database_url: str) -> Iterator[Connection]:
    """SQLAlchemy's connection to the database, in a transaction that the block's end commits."""
    url = make_url(database_url).set(drivername="postgresql+psycopg")
    with create_engine(url, poolclass=NullPool).begin() as connection:
        yield connection


def alembic_config(connection: Connection | None = None) -> Config:
    """What Alembic's commands need; those that reach the database do so by the connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _apply_functions(connection: Connection) -> None:
    """Replace every function. One whose answer changes needs a `drop function if exists` before it
    in its file, or, while older workers still run, another name."""
    # Bodies are checked when they run: a file may use functions of one that comes after it.
    connection.exec_driver_sql("set local check_function_bodies = off")
    for file in sorted(FUNCTIONS.glob("*.sql")):
        connection.connection.cursor().execute(file.read_bytes())

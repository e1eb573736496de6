"""Throw-away servers for a test session: a real PostgreSQL and a real Temporal.

The processes of one pytest-xdist run share one of each: the first that needs it starts it, and
stops it when all have finished.
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier
from temporalio.service import RPCError

from adapters.postgres.migrate import upgrade
from stack import temporal
from stack.places import StackError, locked
from stack.ports import free_ports
from stack.postgres import drop_database, open_cluster
from stack.processes import Program, start, stop

PATIENCE = 30.0


@contextmanager
def postgres_for_tests(*, durable: bool = False, own: bool = False) -> Iterator[str]:
    """The URL of a server (database `postgres`) where databases may be made and dropped.

    `DATABASE_URL` where it is set. `own`: one that nobody shares, for a test that breaks it.
    Call it in the main thread: the server dies with the thread that started it.
    """
    if (given := os.environ.get("DATABASE_URL")) and not own:
        yield given
        return
    name = "postgres-durable" if durable else "postgres"
    with shared(name, lambda: _postgres(durable), own=own) as url:
        yield url


@contextmanager
def migrated_template(server_url: str) -> Iterator[str]:
    """The name of a migrated database to make others from; one for all processes of a run."""
    with shared("template", lambda: _template(server_url), own=False) as name:
        yield name


@contextmanager
def fresh_database(server_url: str, template: str | None = None) -> Iterator[str]:
    """The URL of a new database, a copy of `template` or empty, dropped afterwards."""
    name = f"throughline_test_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True, connect_timeout=5) as connection:
        connection.execute(
            SQL("create database {} template {}").format(
                Identifier(name), Identifier(template or "template0")
            )
        )
    try:
        yield _same_server(server_url, name)
    finally:
        drop_database(server_url, name)


@contextmanager
def temporal_for_tests(*, dynamic_config: Sequence[str] = (), own: bool = False) -> Iterator[str]:
    """The address of a server in memory, without web UI, with our search attributes.

    `TEMPORAL_ADDRESS` where it is set. `dynamic_config`: KEY=VALUE with a JSON value; processes
    share a server only with the same ones.
    """
    if (given := os.environ.get("TEMPORAL_ADDRESS")) and not own:
        yield given
        return
    name = f"temporal-{hashlib.sha256(repr(dynamic_config).encode()).hexdigest()[:8]}"
    with shared(name, lambda: _temporal(dynamic_config), own=own) as address:
        yield address


@contextmanager
def shared(
    name: str, started: Callable[[], AbstractContextManager[str]], *, own: bool
) -> Iterator[str]:
    """What `started` says, from one start for all processes of a run; `own`: not shared."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if own or run is None:
        with started() as address:
            yield address
        return
    folder = Path(tempfile.gettempdir()) / f"throughline-{os.geteuid()}-{run}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = folder / "address"
    with (folder / "users").open("a") as users, ExitStack() as ours:
        with locked(folder / "start"):
            fcntl.flock(users, fcntl.LOCK_SH)
            if not kept.exists():
                kept.write_text(ours.enter_context(started()))
                ours.callback(shutil.rmtree, folder)
                # The others hold it shared for as long as they use the server: wait for them.
                ours.callback(fcntl.flock, users, fcntl.LOCK_EX)
        yield kept.read_text()


@contextmanager
def _postgres(durable: bool) -> Iterator[str]:
    with _folder() as folder:
        cluster = open_cluster(folder, durable=durable)
        port = free_ports(["postgres"])["postgres"]
        url = cluster.url(port, "postgres")
        try:
            with running(cluster.program(port, folder / "log"), lambda: postgres_answers(url)):
                yield url
        finally:
            # Elsewhere when the account that runs it cannot reach the folder.
            if cluster.home != folder:
                shutil.rmtree(cluster.home)


@contextmanager
def _template(server_url: str) -> Iterator[str]:
    with fresh_database(server_url) as url:
        upgrade(url)
        yield urlsplit(url).path.removeprefix("/")


def _same_server(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


@contextmanager
def _temporal(dynamic_config: Sequence[str]) -> Iterator[str]:
    program = temporal.find_program(print).program
    with _folder() as folder:
        port = free_ports(["temporal"])["temporal"]
        address = f"127.0.0.1:{port}"
        server = temporal.server(program, port, folder / "log", dynamic_config=dynamic_config)
        with running(server, lambda: temporal_answers(address)):
            yield address


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="throughline-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # a server's own account passes through
        yield folder


@contextmanager
def running(program: Program, answers: Callable[[], bool]) -> Iterator[subprocess.Popen[bytes]]:
    """The program for the length of the block, from the moment it answers.

    Raises `StackError` with the end of its log when it ends before, or does not answer in time.
    """
    process = start(program)
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise StackError(f"{program.name} did not start:\n{program.log_tail()}")
            time.sleep(0.02)
        yield process
    finally:
        stop(program, process)


def postgres_answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def temporal_answers(address: str) -> bool:
    with ThreadPoolExecutor(1) as thread:  # the caller may be inside an event loop
        try:
            thread.submit(asyncio.run, temporal.server_version(address)).result()
        except (RuntimeError, RPCError):
            return False
    return True

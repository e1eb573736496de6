"""Servers a test may kill, start again and bring back from a backup: nobody else uses them."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stack import temporal
from stack.ports import free_ports
from stack.postgres import open_cluster
from stack.processes import Program, start, stop
from stack.testing import PATIENCE, postgres_answers, temporal_answers
from tests.workflows.fixtures import AT_ONCE


@dataclass
class Server:
    """A server with a memory. Started from the main thread, and dies with it."""

    program: Program
    answers: Callable[[], bool]
    where: str
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Return when it answers; a database that was killed may need more than one start."""
        deadline = time.monotonic() + PATIENCE
        self._process = start(self.program)
        while not self.answers():
            assert time.monotonic() < deadline, self.program.log_tail()
            if self._process.poll() is not None:
                self._process = start(self.program)
            time.sleep(0.05)

    def kill(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process:
            stop(self.program, self._process)


@contextmanager
def own_temporal(backup: Path | None = None) -> Iterator[Server]:
    """One that keeps its state in a file, or begins with that of a stopped one's copy."""
    with _folder() as folder:
        if backup:
            shutil.copytree(backup, folder, dirs_exist_ok=True)
        port = free_ports(["temporal"])["temporal"]
        program = temporal.server(
            temporal.find_program(print).program,
            port,
            folder / "log",
            database=folder / "state.db",
            dynamic_config=[AT_ONCE],
        )
        address = f"127.0.0.1:{port}"
        yield from _run(Server(program, lambda: temporal_answers(address), address))


@contextmanager
def own_postgres() -> Iterator[Server]:
    """Its address is that of the database `postgres`."""
    with _folder() as folder:
        cluster = open_cluster(folder)
        port = free_ports(["postgres"])["postgres"]
        url = cluster.url(port, "postgres")
        program = cluster.program(port, folder / "log")
        try:
            yield from _run(Server(program, lambda: postgres_answers(url), url))
        finally:
            if cluster.home != folder:
                shutil.rmtree(cluster.home)


def state_of(server: Server) -> Path:
    """The folder to copy once it is stopped."""
    return server.program.log.parent


def _run(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="throughline-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # a database's own account passes through
        yield folder

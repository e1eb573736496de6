"""Stacks that tests start as a user does: by a command, with a data folder of their own."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stack.demo.stories import KINDS
from stack.places import ROOT
from stack.run_file import read

GIVEN = ("DATABASE_URL", "TEMPORAL_ADDRESS", "THROUGHLINE_PORT_BASE")
PATIENCE = 420.0
"""Seconds for a whole day on a machine that has much else to do."""
ORDERS = len(KINDS)
"""One of each story."""


def environment(data: Path, **more: str) -> dict[str, str]:
    """A user's environment, but for servers that are given: a stack has its own."""
    ours = {name: value for name, value in os.environ.items() if name not in GIVEN}
    return {**ours, "THROUGHLINE_DATA": str(data), **more}


def throughline(
    data: Path, *words: str, patience: float = PATIENCE
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "stack", *words],
        cwd=ROOT,
        env=environment(data),
        capture_output=True,
        text=True,
        timeout=patience,
    )


def run_of(data: Path) -> dict[str, Any]:
    """What run.json says."""
    return read(data)


@contextmanager
def started(data: Path, *words: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that goes on running; told to stop at the end, if it has not ended."""
    with (data / "output").open("wb") as output:
        process = subprocess.Popen(
            # So that nothing is left where this process is killed.
            [sys.executable, "-m", "stack", "--with-parent", *words],
            cwd=ROOT,
            env=environment(data, **more),
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)


def until(there: Callable[[], bool], process: subprocess.Popen[bytes], data: Path) -> None:
    """Wait for something that a running command does; fails when it ends instead."""
    deadline = time.monotonic() + PATIENCE
    while not there():
        said = "\n".join((data / "output").read_text().splitlines()[-40:])
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.1)


@contextmanager
def folder() -> Iterator[Path]:
    """One that a server's own account may pass through."""
    with tempfile.TemporaryDirectory(prefix="throughline-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def finished_day() -> Iterator[str]:
    """The data folder of a demo's day that is over, on a stack that still runs."""
    with folder() as data:
        with started(data, "demo", "--orders", str(ORDERS), "--keep") as process:
            until((data / "demo" / "summary.json").exists, process, data)
            yield str(data)
        assert process.returncode == 0, (data / "output").read_text()

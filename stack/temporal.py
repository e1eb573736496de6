"""Temporal's development server: where its program is, and how it is run."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client

from adapters.search_attributes import SEARCH_ATTRIBUTES
from stack import temporal_install
from stack.places import StackError, cache_folder, locked
from stack.processes import Program

VERSION = "1.5.1"
"""Of the command-line program; it holds server 1.29.1. `go install` refuses later ones."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    program: Path
    source: str
    """Which place it came from: "PATH", "cache", "download", "built"."""


def cached_program() -> Path:
    return cache_folder() / "temporal" / VERSION / "temporal"


def find_program(report: Report) -> Found:
    """The program, got or built on first use (once per user). Raises `StackError`.

    In order: on PATH, in the user's cache, the SDK's download, a build with Go.
    """
    if found := program_here():
        return found
    cached = cached_program()
    with _alone(cached.with_name("lock"), report):
        # Another checkout may have put it there while this one waited.
        if found := program_here():
            return found
        tried = [f"{place}: {why}" for place, why in _HERE.items()]
        for place, get in (
            ("download", temporal_install.download),
            ("built", temporal_install.build),
        ):
            try:
                get(VERSION, cached, report)
            except temporal_install.NotObtained as failure:
                tried.append(str(failure))
                report(str(failure))
            else:
                return Found(cached, place)
    raise StackError(
        "Temporal's development server is not here and could not be got:\n"
        + "".join(f"  - {line}\n" for line in tried)
        + "Do one of these: set TEMPORAL_ADDRESS to a server of yours; put the `temporal` program"
        f" on PATH (version {VERSION} or later); install Go 1.24 or later; or connect to the"
        " internet and start again."
    )


_HERE = {"PATH": "no program `temporal`", "cache": "nothing there from an earlier run"}


@contextmanager
def _alone(lock: Path, report: Report) -> Iterator[None]:
    """One at a time of this user's checkouts; the others learn what they wait for."""
    with ExitStack() as held:
        try:
            held.enter_context(locked(lock, wait=False))
        except BlockingIOError:
            report("Another start is getting Temporal for this user: waiting for it")
            held.enter_context(locked(lock))
        yield


def program_here() -> Found | None:
    """The program if it need not be got first."""
    if on_path := shutil.which("temporal"):
        return Found(Path(on_path), "PATH")
    if os.access(cached := cached_program(), os.X_OK):
        return Found(cached, "cache")
    return None


def server(
    program: Path,
    port: int,
    log: Path,
    *,
    ui_port: int | None = None,
    database: Path | None = None,
    dynamic_config: Sequence[str] = (),
) -> Program:
    """The server on 127.0.0.1; without `database` it forgets everything when it ends."""
    kept: tuple[str, ...] = ()
    if database:
        database.parent.mkdir(parents=True, exist_ok=True)
        # Written ahead and flushed at checkpoints: twice as fast, and it survives SIGKILL.
        kept = ("--db-filename", str(database))
        kept += ("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=1")
    return Program(
        "temporal",
        (
            *(str(program), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port)),
            *(("--ui-port", str(ui_port)) if ui_port else ("--headless",)),
            *kept,
            *_each("--search-attribute", [f"{k}={v}" for k, v in SEARCH_ATTRIBUTES.items()]),
            *_each("--dynamic-config-value", dynamic_config),
            *("--log-level", "warn"),
        ),
        log=log,
        # What it has kept is safe, written ahead, and what is in memory is nobody's.
        stop_signal=signal.SIGTERM if database else signal.SIGKILL,
    )


async def server_version(address: str) -> str:
    """What the server says it is. Raises RuntimeError when none answers there."""
    client = await Client.connect(address)
    info = await client.workflow_service.get_system_info(
        GetSystemInfoRequest(), timeout=timedelta(seconds=5)
    )
    return info.server_version


def program_version(program: Path) -> str:
    """What the program says it is; one built from source calls itself 0.0.0-DEV."""
    ran = subprocess.run(
        [str(program), "--version"], capture_output=True, text=True, timeout=20, check=True
    )
    return ran.stdout.strip()


def _each(option: str, values: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for value in values for word in (option, value))

"""`throughline doctor`: what is wrong with a set-up, and what to do about it."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.text import Text
from temporalio.service import RPCError

from stack import run_file, temporal
from stack.console import print_json
from stack.places import DATA, StackError, cache_folder, unprivileged_account
from stack.ports import is_free, planned_ports
from stack.postgres import find_binaries, home_for
from stack.run_file import RunInfo, is_alive
from stack.running import PORTS, given

LOWEST_TEMPORAL = (1, 29)
"""The server that everything is tested with, and the one that compose starts."""


@dataclass(frozen=True)
class Finding:
    what: str
    ok: bool
    detail: str
    remedy: str = ""


def doctor(
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Look at everything the stack needs; exits with 1 when something is broken."""
    findings = examine()
    if json_:
        print_json([asdict(finding) for finding in findings])
    else:
        _print(findings)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def examine() -> list[Finding]:
    """Every check, in the order in which a start would meet them."""
    info = _running()
    found: list[Finding] = []
    for what, look in (
        ("python", _python),
        ("folders", _folders),
        ("run.json", _run_file),
        ("postgres", lambda: _postgres(info)),
        ("temporal", lambda: _temporal(info)),
        ("ports", lambda: _ports(info)),
        ("processes", lambda: _processes(info)),
    ):
        found += _told(what, look)
    return found


def _told(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except (StackError, OSError) as failure:
        yield Finding(what, False, str(failure), "See the message; then start again.")


def _running() -> RunInfo | None:
    try:
        return run_file.read(DATA)
    except (StackError, OSError, ValueError):
        return None  # told by the check of run.json


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        "python",
        sys.version_info >= (3, 11),
        f"{version} ({sys.executable})",
        "Install Python 3.11 or later, remove .venv and run make again.",
    )


def _folders() -> Iterator[Finding]:
    for what, folder in (("data folder", DATA), ("cache folder", cache_folder())):
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        yield Finding(
            what,
            os.access(existing, os.R_OK | os.W_OK | os.X_OK),
            str(folder) if existing == folder else f"{folder} (will be made)",
            f"Give this user read and write permission on {existing}.",
        )


def _run_file() -> Iterator[Finding]:
    path = DATA / run_file.NAME
    if not path.exists():
        yield Finding("run.json", True, "none: no stack runs here")
        return
    try:
        run_file.read(DATA)
    except (StackError, OSError, ValueError, KeyError) as failure:
        yield Finding("run.json", False, str(failure), f"Remove {path}, or start `make up`.")
    else:
        mode = path.stat().st_mode & 0o777
        yield Finding(
            "run.json", mode == 0o600, f"{path}, mode {mode:o}", f"Run `chmod 600 {path}`."
        )


def _postgres(info: RunInfo | None) -> Iterator[Finding]:
    url = given("DATABASE_URL")
    if url is None:
        account = unprivileged_account()
        binaries = find_binaries(account)
        yield Finding("postgres binaries", True, f"{binaries.version} in {binaries.folder}")
        home = home_for(DATA / "postgres", account)
        who = f", run by {account.name}" if account else ""
        yield Finding("postgres data", True, f"{home}{who}")
        if info is None:
            return
        url = str(info["database_url"])
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            version = connection.info.server_version
    except psycopg.Error as failure:
        yield Finding("postgres", False, str(failure), "Check DATABASE_URL, or the server's log.")
    else:
        yield Finding(
            "postgres",
            version >= 150_000,
            f"server {version // 10_000}.{version % 10_000} answers",
            "Use PostgreSQL 15 or later.",
        )


def _temporal(info: RunInfo | None) -> Iterator[Finding]:
    address = given("TEMPORAL_ADDRESS")
    if address is None:
        yield _temporal_program()
        if info is None:
            return
        address = str(info["temporal"])
    try:
        version = asyncio.run(asyncio.wait_for(temporal.server_version(address), 5))
    except (RuntimeError, RPCError, TimeoutError) as failure:
        yield Finding(
            "temporal",
            False,
            f"{address}: {failure or 'no answer in 5 s'}",
            "Check TEMPORAL_ADDRESS, or the server's log.",
        )
    else:
        yield _temporal_server("temporal", f"server {version} answers at {address}", version)


def _temporal_server(what: str, detail: str, version: str) -> Finding:
    lowest = ".".join(map(str, LOWEST_TEMPORAL))
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return Finding(
        what,
        numbers is not None and (int(numbers[1]), int(numbers[2])) >= LOWEST_TEMPORAL,
        detail,
        f"Use Temporal {lowest} or later: upgrade the server of TEMPORAL_ADDRESS (one minor version"
        " at a time), or the program `temporal` on PATH.",
    )


def _temporal_program() -> Finding:
    if found := temporal.program_here():
        try:
            said = temporal.program_version(found.program)
        except (OSError, subprocess.SubprocessError) as failure:
            detail = f"{found.program} ({found.source}) does not say its version: {failure}"
            return _temporal_server("temporal program", detail, "")
        # One built from source calls itself 0.0.0-DEV; the server in it knows what it is.
        server = re.search(r"Server ([^\s,)]+)", said)
        detail = f"{found.program} ({found.source}): {said}"
        return _temporal_server("temporal program", detail, server[1] if server else "")
    go = shutil.which("go")
    return Finding(
        "temporal program",
        go is not None,
        f"not here yet; the first start downloads it, or builds it with {go or 'Go'}",
        "Install Go 1.24 or later, put `temporal` on PATH, or set TEMPORAL_ADDRESS.",
    )


def _ports(info: RunInfo | None) -> Iterator[Finding]:
    if info is not None:
        return
    taken = [
        f"{name} {port}" for name, port in planned_ports(DATA / PORTS).items() if not is_free(port)
    ]
    yield Finding(
        "ports",
        True,
        f"taken by others, so free ones will be used: {', '.join(taken)}" if taken else "free",
    )


def _processes(info: RunInfo | None) -> Iterator[Finding]:
    if info is None:
        return
    for group, pids in info["processes"].items():
        dead = [pid for pid in pids if not is_alive(pid)]
        yield Finding(
            f"{group} processes",
            not dead,
            f"{len(pids) - len(dead)} of {len(pids)} alive",
            f"They should be back within seconds; if not, see {DATA / 'logs'}.",
        )


def _print(findings: list[Finding]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for finding in findings:
        state = Text("ok     ", "green") if finding.ok else Text("broken ", "bold red")
        console.print(state + Text(f"{finding.what:18} {finding.detail}"))
        if not finding.ok:
            console.print(Text(f"{'':26}{finding.remedy}"))

"""The whole stack, as `make up` runs it: what is killed comes back, and nothing is left behind."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from stack.places import ROOT
from stack.readiness import Ready, answers_http, answers_sql, serves_orders
from tests.stack.conftest import eventually, is_gone
from tests.stack.days import environment

OWNER = """
import asyncio, pathlib, sys
from adapters.process import run
from stack.console import report
from stack.interrupts import until_stopped
from stack.running import Setup, running_stack, temporal_program

async def serve():
    setup = Setup(pathlib.Path(sys.argv[1]), fresh=True)
    async with running_stack(setup, program, report) as stack:
        stack.publish()
        await stack.supervisor.watch()

program = temporal_program(report)
run(until_stopped(serve()))
"""


@dataclass
class Owner:
    process: asyncio.subprocess.Process
    run_file: Path

    @property
    def info(self) -> dict[str, Any]:
        info: dict[str, Any] = json.loads(self.run_file.read_text())
        return info

    @property
    def pids(self) -> list[int]:
        return [pid for group in self.info["processes"].values() for pid in group]


@pytest_asyncio.fixture
async def owner(folder: Path) -> AsyncIterator[Owner]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OWNER, str(folder / "data")),
        cwd=ROOT,
        env=environment(folder),
    )
    owner = Owner(process, folder / "data" / "run.json")

    def ready() -> bool:
        assert process.returncode is None, "the stack did not start"
        return owner.run_file.exists()

    try:
        await eventually(ready, within=60)
        yield owner
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 60)


@pytest.mark.alone
async def test_what_is_killed_is_back_within_five_seconds_and_nothing_outlives_the_owner(
    owner: Owner,
) -> None:
    before = owner.info
    assert len(owner.pids) == 11
    answers = {
        "api": answers_http(before["api"] + "/readyz"),
        "worker": answers_http(before["worker_metrics"]),
        "postgres": answers_sql(before["database_url"]),
        "temporal": serves_orders(before["temporal"]),
        "simulators": answers_http(before["simulators"]["erp"] + "/_sim/effects?key="),
    }
    for group, answer in answers.items():
        killed = before["processes"][group][0]
        os.kill(killed, signal.SIGKILL)
        await eventually(partial(_is_back, owner, killed, answer), within=5)

    pids = owner.pids
    assert not any(is_gone(pid) for pid in pids)
    owner.process.kill()
    await owner.process.wait()
    await eventually(lambda: all(is_gone(pid) for pid in pids), within=10)


async def _is_back(owner: Owner, killed: int, answer: Ready) -> bool:
    """On its port, as one of as many as before."""
    return killed not in owner.pids and len(owner.pids) == 11 and await answer() is None

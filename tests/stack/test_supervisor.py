"""The supervisor: what dies comes back, everything ends in order, nothing is left."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from stack.places import ROOT, StackError
from stack.processes import Program
from stack.supervisor import Service, Supervisor
from tests.stack.conftest import eventually, is_gone

Standin = Callable[[str], Service]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest_asyncio.fixture
async def supervisor(said: list[str]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(said.append, lambda: said.append("changed"))
    yield supervisor
    await supervisor.stop()


async def test_a_killed_service_is_back_within_five_seconds_on_its_port(
    supervisor: Supervisor, standin: Standin
) -> None:
    service = standin("erp")
    await supervisor.start(service)
    [first] = supervisor.pids()["simulators"]

    os.kill(first, signal.SIGKILL)

    async def back() -> bool:
        return supervisor.pids().get("simulators", [first]) != [first] and (
            await service.ready() is None
        )

    await eventually(back, within=5)


async def test_a_service_that_runs_and_is_beyond_help_is_started_again(
    supervisor: Supervisor, standin: Standin, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.supervisor.LOOK", 0.05)
    wrong = [None, "its tables are lost", None]

    async def beyond_help() -> str | None:
        return wrong.pop(0) if wrong else None

    await supervisor.start(replace(standin("erp"), beyond_help=beyond_help))
    [first] = supervisor.pids()["simulators"]

    await eventually(lambda: supervisor.pids().get("simulators", [first]) != [first], within=5)
    await eventually(lambda: not wrong, within=5)

    assert is_gone(first)
    assert "erp is beyond help (its tables are lost): killed" in said


async def test_whoever_publishes_the_processes_hears_of_a_restart(
    supervisor: Supervisor, standin: Standin, said: list[str]
) -> None:
    await supervisor.start(standin("erp"))
    assert said.count("changed") == 1
    [first] = supervisor.pids()["simulators"]

    os.kill(first, signal.SIGKILL)

    await eventually(lambda: said.count("changed") == 2, within=5)


async def test_services_stop_in_the_reverse_of_the_order_they_started_in(
    supervisor: Supervisor, standin: Standin, tmp_path: Path
) -> None:
    for name in ("first", "second", "third"):
        await supervisor.start(standin(name))
    pids = supervisor.pids()["simulators"]

    await supervisor.stop()

    assert (tmp_path / "notes").read_text().split() == ["third", "second", "first"]
    assert all(is_gone(pid) for pid in pids)


async def test_a_service_that_ignores_being_told_to_stop_is_killed(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    service = _python(tmp_path, stubborn)
    await supervisor.start(replace(service, program=replace(service.program, grace=0.2)))
    [pid] = supervisor.pids()["simulators"]

    await supervisor.stop()

    assert is_gone(pid)


async def test_a_service_that_cannot_start_is_given_up_with_the_end_of_its_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    async def never() -> str:
        return "no answer"

    service = replace(_python(tmp_path, "raise SystemExit('no such book')"), ready=never)

    with pytest.raises(StackError, match="no such book"):
        await supervisor.start(service)


async def test_a_service_whose_program_is_missing_is_told_not_waited_for(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    service = _python(tmp_path, "")
    elsewhere = replace(service.program, cwd=tmp_path / "nowhere")

    with pytest.raises(FileNotFoundError):
        await supervisor.start(replace(service, program=elsewhere))


async def test_a_service_that_fails_at_first_is_tried_again(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    mark = tmp_path / "tried"
    code = (
        "import pathlib, sys, time\n"
        f"mark = pathlib.Path({str(mark)!r})\n"
        "if not mark.exists():\n    mark.touch()\n    sys.exit(1)\n"
        "time.sleep(60)\n"
    )
    ready_file = tmp_path / "tried"

    async def ready() -> str | None:
        return None if ready_file.exists() else "not tried yet"

    await supervisor.start(replace(_python(tmp_path, code), ready=ready))

    # It may have been seen to work the moment before it failed.
    await eventually(lambda: bool(supervisor.pids().get("simulators")), within=5)


async def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    owner = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import asyncio, pathlib, sys\n"
        "from tests.stack.test_supervisor import _own_one_and_wait\n"
        "asyncio.run(_own_one_and_wait(pathlib.Path(sys.argv[1])))\n",
        str(tmp_path),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert owner.stdout
    child = int(await asyncio.wait_for(owner.stdout.readline(), 20))
    assert not is_gone(child)

    owner.kill()
    await owner.wait()

    await eventually(lambda: is_gone(child), within=5)


async def _own_one_and_wait(folder: Path) -> None:
    deaf = folder / "deaf"
    # To SIGTERM: only the kernel's SIGKILL ends it.
    code = (
        "import pathlib, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(deaf)!r}).touch()\n"
        "time.sleep(60)\n"
    )

    async def ready() -> str | None:
        return None if deaf.exists() else "not there yet"

    supervisor = Supervisor(lambda message: None, lambda: None)
    await supervisor.start(replace(_python(folder, code), ready=ready))
    print(*supervisor.pids()["simulators"], flush=True)
    await supervisor.watch()


def _python(folder: Path, code: str) -> Service:
    """A service that runs `code`, and works as soon as it runs."""

    async def ready() -> None:
        return None

    program = Program("script", (sys.executable, "-c", code), log=folder / "script.log")
    return Service(program, "simulators", ready)

"""The benchmarks run, and compare what they say they compare."""

import ast
import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from typer.testing import CliRunner

from adapters.postgres.pool import open_pool
from benchmarks import __main__ as command
from benchmarks import company, lifecycle
from benchmarks.lifecycle import LOCAL, History
from benchmarks.load import Caller, Failed, calling
from benchmarks.report import write_row
from benchmarks.result import Result, percentile
from benchmarks.site import HERE, Site
from stack.places import ROOT
from stack.testing import temporal_for_tests

OURS = {"domain", "adapters", "activities", "workflows", "api", "worker", "stack", "benchmarks"}


@pytest.fixture(scope="session")
def temporal() -> Iterator[str]:
    with temporal_for_tests() as address:
        yield address


def a_result(name: str = "lifecycle", ours: tuple[float, ...] = (6.0, 9.0, 7.0)) -> Result:
    return Result(
        name=name,
        unit="orders/s",
        what="this against that",
        target=0.6,
        ours=ours,
        floor=(10.0, 9.0, 12.0),
        more={"events": 90},
    )


@pytest.mark.parametrize("program", ["floor.py", "bare_route.py"])
def test_a_floor_imports_nothing_of_ours(program: str) -> None:
    imported = set()
    for node in ast.walk(ast.parse((HERE / program).read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "benchmarks").partition(".")[0])
    assert "asyncio" in imported
    assert not imported & OURS


def test_the_floor_of_orders_is_short() -> None:
    assert len((HERE / "floor.py").read_text().splitlines()) <= 80


async def test_the_floor_has_the_shape_of_an_order_of_ours(temporal: str, database: str) -> None:
    site = Site(temporal, database)
    client = await Client.connect(temporal)
    async with open_pool(database) as pool:
        await company.fill(pool)
        through = await lifecycle.play(site, pool, 2, 2)
        async with pool.connection() as db:
            found = await db.execute("select status, count(*) from orders group by 1")
            assert await found.fetchall() == [("closed", 4)]  # two of them to warm up
    ours = await History.of(client, through.orders[0])
    assert ours.regular >= 2 * len(company.WAREHOUSES)
    assert min(ours.local, ours.signals) > 1

    shape = [ours.regular, ours.local, ours.signals, len(company.WAREHOUSES)]
    assert await lifecycle.play_floor(site, client, shape, 2, 2) > 0
    bare = [each async for each in client.list_workflows("WorkflowType = 'Bare'")]
    history = (await client.get_workflow_handle(bare[0].id).fetch_history()).events
    kinds = [event.event_type for event in history]
    markers = [event.marker_recorded_event_attributes.marker_name for event in history]
    assert kinds[-1] == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED
    assert shape[:3] == [
        kinds.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED),
        markers.count(LOCAL),
        kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED),
    ]


async def test_the_command_prints_an_object_as_its_last_line() -> None:
    status, out = await run("reserve", "--quick", "--rounds", "2", "--json")
    assert status == 0
    said = json.loads(out.splitlines()[-1])
    assert said["name"] == "reserve"
    assert len(said["rounds"]) == 2
    assert said["ratio"] == pytest.approx(said["ours"] / said["floor"], rel=0.01)


@pytest.mark.parametrize("wrong", [["nothing"], ["reserve", "--quick", "--write"]])
async def test_what_cannot_be_run_ends_badly(wrong: list[str]) -> None:
    status, _ = await run(*wrong)
    assert status == 2


async def run(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


@pytest.mark.parametrize(
    ("ours", "options", "status"),
    [
        ((6.0, 6.0, 6.0), [], 0),
        ((5.9, 5.9, 5.9), [], 1),
        ((5.9, 5.9, 5.9), ["--quick"], 0),
    ],
)
def test_a_missed_target_is_said_and_is_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, ours: tuple[float, ...], options: list[str], status: int
) -> None:
    async def measure(site: Site, rounds: int, quick: bool) -> Result:
        return a_result(ours=ours)

    monkeypatch.setattr(command, "servers", lambda: nullcontext(Site("", "")))
    monkeypatch.setitem(command.BENCHMARKS, "lifecycle", measure)

    ran = CliRunner().invoke(command.app, ["lifecycle", "--json", *options])

    assert ran.exit_code == status
    missed = "lifecycle: 0.590 of the floor, at least 0.6 wanted"
    assert (missed in ran.stderr) is (status == 1)
    assert json.loads(ran.stdout.splitlines()[-1])["name"] == "lifecycle"


def test_the_ratio_is_that_of_the_medians() -> None:
    said = a_result().as_json()
    assert (said["ours"], said["floor"], said["ratio"]) == (7.0, 10.0, 0.7)
    assert said["rounds"][1] == {"ours": 9.0, "floor": 9.0}
    assert said["events"] == 90


def test_percentiles() -> None:
    values = [n / 100 for n in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99)) == (0.51, 1.0)
    assert percentile([0.25], 0.99) == 0.25


def test_a_row_of_figures_replaces_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = (ROOT / "docs" / "benchmarks.md").read_text()
    page.write_text(text)
    for result in (a_result("zebra"), a_result("ant"), a_result("zebra", ours=(1.0, 1.0, 1.0))):
        write_row(result, page)
    lines = page.read_text().splitlines()
    rows = [line for line in lines if line.startswith(("| ant |", "| zebra |"))]
    assert rows == [
        "| ant | 0.70 | 0.6 | 3 rounds; events 90 |",
        "| zebra | 0.10 | 0.6 | 3 rounds; events 90 |",
    ]
    assert [line for line in lines if line not in rows] == text.splitlines()


async def test_a_connection_that_was_closed_is_made_again() -> None:
    opened = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
        status = json.loads(body)["status"]
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
    async with server, calling(server.sockets[0].getsockname()[1], 1) as caller:
        for _ in range(2):
            assert await caller.post("/here", {"status": 202}) == {"status": 202}
            await closed(caller)
        with pytest.raises(Failed, match="409"):
            await caller.post("/here", {"status": 409})
    assert opened == 3


async def closed(caller: Caller) -> None:
    """Until the client has noticed that the server closed its only connection."""
    connection = await caller.idle.get()
    reader, _ = connection.streams or (None, None)
    while reader and not reader.at_eof():
        await asyncio.sleep(0.01)
    caller.idle.put_nowait(connection)

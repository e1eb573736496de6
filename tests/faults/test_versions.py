"""Orders begun under one version of the code and finished under a later one.

The later version is a copy of the tree in which credit is claimed after the stock, changed as
docs/changing-a-workflow.md says; the same without its patch is tried, too, and must not replay.
"""

import asyncio
import json
import random
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.effect import Step
from domain.order import RULES
from domain.plan import unmet
from stack.places import ROOT
from tests.faults.test_crashes import IMPATIENT, STRUCK, same_for_all
from tests.replay import endings
from tests.replay.paths import PATHS
from tests.replay.plays import limit_credit, line
from tests.workflows.world import EAST, QUICK, WEST, World

ORDER, PLAN = "domain/order.py", "domain/plan.py"
CREDIT, STOCK = "take_credit", "reserve_stock"

Json = dict[str, Any]
Edit = tuple[str, str, str]
"""A file, what is written there, and what is written there instead."""

SWAPPED: list[Edit] = [
    (PLAN, "Step.CREDIT: _PRICED,", "Step.CREDIT: _PRICED | {Step.STOCK},"),
    (PLAN, "Step.STOCK: _PREPARED,", "Step.STOCK: _PRICED,"),
]
PATCH: list[Edit] = [
    (ORDER, f"\nRULES = {RULES}\n", f"\nRULES = {RULES + 1}\n"),
    (
        PLAN,
        "\nAFTER_SAME:",
        "\nBEFORE = AFTER | {Step.CREDIT: _PRICED, Step.STOCK: _PREPARED}\n\nAFTER_SAME:",
    ),
    (
        PLAN,
        "bool(AFTER.get(target.step, frozenset()) & more)",
        f"bool((AFTER if order.rules > {RULES} else BEFORE).get(target.step, frozenset()) & more)",
    ),
]

REPLAY = """
import asyncio, json, sys
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from adapters.temporal import DATA_CONVERTER
from worker import RUNNER, WORKFLOWS

async def main():
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=RUNNER, data_converter=DATA_CONVERTER)
    failures = {}
    for name, told in json.load(sys.stdin).items():
        result = await replayer.replay_workflow(
            WorkflowHistory.from_json(name, told), raise_on_replay_failure=False
        )
        failures[name] = str(result.replay_failure or "")
    print(json.dumps(failures))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the patch."""
    return version(tmp_path_factory.mktemp("later"), SWAPPED + PATCH)


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without it."""
    return version(tmp_path_factory.mktemp("careless"), SWAPPED)


def version(tree: Path, edits: Sequence[Edit]) -> Path:
    """What a worker is made of, with these changes."""
    for package in ("domain", "adapters", "activities", "workflows"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tree / package, ignore=ignore)
    shutil.copy(ROOT / "worker.py", tree)
    for name, old, new in edits:
        text = (tree / name).read_text()
        assert text.count(old) == 1, f"{name} does not say {old!r} once"
        (tree / name).write_text(text.replace(old, new))
    return tree


# Where orders of the first version stop, and how they go on under the later one.


async def held(world: World) -> None:
    await limit_credit(world, 10)
    await world.place(lines=(line("1", "BOLT", 4),))
    await world.held("credit_limit")
    await limit_credit(world, 5000)


async def end_the_hold(world: World) -> None:
    (hold,) = (await world.known()).open_holds
    await world.release(hold.id)
    await ship(world, 4)


async def released(world: World) -> None:
    await world.place(lines=(line("1", "BOLT", 5),))
    await world.settles("released")


async def amend_and_ship(world: World) -> None:
    await world.amend({"1": 8})
    await ship(world, 8)


async def in_an_outage(world: World) -> None:
    """It still is when the worker has ended."""
    await world.strike("erp", "outage", seconds=6)
    await world.place(lines=(line("1", "BOLT", 6),))
    while not await world.adapters.books.waiting.of_order(world.order):
        await asyncio.sleep(0.02)


async def ship_six(world: World) -> None:
    await ship(world, 6)


async def backordered(world: World) -> None:
    await world.place(lines=(line("1", "BOLT", 200),), fulfilment="complete")
    await world.until(lambda order: order.standing(Step.ERP) == {"1": 200})


async def receive_and_ship(world: World) -> None:
    await world.receive("BOLT", EAST, 200)
    await ship(world, 200)


async def ship(world: World, quantity: int) -> None:
    """All of it, once it is where it leaves from."""
    await world.until(
        lambda order: order.standing(Step.BOOK, EAST) == {"1": quantity} and not unmet(order),
        within=60,
    )
    await world.ship(EAST, quantity=quantity)
    await world.ends("closed", within=60)


async def begun_and_shipped(world: World) -> None:
    await world.place(lines=(line("1", "NUT", 3),))
    await world.settles("released", within=60)
    await world.tell("shipped", WEST, {"1": 3})
    await world.ends("closed", within=60)


Part = Callable[[World], Coroutine[None, None, None]]
STOPS: dict[str, tuple[Part, Part]] = {
    "held": (held, end_the_hold),
    "released": (released, amend_and_ship),
    "in-an-outage": (in_an_outage, ship_six),
    "backordered": (backordered, receive_and_ship),
}
CLAIMS = {
    "held": [CREDIT, CREDIT, STOCK],
    "released": [CREDIT, STOCK, CREDIT, STOCK],
    "in-an-outage": [CREDIT, STOCK],
    "backordered": [CREDIT, STOCK],
}
"""What they asked for first, and in which order: when they were placed, and when amended."""
RENEWED = QUICK.model_copy(update={"renew_always": True})


async def test_orders_of_one_version_finish_under_a_later_one(
    outside: World, later: Path, careless: Path
) -> None:
    old = {stop: replace(outside, order=f"{outside.order}-{stop}") for stop in STOPS}
    async with working(outside, ROOT):
        for stop, world in old.items():
            await STOPS[stop][0](world)
    assert not (await old["in-an-outage"].known()).standing(Step.ERP)
    before = {stop: await told(world) for stop, world in old.items()}

    assert all("Nondeterminism" in why for why in (await replayed(careless, before)).values())
    assert await replayed(later, before) == dict.fromkeys(STOPS, "")

    new = replace(outside, order=f"{outside.order}-new")
    async with working(outside, later), asyncio.TaskGroup() as all_at_once:
        all_at_once.create_task(begun_and_shipped(new))
        for stop, world in old.items():
            all_at_once.create_task(STOPS[stop][1](world))

    for world in (*old.values(), new):
        await world.assert_agreed()
        order = await world.known()
        counts = await world.events()
        shipped = len(order.shipments)
        assert (counts["created"], counts["closed"], counts.get("shipped", 0)) == (1, 1, shipped)
    for stop, world in old.items():
        assert (await world.known()).rules == RULES
        assert (await claims(world))[: len(CLAIMS[stop])] == CLAIMS[stop]
    assert (await new.known()).rules == RULES + 1
    assert (await claims(new))[:2] == [STOCK, CREDIT]


async def test_an_order_takes_the_later_rules_with_its_next_run(
    outside: World, later: Path
) -> None:
    """Which has no history to agree with, and may begin in any state."""
    world = replace(outside, patience=RENEWED)
    async with working(outside, ROOT):
        await released(world)
    assert (await world.known()).rules == RULES

    async with working(outside, later):
        await amend_and_ship(world)

    await world.assert_agreed()
    assert (await world.known()).rules == RULES + 1
    assert await world.runs() > 1


@pytest.mark.nightly
async def test_two_versions_at_once(outside: World, later: Path) -> None:
    """As in a deployment, even one that is taken back for a while: who cannot go on with an order
    fails to, and leaves it to the other.
    """
    async with working(outside, ROOT):
        async with working(outside, later):
            orders = await placed_with_both(outside)
        for quantity, world in enumerate(orders, start=1):
            await world.ship(EAST, quantity=quantity)
        for world in orders:
            if (await world.known()).rules == RULES:
                await world.until(lambda order: order.closed, within=60)
        async with working(outside, later):
            for world in orders:
                await world.ends("closed", within=120)

    for world in orders:
        await world.assert_agreed()


async def placed_with_both(world: World) -> list[World]:
    """Orders until each version has begun some, all of them released."""
    orders: list[World] = []
    begun: set[int] = set()
    async with asyncio.timeout(120):
        while begun != {RULES, RULES + 1}:
            orders.append(replace(world, order=f"{world.order}-{len(orders)}"))
            await orders[-1].place(lines=(line("1", "BOLT", len(orders)),))
            begun.add((await orders[-1].settles("released", within=60)).rules)
    return orders


@pytest.mark.nightly
@pytest.mark.parametrize("path", STRUCK)
async def test_any_order_is_taken_over(outside: World, later: Path, path: str) -> None:
    """At a random moment, whatever else happens to it, and it ends as it would have."""
    outside.patience = outside.patience.model_copy(update=IMPATIENT)
    moment = random.Random(path).uniform(0, 2)

    async with taken_over(outside, later, moment) as workers:
        await PATHS[path](outside)

    await outside.assert_agreed()
    assert same_for_all(await endings.ending(outside)) == same_for_all(endings.kept(path))
    assert len(workers) == 2


@asynccontextmanager
async def taken_over(
    world: World, tree: Path, moment: float
) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """A worker that dies so many seconds after the order is known; then one of that version."""
    workers = [await world.worker_process()]

    async def take_over() -> None:
        await world.until(lambda order: True, within=60)
        await asyncio.sleep(moment)
        workers[0].kill()
        await workers[0].wait()
        workers.append(await world.worker_process(tree=tree))

    task = asyncio.create_task(take_over())
    try:
        yield workers
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        workers[-1].terminate()
        await workers[-1].wait()


@asynccontextmanager
async def working(world: World, tree: Path) -> AsyncIterator[None]:
    """A worker of that version, which has ended when the block has."""
    worker = await world.worker_process(tree=tree)
    try:
        yield
    finally:
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 60) == 0


async def told(world: World) -> Json:
    return (await world.handle.fetch_history()).to_json_dict()


async def replayed(tree: Path, histories: Mapping[str, Json]) -> dict[str, str]:
    """Why each history cannot be gone on with by that version; nothing of one that can."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", REPLAY),
        cwd=tree,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate(json.dumps(histories).encode())
    failures: dict[str, str] = json.loads(output.splitlines()[-1])  # before it, the SDK's warnings
    assert failures.keys() == histories.keys()
    return failures


async def claims(world: World) -> list[str]:
    """How often credit and stock were asked for, in their order."""
    events = (await world.handle.fetch_history()).events
    names = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    return [name for name in names if name in (CREDIT, STOCK)]

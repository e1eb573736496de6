"""Workers killed: at every place where something has just been done, and at random moments.

Whatever arrives while no worker is there, the order goes on with the next one, and all books agree.
"""

import asyncio
import random
import re
import signal
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from domain.amounts import invoiced_total
from domain.effect import Step
from domain.order import Order
from domain.plan import unmet
from domain.status import order_status
from stack.places import ROOT
from tests.meanwhile import meanwhile
from tests.replay import endings, trouble
from tests.replay.paths import PATHS
from tests.workflows.world import EAST, WEST, World

IMPATIENT = {
    "our_call": timedelta(seconds=3),
    "outside_call": timedelta(seconds=3),
}
"""A call whose worker was killed is made again after so long."""
SLOW = 4
"""So many times longer a play may take whose worker starts several times: seconds each."""

POINTS = [
    *(f"record:{n}" for n in range(1, 11)),
    *("credit:1", "credit:2", "reserve:1"),
    *("partner-estimate:1", "partner-erp:1", "partner-release:1", "partner-release:2"),
    *("partner-book:1", "told:1", "handed:1"),
    *("partner-confirm:1", "partner-confirm:2", "partner-tax:1", "partner-invoice:1"),
    "partner-invoice:2",
]
CANCELLING = [
    *(f"record:{n}" for n in range(1, 4)),
    *("credit:1", "reserve:1", "partner-erp:1"),
    *("partner-release:1", "partner-release:2", "partner-book:1", "partner-book:2"),
]
MEANWHILE = ("nothing", "a cancellation", "a shipment")
OFTEN = {
    ("record:1", "a shipment"),
    ("record:3", "a cancellation"),
    ("reserve:1", "a cancellation"),
    ("partner-release:1", "a shipment"),
    ("partner-invoice:1", "nothing"),
}
"""What every run tries; the rest is for the night."""
OFTEN_CANCELLING = {"partner-release:1"}
OFTEN_SEEDS = {1}
OFTEN_PATHS = {"returned_by_card"}
PARTNERS = {*trouble.__dict__, "counted_short"}
"""Paths on which partners in memory have bad days: they would die with the worker."""
A_MATTER_OF_TIME = {"by_card_claimed_anew"}
"""Whoever holds this order up has its claim on the card renewed once more."""
AT_ONCE = {"quoted_until_yesterday"}
"""This one is over before anybody could kill its worker."""
STRUCK = [path for path in PATHS if path not in PARTNERS | A_MATTER_OF_TIME | AT_ONCE]


def by_night(often: bool) -> tuple[pytest.MarkDecorator, ...]:
    return () if often else (pytest.mark.nightly,)


@pytest.mark.parametrize(
    ("where", "arrives"),
    [
        pytest.param(where, arrives, marks=by_night((where, arrives) in OFTEN))
        for where in POINTS
        for arrives in MEANWHILE
    ],
)
async def test_killed_and_something_arrives(outside: World, where: str, arrives: str) -> None:
    worker = await outside.worker_process(where)
    await outside.place(patience=IMPATIENT)
    async with shipping(outside):
        assert await asyncio.wait_for(worker.wait(), 60) == -signal.SIGKILL

    await goes_on(outside, arrives)


@pytest.mark.parametrize(
    "where", [pytest.param(x, marks=by_night(x in OFTEN_CANCELLING)) for x in CANCELLING]
)
async def test_killed_while_cancelling(outside: World, where: str) -> None:
    before = await outside.worker_process()
    await outside.place(patience=IMPATIENT)
    await outside.settles("released", within=60)
    before.terminate()
    await before.wait()

    worker = await outside.worker_process(where)
    await outside.cancel()
    assert await asyncio.wait_for(worker.wait(), 60) == -signal.SIGKILL

    await goes_on(outside, "nothing")
    assert order_status(await outside.known()) == "cancelled"


@pytest.mark.parametrize(
    "seed", [pytest.param(n, marks=by_night(n in OFTEN_SEEDS)) for n in range(1, 21)]
)
async def test_killed_at_random(outside: World, seed: int) -> None:
    lots = random.Random(seed)
    worker = await outside.worker_process()
    await outside.place(patience=IMPATIENT)
    await outside.until(lambda order: True, within=60)  # its first record: it works now
    async with shipping(outside):
        await asyncio.sleep(lots.uniform(0, 1.5))
    worker.kill()
    await worker.wait()

    await goes_on(outside, lots.choice(MEANWHILE))


@pytest.mark.parametrize(
    "path", [pytest.param(x, marks=by_night(x in OFTEN_PATHS)) for x in STRUCK]
)
async def test_killed_again_and_again(outside: World, path: str) -> None:
    """Whatever happens to the order meanwhile."""
    outside.patience = outside.patience.model_copy(update=IMPATIENT)
    outside.slow = SLOW

    async with killing(outside, random.Random(path)) as killed:
        await PATHS[path](outside)

    await outside.assert_agreed()
    assert same_for_all(await endings.ending(outside)) == same_for_all(endings.kept(path))
    assert killed


def test_every_point_is_tried() -> None:
    """Somewhere a process is killed at it."""
    ours = [ROOT / package for package in ("adapters", "activities", "api")]
    code = "".join(file.read_text() for folder in ours for file in folder.rglob("*.py"))
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_crash*.py"))
    assert set(re.findall(r'crash_point\("(.+?)"\)', code)) <= set(re.findall(r'"([\w-]+):', tests))


def same_for_all(ending: endings.Ending) -> endings.Ending:
    """Tax is the simulators' own, and with it what is owed; what is amended here, there is taken
    back and done anew.
    """
    standing = {
        name: "amounts" if name.startswith(("credit/", "authorise/", "collect/", "refund/")) else x
        for name, x in ending["standing"].items()
    }
    book = {
        key: "amounts" if system == "payment" else goal
        for system, key, goal in ending["book"]
        if not key.startswith("authorise/")
    }
    return {**ending, "standing": standing, "book": book, "credit": "amounts"}


async def goes_on(world: World, arrives: str) -> None:
    """Something arrives, reaches the order, and only then a worker is back. An order that had been
    closed may be opened by it, unless that is known already, and is closed once more then.
    """
    before = await world.state()
    again = before is not None and before.closed and arrives != "nothing"
    if arrives == "a cancellation":
        await world.cancel()
    if arrives == "a shipment":
        await world.ship(EAST)
    await world.hand_over()

    worker = await world.worker_process()
    async with shipping(world):
        order = await world.until(is_over, within=90)
        await world.ends(order_status(order), within=60)
    worker.send_signal(signal.SIGTERM)
    await worker.wait()

    await world.assert_agreed()
    await assert_told_once(world, order, closed={1, 1 + again})


def is_over(order: Order) -> bool:
    return order.closed and not unmet(order)


async def assert_told_once(world: World, order: Order, closed: Set[int]) -> None:
    gone = {shipment.source for shipment in order.shipments}
    told = await world.events()
    assert told["created"] == 1
    assert told["closed"] in closed
    assert told.get("shipped", 0) == told.get("invoiced", 0) == len(gone)
    assert await world.stock() == {
        "BOLT": (95 if EAST in gone else 100, 0),
        "NUT": (97 if WEST in gone else 100, 0),
    }
    assert await world.credit() == (0, int(invoiced_total(order)))


@asynccontextmanager
async def killing(world: World, lots: random.Random) -> AsyncIterator[list[int]]:
    """A worker that is killed once the order is known, and some times more, and comes back."""
    killed: list[int] = []
    workers = [await world.worker_process()]

    async def keep_killing() -> None:
        await world.until(lambda order: True, within=60)
        while len(killed) < 3:
            workers[-1].kill()
            killed.append(await workers[-1].wait())
            workers.append(await world.worker_process())
            await asyncio.sleep(lots.uniform(2, 6))

    try:
        async with meanwhile(keep_killing()):
            yield killed
    finally:
        workers[-1].terminate()
        await workers[-1].wait()


@asynccontextmanager
async def shipping(world: World) -> AsyncIterator[None]:
    """Warehouses that ship what has been released to them, once all is quiet."""

    async def ship() -> None:
        while True:
            order = await world.state()
            if order and not unmet(order):
                for source, line in ((EAST, "1"), (WEST, "2")):
                    released = order.standing(Step.RELEASE, source).get(line, 0)
                    if released > order.line(line).total_shipped:
                        await world.ship(source)
            await asyncio.sleep(0.05)

    async with meanwhile(ship()):
        yield

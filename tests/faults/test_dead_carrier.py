"""A carrier's system that is dead for an hour: orders go on with all but their transport, and when
it is back it is asked no more than it bears.

The hour is short: what is tried again soon is tried as often as within an hour otherwise.
"""

import asyncio
import time
from asyncio.subprocess import DEVNULL
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median

import httpx
import pytest
from temporalio.api.history.v1 import HistoryEvent

from adapters.postgres.meter import BLOCK_LASTS, REFRESH, Limits
from adapters.postgres.meter import Systems as Meters
from domain.effect import Step
from domain.order import Order
from domain.plan import unmet
from domain.status import order_status
from domain.view import awaited
from stack.testing import running as started
from tests.adapters.simulator import Simulator
from tests.meanwhile import meanwhile
from tests.replay.plays import limit_credit, line
from tests.workflows.world import EAST, HOME, QUICK, WEST, World

CARRIER = "tms-1"
LIMITS = Limits(requests_per_second=Decimal(20), burst=5)
TRIES = 8
"""How often each booking is tried before the carrier is back."""
OFTEN = QUICK.model_copy(update={"retry": timedelta(milliseconds=20)})
FEW = 6
"""Events after the record that says what is wanted: of the same moment, not of another attempt."""
OTHERS = {
    "post_sales_order": "erp",
    "release_goods": "wms",
    "commit_tax": "tax",
    "post_invoice": "erp",
}
"""Calls that no carrier has a part in, and whose."""


@dataclass
class Carrier:
    """The simulator, and how often it has been asked, as it says itself."""

    url: str
    seen: list[tuple[float, float, int]] = field(default_factory=list)

    async def die(self) -> None:
        """Whatever is asked, the connection ends without an answer."""
        async with self._web() as web:
            answer = await web.post("/_sim/faults", json={"fault": "outage"})
            assert answer.is_success

    async def come_back(self) -> None:
        async with self._web() as web:
            assert (await web.delete("/_sim/faults")).is_success

    async def asked(self) -> int:
        async with self._web() as web:
            return await self._asked(web)

    async def bookings(self) -> Counter[str]:
        """Labels bought, by order. Raises AssertionError when anything else was done."""
        async with self._web() as web:
            effects = (await web.get("/_sim/effects")).json()
        assert {each["operation"] for each in effects} <= {"buy_transport"}
        return Counter(each["order_id"] for each in effects)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look again and again."""

        async def watch() -> None:
            async with self._web() as web:
                while True:
                    before = time.monotonic()
                    asked = await self._asked(web)
                    self.seen.append((before, time.monotonic(), asked))
                    await asyncio.sleep(0.05)

        async with meanwhile(watch()):
            yield

    @property
    def busiest(self) -> int:
        """The most it was asked within any second between two looks."""
        most, first = 0, 0
        for n, (_, end, later) in enumerate(self.seen):
            while first < n and end - self.seen[first][0] > 1:
                first += 1
            most = max(most, later - self.seen[first][2])
        return most

    def _web(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, trust_env=False)

    async def _asked(self, web: httpx.AsyncClient) -> int:
        return sum((await web.get("/_sim/calls")).json().values())


@pytest.fixture
def carrier(tmp_path: Path) -> Iterator[Carrier]:
    """One that nobody else asks."""
    simulator = Simulator(CARRIER, tmp_path)
    with started(simulator.program(), simulator.answers):
        yield Carrier(simulator.url)


@pytest.mark.parametrize(
    "many", [25, pytest.param(500, marks=(pytest.mark.nightly, pytest.mark.alone))]
)
async def test_a_carrier_dead_for_an_hour(
    temporal: str, database: str, simulators: Mapping[str, str], carrier: Carrier, many: int
) -> None:
    urls = {**simulators, CARRIER: carrier.url}
    async with World.open(temporal, database, urls) as world, processes(world, 1):
        calm = await placed(world, "calm", many)
        for each in calm:
            await each.settles("released", within=60 + many)
        await shipped_and_over(calm[0::3])

        await carrier.die()
        orders = await placed(world, "dead", many)
        shipped, cancelled, left = orders[0::3], orders[1::3], orders[2::3]
        for each in orders:
            await each.until(lacks_transport_only, within=60 + many)
        before = [await length(each) for each in left]

        for each in shipped:
            await ship(each)
        for each in cancelled:
            await each.cancel()
        for each in shipped:
            await each.until(is_invoiced, within=60 + many)
        for each in cancelled:
            await each.until(is_given_back, within=60 + many)
        for each in orders:
            await says_what_it_waits_for(each)
        for each, events in zip(left, before, strict=True):
            assert await length(each) <= events + FEW
        assert not (await carrier.bookings()).keys() & {each.order for each in orders}
        assert_none_slower(await took(calm[0::3]), await took(shipped))

        await Meters(world.adapters.books.pool).limit(CARRIER, LIMITS)
        await asyncio.sleep(2 * REFRESH)  # every process has heard of it by then
        asked = await carrier.asked()
        async with carrier.watched():
            await carrier.come_back()
            for each in left:
                await each.settles("released", within=60 + many)
            for each in shipped:
                await each.ends("closed", within=60 + many)
            for each in cancelled:
                await each.ends("cancelled", within=60 + many)
        asked = await carrier.asked() - asked
        await shipped_and_over(left)

        assert asked <= 4 * (len(shipped) + len(left)) + 2 * len(cancelled)
        assert carrier.busiest <= bearable()
        booked = await carrier.bookings()
        assert booked == Counter(each.order for each in (*calm, *shipped, *left))
        for each in orders:
            await each.assert_agreed()


def bearable() -> float:
    """In any second: its rate, what may be asked at once, and what was granted just before."""
    rate = float(LIMITS.requests_per_second or 0)
    return rate * (1 + BLOCK_LASTS) + LIMITS.burst


async def placed(world: World, name: str, many: int) -> list[World]:
    """Each to an address of its own, from one of two warehouses."""
    await limit_credit(world, 1_000_000)
    items = [("BOLT", EAST), ("NUT", WEST)]
    for item, location in items:
        await world.receive(item, location, 5 * many)
    orders = []
    for n in range(many):
        order = replace(world, order=f"{world.order}-{name}-{n}", patience=OFTEN)
        there = HOME.model_copy(update={"line1": f"{n} {name} St"})
        await order.place(ship_to=there, lines=(line("1", items[n % 2][0], 5),))
        orders.append(order)
    return orders


def place_of(order: Order) -> str:
    (release,) = order.effects_of(Step.RELEASE)
    return release.subject


def lacks_transport_only(order: Order) -> bool:
    return order_status(order) == "released" and {*unmet(order)} == {f"book/{place_of(order)}"}


def is_invoiced(order: Order) -> bool:
    """Nothing is left to do but what the carrier was asked for."""
    return order_status(order) == "invoiced" and {*unmet(order)} == {f"book/{place_of(order)}"}


def is_given_back(order: Order) -> bool:
    """By the warehouse, the ERP and our books; only the carrier has to be asked."""
    book = f"book/{place_of(order)}"
    noted = (Step.CAPTURE, Step.ESTIMATE)
    stands = any(x.standing for x in order.effects.values() if x.step not in noted)
    return order_status(order) == "cancelled" and {*unmet(order)} == {book} and not stands


async def ship(world: World) -> None:
    await world.tell("shipped", place_of(await world.known()), {"1": 5})


async def shipped_and_over(orders: Sequence[World]) -> None:
    for each in orders:
        await ship(each)
    for each in orders:
        await each.ends("closed", within=max(30, len(orders)))


async def says_what_it_waits_for(world: World) -> None:
    """For the carrier, after so many attempts, and why the last one failed."""
    book = f"book/{place_of(await world.known())}"
    async with asyncio.timeout(120):
        while True:
            waits = {
                each.what: each for each in await world.adapters.books.waiting.of_order(world.order)
            }
            if book in waits and waits[book].attempts >= TRIES:
                break
            await asyncio.sleep(0.1)
    assert waits.keys() == {book}
    assert waits[book].system == CARRIER
    assert f"{CARRIER}: GET" in waits[book].last_error
    assert (book, CARRIER) in {(each.what, each.system) for each in awaited(await world.known())}


async def length(world: World) -> int:
    return (await world.handle.describe()).history_length


async def took(orders: Sequence[World]) -> dict[str, float]:
    """The median of how many seconds calls took, from when they were wanted, by activity."""
    lasted: defaultdict[str, list[float]] = defaultdict(list)
    for each in orders:
        events = (await each.handle.fetch_history()).events
        for event in events:
            if event.HasField("activity_task_completed_event_attributes"):
                done = event.activity_task_completed_event_attributes
                began = events[done.scheduled_event_id - 1]
                name = began.activity_task_scheduled_event_attributes.activity_type.name
                lasted[name].append(seconds(event) - seconds(began))
    return {name: median(lasted[name]) for name in OTHERS}


def seconds(event: HistoryEvent) -> float:
    return event.event_time.ToNanoseconds() / 1e9


def assert_none_slower(calm: Mapping[str, float], dead: Mapping[str, float]) -> None:
    for name, whose in OTHERS.items():
        assert dead[name] <= 2 * calm[name] + 1, f"{whose} was waited for"


@asynccontextmanager
async def processes(world: World, many: int) -> AsyncIterator[None]:
    """So many workers."""
    workers = [await world.worker_process(output=DEVNULL) for _ in range(many)]
    try:
        yield
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            await worker.wait()

"""Meters: two of one system, in two pools like two workers, never ask more than it allows."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.meter import Limits, Meter, Systems
from adapters.postgres.pool import open_pool
from domain.errors import Unavailable
from tests.postgres.conftest import eventually


@pytest.fixture
async def other_pool(database: str) -> AsyncIterator[AsyncConnectionPool]:
    async with open_pool(database) as opened:
        yield opened


class Asked:
    """When requests were made, and how many at once."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.under_way = 0
        self.most = 0

    async def ask(self, meter: Meter, takes: float = 0.0) -> None:
        async with meter.request():
            self.at.append(time.monotonic())
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            if takes:
                await asyncio.sleep(takes)
            self.under_way -= 1

    def most_within(self, seconds: float) -> int:
        return max(sum(1 for at in self.at if 0 <= at - first < seconds) for first in self.at)


def looks(pool: AsyncConnectionPool) -> int:
    return pool.get_stats().get("requests_num", 0)


async def register(pool: AsyncConnectionPool, limits: Limits) -> Systems:
    systems = Systems(pool)
    await systems.register("erp", "erp", "some", limits)
    return systems


@pytest.mark.parametrize(("rate", "burst"), [(20, 5), (200, 20)])
async def test_two_workers_together_never_exceed_the_rate(
    pool: AsyncConnectionPool, other_pool: AsyncConnectionPool, rate: int, burst: int
) -> None:
    await register(pool, Limits(Decimal(rate), burst))
    meters = [Meter(pool, "erp"), Meter(other_pool, "erp")]
    asked = Asked()
    began = time.monotonic()
    await asyncio.gather(*(asked.ask(meters[n % 2]) for n in range(2 * rate + burst)))
    took = time.monotonic() - began

    # What was taken may be used a tenth of a second later.
    assert asked.most_within(1.0) <= rate * 1.1 + burst
    assert asked.most_within(0.5) <= rate * 0.6 + burst
    # And nobody is held back for ever, on a busy machine either.
    assert 1.8 <= took < 20


async def test_a_system_without_limits_costs_hardly_a_look(pool: AsyncConnectionPool) -> None:
    meter, asked = Meter(pool, "erp"), Asked()
    before = looks(pool)
    for _ in range(1_000):
        await asked.ask(meter)
    assert looks(pool) - before <= 3


async def test_a_block_serves_many_that_wait(pool: AsyncConnectionPool) -> None:
    await register(pool, Limits(Decimal(500), 50))
    meter, asked = Meter(pool, "erp"), Asked()
    before = looks(pool)
    await asyncio.gather(*(asked.ask(meter) for _ in range(250)))
    assert looks(pool) - before <= 250 / 5


async def test_closed_by_one_it_is_closed_for_all_and_opens_again(
    pool: AsyncConnectionPool, other_pool: AsyncConnectionPool
) -> None:
    one, other, asked = Meter(pool, "erp"), Meter(other_pool, "erp"), Asked()
    await asked.ask(one)
    await asked.ask(other)

    await one.close_for(timedelta(seconds=1.5))

    with pytest.raises(Unavailable, match="is closed") as closed:
        await asked.ask(one)
    assert closed.value.next_retry_delay
    assert timedelta(seconds=1) < closed.value.next_retry_delay < timedelta(seconds=1.7)

    async def is_closed_there() -> bool:
        try:
            await asked.ask(other)
        except Unavailable:
            return True
        return False

    assert await eventually(is_closed_there) < 1

    async def is_open() -> bool:
        return not await is_closed_there()

    await eventually(is_open)


async def test_a_shorter_closing_does_not_open_it_earlier(pool: AsyncConnectionPool) -> None:
    meter = Meter(pool, "erp")
    await meter.close_for(timedelta(seconds=60))
    await meter.close_for(timedelta(seconds=1))
    with pytest.raises(Unavailable) as closed:
        await Asked().ask(meter)
    assert closed.value.next_retry_delay
    assert closed.value.next_retry_delay > timedelta(seconds=50)


async def test_paused_by_a_person_until_it_is_resumed(pool: AsyncConnectionPool) -> None:
    systems = await register(pool, Limits())
    await systems.pause("erp")
    meter, asked = Meter(pool, "erp"), Asked()
    with pytest.raises(Unavailable, match="is paused"):
        await asked.ask(meter)
    assert [(each.name, each.paused) for each in await systems.all()] == [("erp", True)]

    await systems.resume("erp")

    async def passes() -> bool:
        try:
            await asked.ask(meter)
        except Unavailable:
            return False
        return True

    await eventually(passes)


async def test_places_are_shared_between_workers(
    pool: AsyncConnectionPool, other_pool: AsyncConnectionPool
) -> None:
    await register(pool, Limits(concurrency=5))
    meters = [Meter(pool, "erp"), Meter(other_pool, "erp")]
    asked = Asked()
    await asyncio.gather(*(asked.ask(meters[n % 2], takes=0.1) for n in range(60)))
    assert asked.most <= 5
    assert len(asked.at) == 60


async def test_whoever_waits_too_long_is_told_to_come_again(pool: AsyncConnectionPool) -> None:
    await register(pool, Limits(Decimal("0.1")))
    meter, asked = Meter(pool, "erp", patience=timedelta(seconds=0.2)), Asked()
    await asked.ask(meter)
    with pytest.raises(Unavailable, match="wait for their turn") as full:
        await asked.ask(meter)
    assert full.value.next_retry_delay == timedelta(seconds=10)
    assert len(asked.at) == 1


async def test_after_a_closing_the_rate_grows_slowly(pool: AsyncConnectionPool) -> None:
    await register(pool, Limits(Decimal(100), burst=100, ramp_seconds=10))
    meter, asked = Meter(pool, "erp"), Asked()
    await meter.close_for(timedelta(seconds=0.1))
    deadline = time.monotonic() + 1.1
    while time.monotonic() < deadline:
        try:
            await asked.ask(meter)
        except Unavailable:
            await asyncio.sleep(0.01)
    assert 3 < len(asked.at) <= 20


async def test_new_limits_hold_for_a_meter_that_is_in_use(pool: AsyncConnectionPool) -> None:
    systems = await register(pool, Limits())
    meter, asked = Meter(pool, "erp", patience=timedelta(seconds=0.1)), Asked()
    await asked.ask(meter)
    await systems.limit("erp", Limits(Decimal("0.5")))

    async def is_limited() -> bool:
        try:
            await asked.ask(meter)
        except Unavailable:
            return True
        return False

    assert await eventually(is_limited) < 1
    await systems.register("erp", "erp", "another")
    [known] = await systems.all()
    assert (known.vendor, known.requests_per_second) == ("another", Decimal("0.5"))


async def test_without_a_database_nothing_is_asked(pool: AsyncConnectionPool) -> None:
    meter = Meter(pool, "erp")
    async with pool.connection() as db:
        await db.execute("alter table system rename to moved")
    with pytest.raises(Unavailable, match="its meter cannot be read"):
        await Asked().ask(meter)

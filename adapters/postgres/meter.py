"""The meter of each outside system: its rate, its places, its closing times, shared by everybody.

Limits are kept in PostgreSQL and taken in blocks: a system without limits costs one look in half a
second, one with a rate about one per block.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from uuid import uuid4

import psycopg
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from adapters.gate import Gate
from domain.errors import Unavailable

PATIENCE = timedelta(seconds=5)
"""How long a request waits for its turn before it is told to come again."""
REFRESH = 0.5
"""Seconds after which the state of a system is looked at again before the next request."""
BLOCK_LASTS = 0.1
"""Seconds within which requests that were taken may be made; what is left then is given up."""
BLOCK_COVERS = 0.05
"""Seconds of requests that a block holds at most, beyond those that already wait."""
PAUSED_RETRY = timedelta(seconds=5)
MANY = 1_000_000

TAKE = b"""
select granted, next_in, closed_for, is_paused, rate, places from take_requests(%s, %s, %s)
"""
CLOSE = b"select close_system(%s, %s)"
PAUSE = b"select pause_system(%s, %s)"
REGISTER = b"""
insert into system (name, capability, vendor, requests_per_second, burst, concurrency, ramp_seconds)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (name) do update set capability = excluded.capability, vendor = excluded.vendor
"""
LIMIT = b"""
update system set requests_per_second = %s, burst = %s, concurrency = %s, ramp_seconds = %s,
    tokens = null, tokens_at = null
where name = %s
"""
ALL = b"""
select name, capability, vendor, requests_per_second, burst, concurrency, ramp_seconds, paused,
    case when closed_until > now() then closed_until end as closed_until
from system order by name
"""


@dataclass(frozen=True)
class Limits:
    """What may be asked of a system. None: as much as we like."""

    requests_per_second: Decimal | None = None
    burst: int = 1
    concurrency: int | None = None
    ramp_seconds: int = 0


NO_LIMITS = Limits()


@dataclass(frozen=True)
class SystemState:
    """A system as the console shows it."""

    name: str
    capability: str
    vendor: str
    requests_per_second: Decimal | None
    burst: int
    concurrency: int | None
    ramp_seconds: int
    paused: bool
    closed_until: datetime | None


@dataclass(frozen=True)
class Taken:
    """One answer of `take_requests`, which says what the fields mean."""

    granted: int
    next_in: float | None
    closed_for: float
    is_paused: bool
    rate: float | None
    places: int | None


class Systems:
    """All systems: registered by every process that starts, limited and paused by people."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def register(
        self, name: str, capability: str, vendor: str, limits: Limits = NO_LIMITS
    ) -> None:
        """Make it known. The limits are those of a new one; a known one keeps its own."""
        row = (name, capability, vendor, *_limits(limits))
        async with self._pool.connection() as db:
            await db.execute(REGISTER, row)

    async def limit(self, name: str, limits: Limits) -> None:
        """Give it other limits. All processes follow within half a second."""
        async with self._pool.connection() as db:
            await db.execute(LIMIT, (*_limits(limits), name))

    async def pause(self, name: str) -> None:
        """Ask it nothing until it is resumed."""
        async with self._pool.connection() as db:
            await db.execute(PAUSE, (name, True))

    async def resume(self, name: str) -> None:
        async with self._pool.connection() as db:
            await db.execute(PAUSE, (name, False))

    async def all(self) -> list[SystemState]:
        async with (
            self._pool.connection() as db,
            db.cursor(row_factory=class_row(SystemState)) as c,
        ):
            await c.execute(ALL)
            return await c.fetchall()


class Meter(Gate):
    """One system's meter in this process. Make one per system, and use it for every request."""

    def __init__(
        self, pool: AsyncConnectionPool, system: str, *, patience: timedelta = PATIENCE
    ) -> None:
        self._pool = pool
        self._system = system
        self._patience = patience.total_seconds()
        self._owner = uuid4().hex
        self._turn = asyncio.Lock()
        self._left = asyncio.Event()
        self._wanting = 0
        self._under_way = 0
        self._tokens = 0
        self._tokens_until = 0.0
        self._extra = 0
        self._known = Taken(0, None, 0.0, False, None, None)
        self._known_at = float("-inf")

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        await self._enter()
        try:
            yield
        finally:
            self._under_way -= 1
            self._left.set()

    async def close_for(self, wait: timedelta) -> None:
        self._known_at = float("-inf")
        async with self._pool.connection() as db:
            await db.execute(CLOSE, (self._system, wait))

    async def _enter(self) -> None:
        self._wanting += 1
        try:
            async with asyncio.timeout(self._patience):
                # One at a time, in the order they came: whoever is first waits for all.
                async with self._turn:
                    await self._pass()
        except TimeoutError:
            raise Unavailable(
                f"{self._system}: too many requests wait for their turn",
                retry_after=timedelta(seconds=self._next_turn()),
            ) from None
        except psycopg.Error as failure:
            raise Unavailable(
                f"{self._system}: its meter cannot be read ({type(failure).__name__})"
            ) from failure
        finally:
            self._wanting -= 1

    async def _pass(self) -> None:
        while True:
            if time.monotonic() - self._known_at > REFRESH:
                await self._take()
            self._check_open()
            known = self._known
            if known.places is not None and self._under_way >= known.places:
                await self._wait_for_place()
            elif known.rate is None:
                break
            elif self._tokens and time.monotonic() < self._tokens_until:
                self._tokens -= 1
                break
            else:
                await self._wait_for_token()
        self._under_way += 1

    def _check_open(self) -> None:
        known = self._known
        if known.is_paused:
            raise Unavailable(f"{self._system} is paused", retry_after=PAUSED_RETRY)
        closed_for = known.closed_for - (time.monotonic() - self._known_at)
        if closed_for > 0:
            # A little apart, so that not all come back in the same moment.
            closed_for += random.uniform(0, min(1.0, closed_for / 10))  # noqa: S311 - no secret
            raise Unavailable(
                f"{self._system} is closed: it was asked too much",
                retry_after=timedelta(seconds=closed_for),
            )

    async def _wait_for_place(self) -> None:
        self._left.clear()
        rest = max(0.0, REFRESH - (time.monotonic() - self._known_at))
        try:
            async with asyncio.timeout(rest):
                await self._left.wait()
        except TimeoutError:
            await self._take()

    async def _wait_for_token(self) -> None:
        next_in = self._known.next_in
        if next_in is None:
            next_in = REFRESH
        rest = next_in - (time.monotonic() - self._known_at)
        if rest > 0:
            await asyncio.sleep(rest)
        await self._take()

    async def _take(self) -> None:
        """Ask for what is wanted now, and a little more when the last block was used up."""
        used_up = self._tokens == 0
        most = ceil((self._known.rate or 0) * BLOCK_COVERS)
        self._extra = min(most, 2 * self._extra + 1) if used_up else 0
        wanted = min(MANY, self._wanting + self._extra)
        async with self._pool.connection() as db, db.cursor(row_factory=class_row(Taken)) as cursor:
            await cursor.execute(TAKE, (self._system, self._owner, wanted))
            taken = await cursor.fetchone()
        assert taken
        self._known, self._known_at = taken, time.monotonic()
        self._tokens, self._tokens_until = taken.granted, self._known_at + BLOCK_LASTS

    def _next_turn(self) -> float:
        """Seconds after which as many as wait now have had their turn."""
        rate = self._known.rate or 1.0
        return min(60.0, max(0.5, self._wanting / rate))


def _limits(limits: Limits) -> tuple[object, ...]:
    return limits.requests_per_second, limits.burst, limits.concurrency, limits.ramp_seconds

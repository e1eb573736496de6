"""Loops that one process runs at a time, and another takes over within two seconds of its death."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import psycopg
from psycopg_pool import AsyncConnectionPool

log = logging.getLogger(__name__)

LASTS = timedelta(seconds=1.2)
"""How long a lease is good without being renewed; a take-over needs a third more at most."""
IDLE = timedelta(milliseconds=100)
LONGEST_PAUSE = 5.0
"""Seconds between two tries of a loop that keeps failing."""

TAKE = b"""
insert into lease as held (name, owner, epoch, until) values (%s, %s, 1, now() + %s)
on conflict (name) do update set
    owner = excluded.owner, until = excluded.until,
    epoch = held.epoch + case when held.owner = excluded.owner then 0 else 1 end
where held.owner = excluded.owner or held.until < now()
returning epoch
"""
GIVE_UP = b"update lease set until = now() where name = %s and owner = %s"


class LeaseLost(Exception):
    """Somebody else runs this loop now; nothing of what was to be written has been."""


class Lease:
    """The right to run one loop. What its owner writes names the epoch (SQL: `holds_lease`)."""

    def __init__(self, pool: AsyncConnectionPool, name: str, *, lasts: timedelta = LASTS) -> None:
        self.name = name
        self.lasts = lasts
        self._pool = pool
        self._owner = uuid4().hex

    async def take(self) -> int | None:
        """Take or keep it: its epoch, or None while somebody else holds it."""
        async with self._pool.connection() as db:
            answer = await db.execute(TAKE, (self.name, self._owner, self.lasts))
            row = await answer.fetchone()
        return row[0] if row else None

    async def give_up(self) -> None:
        """Let another take it at once."""
        async with self._pool.connection() as db:
            await db.execute(GIVE_UP, (self.name, self._owner))


class LeasedLoop(ABC):
    """Does `once` again and again while it holds its lease; stands by while another does.

    It ends only by being cancelled: whatever fails is logged and tried again, ever less often.
    """

    def __init__(
        self,
        pool: AsyncConnectionPool,
        name: str,
        *,
        lasts: timedelta = LASTS,
        idle: timedelta = IDLE,
    ) -> None:
        self.name = name
        self.epoch: int | None = None
        """Of the lease, while this process holds it."""
        self._lease = Lease(pool, name, lasts=lasts)
        self._idle = idle.total_seconds()
        self._held = asyncio.Event()
        self._good_until = 0.0
        self._ending = False

    def still_held(self) -> bool:
        """Whether the lease cannot have been taken by another, by our own clock.

        To be asked before something that no epoch guards, like a request to somebody else: after a
        pause (SIGSTOP, a sleeping machine) a process learns only later that it has lost the lease.
        """
        return self.epoch is not None and time.monotonic() < self._good_until

    @abstractmethod
    async def once(self, epoch: int) -> bool:
        """One round of work; whether there may be more at once. Raises `LeaseLost`."""

    async def finish(self, epoch: int) -> None:
        """Write down what has been done since the last round; the loop is about to end."""
        return

    async def stand_by(self) -> None:
        """Forget what belonged to an epoch that has ended. Called before the next one begins."""
        return

    async def may_run(self) -> bool:
        """Whether this process may hold the lease. Asked whenever the lease would be renewed."""
        return True

    def end(self) -> None:
        """Make it end with its next round, too: a cancellation that comes at the moment at which
        what is waited for is done may get lost on the way (Python 3.11's `wait_for`).
        """
        self._ending = True
        self._held.set()

    async def run(self) -> None:
        """Work until cancelled, then finish what has begun and give the lease up."""
        self._ending, self.epoch = False, None
        self._held.clear()
        keeper = asyncio.create_task(self._keep(), name=f"lease {self.name}")
        try:
            await self._work()
        finally:
            if self.epoch is not None:
                try:
                    await self.finish(self.epoch)
                except (psycopg.Error, LeaseLost) as failure:
                    log.warning("%s: not finished: %s", self.name, failure)
            self.end()
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
            await self.stand_by()
            with suppress(psycopg.Error):  # it runs out by itself
                await self._lease.give_up()

    async def _work(self) -> None:
        failures = 0
        working_in: int | None = None
        while not self._ending:
            await self._held.wait()
            epoch = self.epoch
            if epoch is None:
                continue
            try:
                if epoch != working_in:
                    await self.stand_by()
                    working_in = epoch
                    log.info("%s: runs here (epoch %d)", self.name, epoch)
                busy = await self.once(epoch)
            except LeaseLost:
                self._lose(epoch)
            except Exception:  # a loop outlives whatever fails in one of its rounds
                failures += 1
                pause = min(LONGEST_PAUSE, 0.1 * 2 ** min(failures, 10))
                log.exception("%s: failed %d times, next in %.1f s", self.name, failures, pause)
                await asyncio.sleep(pause)
            else:
                failures = 0
                # Even when busy: others of this event loop have their turn.
                await asyncio.sleep(0 if busy else self._idle)

    async def _keep(self) -> None:
        every = self._lease.lasts.total_seconds() / 3
        while not self._ending:
            began = time.monotonic()
            try:
                epoch = await self._take()
            except psycopg.Error as failure:
                log.warning("%s: its lease cannot be renewed: %s", self.name, failure)
            else:
                self._note(epoch, began)
            await asyncio.sleep(max(0.0, every - (time.monotonic() - began)))

    async def _take(self) -> int | None:
        if await self.may_run():
            return await self._lease.take()
        if self.epoch is not None:
            await self._lease.give_up()
        return None

    def _note(self, epoch: int | None, asked_at: float) -> None:
        if epoch is None:
            self._lose(self.epoch)
        else:
            self.epoch = epoch
            self._good_until = asked_at + self._lease.lasts.total_seconds()
            self._held.set()

    def _lose(self, epoch: int | None) -> None:
        if epoch is not None and epoch == self.epoch:
            log.info("%s: runs elsewhere now (epoch %d has ended)", self.name, epoch)
            self.epoch = None
            self._held.clear()

"""The loop that takes stored messages to their orders, and the rebuilding of lost orders."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta

from psycopg_pool import AsyncConnectionPool

from adapters.postgres.inbox import Inbox, Waiting
from adapters.postgres.lease import LeasedLoop
from adapters.postgres.records import Records
from adapters.temporal import Engine
from domain.order import Order

log = logging.getLogger(__name__)

AT_ONCE = 20
"""How many orders are told at the same time."""
STALE_EVERY = 1.0
"""Seconds between two looks for what was handed over and not applied."""
BURY_EVERY = 60.0


class Handover(LeasedLoop):
    """Hands over one part of all orders' messages. Runs in every worker; one of them does it.

    All that waits for an order goes in one signal, in stored order. What was not applied within
    `again_after` is handed over again; what no order was placed for within `unknown_after` is
    buried.
    """

    def __init__(
        self,
        pool: AsyncConnectionPool,
        inbox: Inbox,
        records: Records,
        engine: Engine,
        *,
        part: int = 0,
        parts: int = 1,
        again_after: timedelta = timedelta(minutes=1),
        unknown_after: timedelta = timedelta(hours=24),
    ) -> None:
        super().__init__(pool, f"handover-{part}-of-{parts}", idle=timedelta(milliseconds=50))
        self._inbox = inbox
        self._records = records
        self._engine = engine
        self._part, self._parts = part, parts
        self._again_after = again_after
        self._unknown_after = unknown_after
        self._next_stale = self._next_bury = 0.0

    async def once(self, epoch: int) -> bool:
        waiting = await self._inbox.fresh(self._part, self._parts)
        if time.monotonic() > self._next_stale:
            stale = await self._inbox.stale(self._part, self._parts, self._again_after, AT_ONCE)
            known = {each.order_id for each in stale}
            # All of it once more, from the oldest on: the order passes over what it knows.
            waiting = stale + [each for each in waiting if each.order_id not in known]
            if len(stale) < AT_ONCE:
                self._next_stale = time.monotonic() + STALE_EVERY
        if self._part == 0 and time.monotonic() > self._next_bury:
            self._next_bury = time.monotonic() + BURY_EVERY
            await self._inbox.bury_unknown(self._unknown_after)
        for start in range(0, len(waiting), AT_ONCE):
            batch = waiting[start : start + AT_ONCE]
            told = await asyncio.gather(*map(self._tell, batch), return_exceptions=True)
            await self._inbox.handed_over(
                [each for each, how in zip(batch, told, strict=True) if how is None],
                self.name,
                epoch,
            )
            for how in told:
                if isinstance(how, BaseException):
                    raise how
        return bool(waiting)

    async def _tell(self, waiting: Waiting) -> None:
        if waiting.started and await self._engine.signal(waiting.order_id, waiting.messages):
            return
        stored = await self._records.load(waiting.order_id)
        await self._engine.start(stored or Order(id=waiting.order_id), waiting.messages)


async def rebuild(
    records: Records, engine: Engine, progress: Callable[[int], None] = lambda done: None
) -> int:
    """Move all open orders to this engine, from their snapshots; the inbox brings the rest.

    The engine before it is refused from now on. Safe to repeat. `progress` is told how many are
    done. Returns how many there were.
    """
    await records.move_engine(await engine.namespace_id())
    done, after = 0, ""
    while orders := await records.open_orders(after):
        await asyncio.gather(*map(engine.start, orders))
        done, after = done + len(orders), orders[-1].id
        progress(done)
    return done

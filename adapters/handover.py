"""The loop that takes stored messages to their orders, and the rebuilding of lost orders."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from psycopg_pool import AsyncConnectionPool
from temporalio.service import RPCError, RPCStatusCode

from adapters.crash import crash_point
from adapters.postgres.inbox import Inbox, Waiting
from adapters.postgres.lease import LeasedLoop
from adapters.postgres.ledger import Ledger
from adapters.postgres.records import Records
from adapters.temporal import Engine
from domain.message import Message, Skipped
from domain.order import Order

log = logging.getLogger(__name__)

AT_ONCE = 20
"""How many orders are told at the same time."""
UNDER_WAY = 100
"""How many of one part's messages are under way to their orders at once. The rest waits in the
inbox, not in the engine: there, a task that waits for long forgets which worker has its order in
memory, and all of the order's history is read anew."""
OVERDUE = timedelta(seconds=5)
"""From when on what was handed over does not count as under way: it holds up nobody else."""
STALE_EVERY = 1.0
"""Seconds between two looks for what was handed over and not applied."""
BURY_EVERY = 60.0
LARGE = 1024 * 1024
"""Bytes of JSON from which on the engine may say that it takes no message so large. Its limit is 2
MiB, unless it is configured otherwise."""
AWAY = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.CANCELLED,
)
"""What the engine says of itself, not of one order."""


class Handover(LeasedLoop):
    """Hands over one part of all orders' messages. Runs in every worker; one of them does it.

    All that waits for an order goes in one signal, in stored order. What was not applied within
    `again_after` is handed over again; what no order was placed for within `unknown_after` is
    buried; stock reserved beyond what is there is taken back.
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
        self._ledger = Ledger(pool)
        self._records = records
        self._engine = engine
        self._part, self._parts = part, parts
        self._again_after = again_after
        self._unknown_after = unknown_after
        self._next_stale = self._next_bury = 0.0

    async def may_run(self) -> bool:
        """Not where another engine has the orders by now: its own workers are to tell them."""
        try:
            return await self._records.claim_engine(await self._engine.namespace_id())
        except RPCError:
            return True  # it is away; then so are all that could be told of it

    async def once(self, epoch: int) -> bool:
        waiting = fresh = await self._inbox.fresh(
            self._part, self._parts, UNDER_WAY, within=OVERDUE, at_least=AT_ONCE
        )
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
            await self._ledger.settle_unmatched()
        for start in range(0, len(waiting), AT_ONCE):
            await self._hand_over(waiting[start : start + AT_ONCE], epoch)
        # What comes while these were told waits for the next round, and shares a signal then.
        return len(fresh) == UNDER_WAY

    async def _hand_over(self, batch: Sequence[Waiting], epoch: int) -> None:
        """One order's trouble is its own: it is tried again when it is stale, and blocks nobody.

        Raises what the engine says when it is away; then all of them are still to be told.
        """
        told = await asyncio.gather(*map(self._tell, batch), return_exceptions=True)
        crash_point("told")
        away: BaseException | None = None
        passed = []
        for each, how in zip(batch, told, strict=True):
            if isinstance(how, RPCError) and how.status in AWAY:
                away = how
                continue
            if isinstance(how, BaseException):
                log.error("order %s could not be told", each.order_id, exc_info=how)
            passed.append(each)
        await self._inbox.handed_over(passed, self.name, epoch)
        if away is not None:
            raise away

    async def _tell(self, waiting: Waiting) -> None:
        try:
            await self._send(waiting, waiting.messages)
        except RPCError as failure:
            if not _too_large(failure, waiting.messages):
                raise
            log.warning("order %s takes no more at once: %s", waiting.order_id, failure)
            for message in waiting.messages:
                await self._tell_alone(waiting, message)

    async def _tell_alone(self, waiting: Waiting, message: Message) -> None:
        """What is too large even alone becomes a dead letter, and a blank takes its number."""
        try:
            await self._send(waiting, [message])
        except RPCError as failure:
            if not _too_large(failure, [message]):
                raise
            await self._inbox.bury(waiting.order_id, message.n, "undeliverable", str(failure))
            await self._send(waiting, [Skipped(id=message.id, n=message.n)])

    async def _send(self, waiting: Waiting, messages: Sequence[Message]) -> None:
        if waiting.started and await self._engine.signal(waiting.order_id, messages):
            return
        stored = await self._records.load(waiting.order_id)
        await self._engine.start(stored or Order(id=waiting.order_id), messages)


def _too_large(failure: RPCError, messages: Sequence[Message]) -> bool:
    """Whether the engine means their size. All it says is that an argument is not right, as it does
    of search attributes which it does not know yet.
    """
    if failure.status is not RPCStatusCode.INVALID_ARGUMENT:
        return False
    return sum(len(message.model_dump_json().encode()) for message in messages) > LARGE


async def rebuild(
    records: Records, engine: Engine, progress: Callable[[int], None] = lambda done: None
) -> int:
    """Move all open orders to this engine, from their snapshots; the inbox brings the rest.

    The engine before it is refused from now on. What runs on this one already, as after its own
    backup was brought back, is started anew. Safe to repeat. `progress` is told how many are
    done. Returns how many there were.
    """
    await records.move_engine(await engine.namespace_id())
    done, after = 0, ""
    while orders := await records.open_orders(after):
        await asyncio.gather(*map(engine.restart, orders))
        await records.hand_over_anew([order.id for order in orders])
        done, after = done + len(orders), orders[-1].id
        progress(done)
    return done

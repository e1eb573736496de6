"""Delivers the event log to all subscriptions, one dispatcher at a time, wherever it runs.

What has been delivered is written before more is started, so that a restart repeats at most what
was under way. A subscription that fails, or is slow, holds up only itself.
"""

import asyncio
import logging
import time
from base64 import b64encode
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from psycopg_pool import AsyncConnectionPool

from adapters.crash import crash_point
from adapters.notify.cloudevents import SOURCE, encoded
from adapters.notify.lane import Lane, Policy, Settled
from adapters.notify.resend import KIND
from adapters.notify.webhook import Outcome, WebhookSender
from adapters.postgres.events import EventLog, StoredEvent
from adapters.postgres.lease import LASTS, LeasedLoop, LeaseLost
from adapters.postgres.subscriptions import Failing, Subscription, Subscriptions

log = logging.getLogger(__name__)

DISPATCHER = "dispatcher"
IDLE = timedelta(milliseconds=50)
REFRESH = 0.5
"""Seconds between two looks at what is subscribed."""
CURSORS = 1.0
"""Seconds a cursor that moved past unwanted events only may stay unwritten."""
FINISH = 2.0
"""Seconds that deliveries under way are waited for at the end."""
READ = 500
COALESCE = 0.005
"""Seconds to wait for more deliveries to end, so that one statement settles them all."""
BODIES = 2_000


class Dispatcher(LeasedLoop):
    """Give it a sender; run it in every worker."""

    def __init__(
        self,
        pool: AsyncConnectionPool,
        sender: WebhookSender,
        *,
        policy: Policy | None = None,
        source: str = SOURCE,
        lasts: timedelta = LASTS,
        idle: timedelta = IDLE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(pool, DISPATCHER, lasts=lasts, idle=idle)
        self._log = EventLog(pool)
        self._subscriptions = Subscriptions(pool)
        self._sender = sender
        self._policy = policy or Policy()
        self._source = source
        self._clock = clock
        self._lanes: dict[str, Lane] = {}
        self._unwritten: defaultdict[str, Settled] = defaultdict(Settled)
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._finished: list[tuple[Lane, StoredEvent, Outcome]] = []
        self._something = asyncio.Event()
        self._bodies: OrderedDict[int, bytes] = OrderedDict()
        self._refreshed_at = self._settled_at = float("-inf")
        self._turn = 0

    async def once(self, epoch: int) -> bool:
        await self._refresh()
        await self._settle(epoch)
        behind = await self._scan()
        self._start()
        await self._pause(behind)
        return True

    async def finish(self, epoch: int) -> None:
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=FINISH)
        self._settled_at = float("-inf")
        await self._settle(epoch)

    async def stand_by(self) -> None:
        await self._cancel(list(self._tasks))
        self._lanes.clear()
        self._unwritten.clear()
        self._finished.clear()
        self._refreshed_at = self._settled_at = float("-inf")

    async def _refresh(self) -> None:
        if time.monotonic() - self._refreshed_at < REFRESH:
            return
        active = {each.id: each for each in await self._subscriptions.active()}
        for id in self._lanes.keys() - active.keys():
            await self._drop(id)
        for id, subscription in active.items():
            lane = self._lanes.get(id)
            if lane and _is_same(lane.subscription, subscription):
                lane.subscription = subscription
                continue
            await self._drop(id)
            known = await self._subscriptions.unsettled(id)
            self._lanes[id] = Lane(subscription, self._policy, known)
        self._refreshed_at = time.monotonic()

    async def _drop(self, id: str) -> None:
        self._lanes.pop(id, None)
        self._unwritten.pop(id, None)
        await self._cancel([task for task, whose in self._tasks.items() if whose == id])

    async def _cancel(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _settle(self, epoch: int) -> None:
        """Write what has ended since the last time; it is kept until it has been written."""
        now = self._clock()
        finished, self._finished = self._finished, []
        for lane, event, outcome in finished:
            id = lane.subscription.id
            if self._lanes.get(id) is lane:
                self._unwritten[id].add(lane.settle(event, outcome, now))
        due = time.monotonic() - self._settled_at >= CURSORS
        moved = [id for id, lane in self._lanes.items() if due and lane.cursor() > lane.written]
        if not self._unwritten and not moved:
            return
        settlements = []
        for id in {*self._unwritten, *moved}:
            lane, settled = self._lanes[id], self._unwritten.get(id) or Settled()
            dead = [self._dead_letter(lane.subscription, *each) for each in settled.dead]
            settlements.append(lane.settlement(settled, dead))
        await self._subscriptions.settle(self.name, epoch, settlements)
        self._unwritten.clear()
        self._settled_at = time.monotonic()

    async def _scan(self) -> bool:
        """Read what is new, and more for one of those that are behind; whether any still is."""
        tail = await self._log.tail()
        groups: dict[int, list[Lane]] = defaultdict(list)
        for lane in self._lanes.values():
            if lane.scanned < tail and lane.has_room:
                groups[lane.scanned].append(lane)
        if not groups:
            return False
        newest, *older = sorted(groups, reverse=True)
        self._turn += 1
        for after in {newest, older[self._turn % len(older)] if older else newest}:
            events = await self._log.read(after, READ)
            up_to = max(tail, after) if len(events) < READ else events[-1].position
            if events:
                up_to = max(up_to, events[-1].position)
            for lane in groups[after]:
                lane.scan(events, up_to)
        return any(lane.scanned < tail and lane.has_room for lane in self._lanes.values())

    def _start(self) -> None:
        if not self.still_held():
            raise LeaseLost(self.name)
        now = self._clock()
        for id, lane in self._lanes.items():
            while (event := lane.next(now)) is not None:
                task = asyncio.create_task(self._deliver(lane, event))
                self._tasks[task] = id
                task.add_done_callback(self._tasks.pop)

    async def _deliver(self, lane: Lane, event: StoredEvent) -> None:
        to = lane.subscription
        try:
            outcome = await self._sender.send(to.url, to.secret, event.id, self._body(event))
        except Exception as bug:  # the lane must hear of it, or it would wait for ever
            log.exception("subscription %s: delivery %d", to.id, event.position)
            outcome = Outcome(f"{type(bug).__name__} in the dispatcher")
        crash_point("deliver")
        self._finished.append((lane, event, outcome))
        self._something.set()

    async def _pause(self, behind: bool) -> None:
        if behind:
            return
        try:
            async with asyncio.timeout(self._idle):
                await self._something.wait()
            await asyncio.sleep(COALESCE)
        except TimeoutError:
            pass
        self._something.clear()

    def _body(self, event: StoredEvent) -> bytes:
        body = self._bodies.get(event.position)
        if body is None:
            body = self._bodies[event.position] = encoded(event, self._source)
            if len(self._bodies) > BODIES:
                self._bodies.popitem(last=False)
        return body

    def _dead_letter(
        self, to: Subscription, event: StoredEvent, failing: Failing
    ) -> dict[str, object]:
        assert failing.failing_since
        return {
            "id": f"webhook/{to.id}/{to.round}/{event.position}",
            "kind": KIND,
            "source": to.id,
            "reason": "undeliverable",
            "detail": {
                "url": to.url,
                "event": event.id,
                "type": event.kind,
                "subject": event.subject,
                "position": event.position,
                "attempts": failing.attempts,
                "failing_since": failing.failing_since.isoformat(),
                "last_error": failing.last_error,
            },
            "body": b64encode(self._body(event)).decode(),
        }


def _is_same(known: Subscription, now: Subscription) -> bool:
    """Whether what was scanned for it is still what it wants."""

    def asked(of: Subscription) -> tuple[object, ...]:
        return of.round, sorted(of.kinds), of.subject_prefix

    return asked(known) == asked(now)

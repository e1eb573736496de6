"""One subscription's deliveries in memory: what comes next, what waits, what has been settled.

Nothing here knows the time or the network; the dispatcher does.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from adapters.notify.webhook import Outcome
from adapters.postgres.events import StoredEvent
from adapters.postgres.subscriptions import Failing, Settlement, Subscription, Unsettled

LONGEST_ERROR = 300
DOUBLINGS = 30
"""More of them would overflow, and are longer than any longest pause."""


@dataclass(frozen=True)
class Policy:
    """How deliveries are tried."""

    at_once: int = 8
    """Deliveries to one subscriber at the same time, never two of one subject."""
    first_pause: timedelta = timedelta(seconds=1)
    """Before the second try; doubled every time."""
    longest_pause: timedelta = timedelta(minutes=10)
    give_up_after: timedelta = timedelta(hours=24)
    """From the first failure of a delivery to its being a dead letter."""
    down_after: int = 8
    """Failures in a row from which on a subscriber gets one delivery at a time."""
    window: int = 1_000
    """Events that may wait in memory for one subscription."""

    def pause(self, attempts: int, asked: timedelta | None = None) -> timedelta:
        doubled = self.first_pause * int(2 ** min(max(0, attempts - 1), DOUBLINGS))
        return max(min(doubled, self.longest_pause), asked or timedelta(0))


@dataclass
class Lane:
    """The deliveries of one subscription, in order within each subject."""

    subscription: Subscription
    policy: Policy
    known: Sequence[Unsettled] = ()
    scanned: int = field(init=False)
    """The log has been read up to here."""
    written: int = field(init=False)
    """The cursor as it was written last."""
    health: Failing = field(init=False)

    def __post_init__(self) -> None:
        self.scanned = self.written = self.subscription.cursor
        self.health = Failing(
            self.subscription.attempts,
            self.subscription.failing_since,
            self.subscription.next_at,
            self.subscription.last_error,
        )
        self._done = {row.position for row in self.known if row.done}
        self._failing: dict[int, Failing] = {
            row.position: row for row in self.known if not row.done
        }
        self._pending: dict[int, StoredEvent] = {}
        self._subjects: dict[str, deque[int]] = {}
        self._ready: deque[str] = deque()
        self._waiting: list[tuple[datetime, str]] = []
        self.under_way = 0

    # -- what comes in -------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        return len(self._pending) < self.policy.window

    def scan(self, events: Sequence[StoredEvent], up_to: int) -> None:
        """Take in what it wants of these: all events behind `scanned`, up to `up_to`."""
        for event in events:
            if event.position in self._done or not self.subscription.wants(event):
                continue
            self._pending[event.position] = event
            queue = self._subjects.setdefault(event.subject, deque())
            queue.append(event.position)
            if len(queue) == 1:
                self._line_up(event.subject)
        self.scanned = up_to

    # -- what goes out -------------------------------------------------------------------------

    @property
    def is_down(self) -> bool:
        return self.health.attempts >= self.policy.down_after

    def next(self, now: datetime) -> StoredEvent | None:
        """The next delivery to start, if one may be; it is under way until `settle` is called."""
        limit = 1 if self.is_down else self.policy.at_once
        if self.under_way >= limit:
            return None
        if self.is_down and self.health.next_at and self.health.next_at > now:
            return None
        while self._waiting and self._waiting[0][0] <= now:
            self._ready.append(heapq.heappop(self._waiting)[1])
        if not self._ready:
            return None
        self.under_way += 1
        return self._pending[self._subjects[self._ready.popleft()][0]]

    def next_at(self) -> datetime | None:
        """When something that waits may be tried again, if nothing else happens."""
        return self._waiting[0][0] if self._waiting else None

    # -- what became of it ---------------------------------------------------------------------

    def settle(self, event: StoredEvent, outcome: Outcome, now: datetime) -> "Settled":
        """Note the outcome of a delivery that was under way."""
        self.under_way -= 1
        if not outcome.error:
            if self.is_down:
                self._wake_all(now)
            self.health = Failing()
            self._leave(event)
            return Settled(done=[event.position])
        error = outcome.error[:LONGEST_ERROR]
        self.health = self._failed(self.health, error, now, self.policy.down_after - 1)
        if not self.is_down:
            self.health = replace(self.health, next_at=None)
        before = self._failing.get(event.position, Failing())
        failing = self._failed(before, error, now, 0, outcome.retry_after)
        assert failing.failing_since
        if now - failing.failing_since >= self.policy.give_up_after:
            self._leave(event)
            return Settled(done=[event.position], dead=[(event, failing)])
        self._failing[event.position] = failing
        self._line_up(event.subject)
        return Settled(failing=[(event.position, failing)])

    def cursor(self) -> int:
        """Everything wanted up to here is settled."""
        return next(iter(self._pending)) - 1 if self._pending else self.scanned

    def settlement(self, settled: "Settled", dead: Sequence[dict[str, object]]) -> Settlement:
        """What is to be written now."""
        self.written = cursor = self.cursor()
        self._done = {position for position in self._done if position > cursor}
        return Settlement(
            id=self.subscription.id,
            round=self.subscription.round,
            cursor=cursor,
            health=self.health,
            done=[position for position in settled.done if position > cursor],
            failing=[row for row in settled.failing if row[0] > cursor],
            dead=dead,
        )

    def _failed(
        self,
        before: Failing,
        error: str,
        now: datetime,
        free: int,
        asked: timedelta | None = None,
    ) -> Failing:
        """One failure more; the pauses grow from the one after `free` failures."""
        attempts = before.attempts + 1
        return Failing(
            attempts,
            before.failing_since or now,
            now + self.policy.pause(attempts - free, asked),
            error,
        )

    def _line_up(self, subject: str) -> None:
        """The subject's first delivery may start: at once, or when its pause is over."""
        failing = self._failing.get(self._subjects[subject][0])
        if failing and failing.next_at:
            heapq.heappush(self._waiting, (failing.next_at, subject))
        else:
            self._ready.append(subject)

    def _leave(self, event: StoredEvent) -> None:
        """It is settled: the next one of its subject follows."""
        del self._pending[event.position]
        self._failing.pop(event.position, None)
        self._done.add(event.position)
        queue = self._subjects[event.subject]
        queue.popleft()
        if queue:
            self._line_up(event.subject)
        else:
            del self._subjects[event.subject]

    def _wake_all(self, now: datetime) -> None:
        """The subscriber is back: what waited because of it waits no longer."""
        for position, failing in self._failing.items():
            self._failing[position] = replace(failing, next_at=now)
        self._waiting = [(now, subject) for _, subject in self._waiting]


@dataclass
class Settled:
    """Outcomes that are to be written."""

    done: list[int] = field(default_factory=list)
    failing: list[tuple[int, Failing]] = field(default_factory=list)
    dead: list[tuple[StoredEvent, Failing]] = field(default_factory=list)

    def add(self, other: "Settled") -> None:
        self.done += other.done
        self.failing += other.failing
        self.dead += other.dead

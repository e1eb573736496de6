"""Deliveries in memory: whatever is answered when, nothing is lost or overtaken."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.notify.lane import Lane, Policy
from adapters.notify.webhook import Outcome
from adapters.postgres.events import StoredEvent
from adapters.postgres.subscriptions import Subscription, Unsettled

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = Policy(at_once=3, down_after=4, give_up_after=timedelta(minutes=5))


def lane(cursor: int = 0, known: list[Unsettled] | None = None) -> Lane:
    subscription = Subscription(
        *("s", "http://x/", "whsec_", [], "", "active"),
        cursor=cursor,
        round=1,
        attempts=0,
        failing_since=None,
        next_at=None,
        last_error="",
        created_at=NOW,
    )
    return Lane(subscription, POLICY, known or [])


def stored(position: int, subject: str) -> StoredEvent:
    return StoredEvent(f"{position}", "k", subject, NOW, position=position)


@given(
    subjects=st.lists(st.sampled_from("abcd"), min_size=1, max_size=30),
    outcomes=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["ok", "ok", "no"]))),
    restart_at=st.integers(0, 60),
)
def test_each_is_settled_once_in_order_within_its_subject(
    subjects: list[str], outcomes: list[tuple[int, str]], restart_at: int
) -> None:
    events = [stored(n, subject) for n, subject in enumerate(subjects, start=1)]
    at = NOW
    it = lane()
    it.scan(events, len(events))
    written: dict[int, Unsettled] = {}
    cursor = 0
    under_way: list[StoredEvent] = []
    settled: list[int] = []
    step = 0
    while cursor < len(events):
        step += 1
        assert step < 5_000
        if step == restart_at:
            # What was under way is lost; what was written is known.
            it = lane(cursor, [row for row in written.values() if row.position > cursor])
            it.scan(events[cursor:], len(events))
            under_way = []
        while (event := it.next(at)) is not None:
            assert event.subject not in {other.subject for other in under_way}
            under_way.append(event)
        assert len(under_way) <= POLICY.at_once
        if not under_way:
            at += timedelta(seconds=30)
            continue
        which, answer = outcomes.pop(0) if outcomes else (0, "ok")
        event = under_way.pop(which % len(under_way))
        result = it.settle(event, Outcome("no" if answer == "no" else ""), at)
        row = it.settlement(result, [])
        settled += result.done
        assert row.cursor >= cursor
        cursor = row.cursor
        for position in row.done:
            written[position] = Unsettled(position=position, done=True)
        for position, failing in row.failing:
            written[position] = Unsettled(**vars(failing), position=position)

    assert sorted(settled) == list(range(1, len(events) + 1))
    for subject in "abcd":
        of_subject = [at for at in settled if subjects[at - 1] == subject]
        assert of_subject == sorted(of_subject)


def test_pauses_double_up_to_the_longest_and_respect_what_was_asked_for() -> None:
    policy = Policy(first_pause=timedelta(seconds=1), longest_pause=timedelta(seconds=10))
    assert [policy.pause(n).total_seconds() for n in (1, 2, 3, 4, 5, 900)] == [1, 2, 4, 8, 10, 10]
    assert policy.pause(1, timedelta(minutes=3)) == timedelta(minutes=3)


def test_a_full_window_takes_nothing_more_in() -> None:
    it = lane()
    it.scan([stored(n, "a") for n in range(1, POLICY.window + 1)], POLICY.window)
    assert not it.has_room

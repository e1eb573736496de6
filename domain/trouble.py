"""When a system is in trouble: what an order does, what it is held for, where it ends.

One cell for every step at another company's system, every way in which what stands there changes,
and everything that may go wrong. docs/lifecycle.md shows them; tests/faults/test_matrix.py plays
all of them.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from domain.base import Fact
from domain.effect import Step
from domain.hold import clears_on
from domain.plan import AFTER, AFTER_SAME, BACK_AFTER, PARKED
from domain.status import Status


class Change(StrEnum):
    """How what stands at a system comes about, and what becomes of it. For another address it is
    `withdrawn`, then `made_anew`.
    """

    MADE = "made"
    AMENDED_UP = "amended_up"
    AMENDED_DOWN = "amended_down"
    TAKEN_BACK = "taken_back"
    WITHDRAWN = "withdrawn"
    MADE_ANEW = "made_anew"


class Trouble(StrEnum):
    """What befalls a call: no answer, a bad one, or one that is promised."""

    OUTAGE = "outage"
    TIME_OUT = "time_out"
    THROTTLE = "throttle"
    REFUSED = "refused"
    NOT_UNDERSTOOD = "not_understood"
    ANSWERED_LATER = "answered_later"
    REFUSED_LATER = "refused_later"
    ANSWERED_TOO_LATE = "answered_too_late"
    DONE_UNTOLD = "done_untold"
    LOST_UNTOLD = "lost_untold"


THEIRS = "the system's own reason"
"""Stands for the reason a system gives when it refuses."""


class Way(Fact):
    """Through a trouble, at every step. `asks`: what stands is asked for, because nobody knows.
    `hold` is the reason the order is held for, if it is; `clears` what ends that, or the waiting.
    """

    means: str
    does: str
    asks: bool = False
    hold: str = ""
    clears: str


_SILENCE = "waits for as long as an answer may take, then asks a person"
_ASKS = "; then it asks what stands, and repeats only what does not"

WAYS: Mapping[Trouble, Way] = {
    Trouble.OUTAGE: Way(
        means="no connection, no answer, a server error",
        does="calls again, ever less often, and asks what stands before it repeats anything",
        asks=True,
        clears="the system is back",
    ),
    Trouble.TIME_OUT: Way(
        means="it is done, and the answer got lost",
        does="asks what stands, and finds it done",
        asks=True,
        clears="the system can be asked",
    ),
    Trouble.THROTTLE: Way(
        means="too many requests",
        does="calls again when the system says, and asks what stands before it repeats anything",
        asks=True,
        clears="the system has time again",
    ),
    Trouble.REFUSED: Way(
        means="a definite no",
        does="asks a person (about transport, when every carrier has refused); then it asks for it"
        " again, under a new key if nothing stands",
        hold=THEIRS,
        clears=clears_on(THEIRS),
    ),
    Trouble.NOT_UNDERSTOOD: Way(
        means="an answer that its contract does not know, five times",
        does=f"asks a person{_ASKS}",
        asks=True,
        hold="unexpected_answer",
        clears=clears_on("unexpected_answer"),
    ),
    Trouble.ANSWERED_LATER: Way(
        means="an answer is promised, and comes in time: done",
        does="waits, and begins nothing that builds on it",
        clears="the answer",
    ),
    Trouble.REFUSED_LATER: Way(
        means="an answer is promised, and comes in time: no",
        does="waits, then does as for a refusal at once",
        hold=THEIRS,
        clears=clears_on(THEIRS),
    ),
    Trouble.ANSWERED_TOO_LATE: Way(
        means="the promised answer comes when its time is over: done",
        does=f"{_SILENCE}; the answer is taken all the same",
        hold="no_answer",
        clears="the answer",
    ),
    Trouble.DONE_UNTOLD: Way(
        means="the promised answer never comes, though it is done",
        does=f"{_SILENCE}{_ASKS}",
        asks=True,
        hold="no_answer",
        clears=clears_on("no_answer"),
    ),
    Trouble.LOST_UNTOLD: Way(
        means="the promised answer never comes, and nothing is done",
        does=f"{_SILENCE}{_ASKS}",
        asks=True,
        hold="no_answer",
        clears=clears_on("no_answer"),
    ),
}
"""What an order does about each. Taking something back, a refusal holds for another reason: see
`hold_reason`.
"""

OUTSIDE = tuple(step for step in Step if not step.ours)
"""The steps at another company's system."""

_MOVED = "it follows from goods that have moved, and they have"
_ADDRESSED = "what a warehouse was asked for keeps its address"
_LESS = frozenset({Change.AMENDED_DOWN, Change.TAKEN_BACK})
_ANEW = frozenset({Change.WITHDRAWN, Change.MADE_ANEW})

NEVER: Mapping[Step, Mapping[Change, str]] = {
    **{
        step: dict.fromkeys(set(Change) - {Change.MADE}, _MOVED)
        for step in OUTSIDE
        if step not in PARKED
    },
    Step.ESTIMATE: dict.fromkeys(_LESS, "of less, tax is a share of it; it binds nobody"),
    Step.AUTHORISE: dict.fromkeys(_ANEW, "a card's claim has no address"),
    Step.RELEASE: dict.fromkeys(_ANEW, _ADDRESSED),
    Step.BOOK: dict.fromkeys(_ANEW, _ADDRESSED),
}
"""What never befalls a step, and why."""


class Cell(Fact):
    """Some trouble with one change of what one step makes stand."""

    step: Step
    change: Change
    trouble: Trouble

    def __str__(self) -> str:
        return f"{self.step}-{self.change}-{self.trouble}"


class Course(Fact):
    """What becomes of an order that is otherwise in order, shipped and returned.

    It `waits` in that status until the trouble is over, or until it is held for the reason `hold`
    and has the status `held`; it `ends` like one that had no trouble.
    """

    waits: Status
    hold: str
    held: Status
    ends: Status


def possible(step: Step, change: Change) -> bool:
    return change not in NEVER.get(step, {})


def cells() -> list[Cell]:
    """All that can happen."""
    return [
        Cell(step=step, change=change, trouble=trouble)
        for step in OUTSIDE
        for change in Change
        if possible(step, change)
        for trouble in Trouble
    ]


def course(cell: Cell, theirs: str = THEIRS) -> Course:
    """The course of an order whose system, should it refuse, gives `theirs` as its reason."""
    back = cell.change is Change.TAKEN_BACK
    return Course(
        waits=waits_as(cell.step, cell.change),
        hold=hold_reason(cell.change, cell.trouble, theirs),
        held=Status.CANCELLED if back else Status.HELD,
        ends=Status.CANCELLED if back else Status.CLOSED,
    )


def hold_reason(change: Change, trouble: Trouble, theirs: str = THEIRS) -> str:
    """Empty where nobody is asked. What cannot be undone is not for whoever looks after refusals of
    that kind.
    """
    hold = WAYS[trouble].hold
    if hold != THEIRS:
        return hold
    undone = change in (Change.TAKEN_BACK, Change.WITHDRAWN)
    return "compensation_refused" if undone else theirs


def waits_as(step: Step, change: Change) -> Status:
    """Of an order that is amended or cancelled as soon as it is released, or that gets another
    address as soon as it is allocated.
    """
    match change:
        case Change.TAKEN_BACK:
            return Status.CANCELLED
        case Change.AMENDED_UP | Change.AMENDED_DOWN:
            return Status.RELEASED
        case Change.WITHDRAWN | Change.MADE_ANEW:
            return Status.ALLOCATED
        case Change.MADE:
            return next(status for last, status in _BUILT_UP if step.rank <= last.rank)


_BUILT_UP = (
    (Step.STOCK, Status.RECEIVED),
    (Step.RELEASE, Status.ALLOCATED),
    (Step.BOOK, Status.RELEASED),
    (Step.INVOICE, Status.SHIPPED),
    (Step.REFUND, Status.INVOICED),
)
"""How far an order is that waits for a step up to this one."""


def waiting_for(step: Step, change: Change) -> list[Step]:
    """The steps that are not begun, or not undone, before this one is over."""
    if change in _LESS:
        return [each for each in Step if step in BACK_AFTER.get(each, frozenset())]
    return [
        each
        for each in Step
        if step in AFTER.get(each, frozenset()) | AFTER_SAME.get(each, frozenset())
    ]


def keys_used(cell: Cell) -> int:
    """How many it has had in the end. A refusal ends one under which nothing stands; so does taking
    back.
    """
    refused = WAYS[cell.trouble].hold == THEIRS
    new = cell.change in (Change.MADE, Change.MADE_ANEW)
    undone = cell.change is Change.TAKEN_BACK or cell.change in _ANEW
    return 1 + (refused and new) + undone


# as rows of tables


def way_rows() -> Iterator[tuple[str, ...]]:
    for trouble, way in WAYS.items():
        held = f"`{way.hold}`" if way.hold else ""
        if way.hold == THEIRS:
            back = hold_reason(Change.TAKEN_BACK, trouble)
            held = f"{THEIRS}; `{back}` where it was to be undone"
        yield f"`{trouble}`", way.means, way.does, held, way.clears


def course_rows() -> Iterator[tuple[str, ...]]:
    for step in OUTSIDE:
        for change in Change:
            if possible(step, change):
                found = course(Cell(step=step, change=change, trouble=Trouble.REFUSED))
                yield (
                    f"`{step}`",
                    named(change),
                    ", ".join(waiting_for(step, change)),
                    f"`{found.waits}`",
                    f"`{found.held}`",
                    f"`{found.ends}`",
                )


def never_rows() -> Iterator[tuple[str, ...]]:
    for step in OUTSIDE:
        for reason in dict.fromkeys(NEVER.get(step, {}).values()):
            changes = (named(each) for each in Change if NEVER[step].get(each) == reason)
            yield f"`{step}`", ", ".join(changes), reason


def named(change: Change) -> str:
    return change.replace("_", " ")

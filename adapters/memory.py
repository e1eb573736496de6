"""A partner in memory: keeps the contract of `Standing`, a book of effects, and fails on demand.

No I/O, no clock: for tests and benchmarks in one process. What it forgets when the process ends,
the simulators (stack/simulators) keep.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, Literal, TypeVar

from adapters.port import Standing
from domain.answer import Answer, Done, Pending, Refused
from domain.base import Goal, tidy
from domain.documents import Document
from domain.errors import Unavailable, UnexpectedAnswer

D = TypeVar("D", bound=Document)

Fault = Literal["outage", "timeout_after_success", "throttle", "refuse", "malformed", "pending"]
THROTTLED_FOR = timedelta(seconds=1)


@dataclass(frozen=True)
class Effect:
    """Something that was done: `goal` is what stands under `key` since."""

    key: str
    operation: str
    goal: Goal
    attempt: int
    """The how many-th call under this key did it."""


@dataclass
class _Planned:
    fault: Fault
    times: int
    operation: str
    key: str


@dataclass
class Partner:
    """What all kinds of things at one system share: its book and its bad days.

    `book` is append-only. `lookups` counts `find`. What stands under a key in `fixed` can neither
    be changed nor taken back any more, like goods that are picked. `always_pending` makes it a
    system that answers every change later.
    """

    system: str
    always_pending: bool = False
    book: list[Effect] = field(default_factory=list)
    lookups: int = 0
    fixed: set[str] = field(default_factory=set)
    _planned: list[_Planned] = field(default_factory=list)
    _kinds: list["_Answerable"] = field(default_factory=list)

    def fail(self, fault: Fault, *, times: int = 1, operation: str = "*", key: str = "*") -> None:
        """The next so many calls go wrong; `operation` is a kind's name, `find`, or any.

        Only an outage, a throttle and nonsense can befall a look-up.
        """
        self._planned.append(_Planned(fault, times, operation, key))

    def recover(self) -> None:
        """Forget every planned failure."""
        self._planned.clear()

    def effects(self, key: str) -> list[Effect]:
        return [effect for effect in self.book if effect.key == key]

    def settle(self, key: str, *, refused: str = "") -> Answer:
        """The late answer to what was `Pending` under `key`, made so; `refused` is a reason.

        Raises `LookupError` when nothing is pending there.
        """
        for kind in self._kinds:
            if (answer := kind.settle(key, refused)) is not None:
                return answer
        raise LookupError(f"nothing is pending under {key}")

    def join(self, kind: "_Answerable") -> None:
        self._kinds.append(kind)

    def strike(self, operation: str, key: str, among: tuple[Fault, ...]) -> Fault | None:
        """The failure planned for this call, one of `among`; it is used up."""
        for planned in self._planned:
            fits = planned.operation in ("*", operation) and planned.key in ("*", key)
            if fits and planned.times > 0 and planned.fault in among:
                planned.times -= 1
                return planned.fault
        return None

    def suffer(self, operation: str, key: str) -> None:
        """Raise what befalls every kind of call alike."""
        match self.strike(operation, key, ("outage", "throttle", "malformed")):
            case "outage":
                raise Unavailable(f"{self.system} is away")
            case "throttle":
                raise Unavailable(f"{self.system} is asked too much", retry_after=THROTTLED_FOR)
            case "malformed":
                raise UnexpectedAnswer(f"{self.system} says something odd")


class _Answerable:
    """The part of a kind that a late answer needs."""

    def settle(self, key: str, refused: str) -> Answer | None:
        raise NotImplementedError


@dataclass(frozen=True)
class Rules:
    """How one kind of thing behaves at its system.

    `prefix` begins the system's own numbers. `refused` is the hold reason of a refusal, `kept` that
    of a refused undo (by default the same). `takes_back` and `amends` say whether what stands can
    be undone or changed; `booked`, whether it leaves a trace in the system's book.
    """

    operation: str
    prefix: str
    refused: str
    kept: str = ""
    takes_back: bool = True
    amends: bool = True
    booked: bool = True


class MemoryStanding(_Answerable, Standing[D], Generic[D]):
    """One kind of thing at a partner."""

    def __init__(self, partner: Partner, rules: Rules) -> None:
        self._partner = partner
        self._rules = rules
        self._done: dict[str, Done] = {}
        self._asked: dict[str, int] = {}
        self._waiting: dict[str, D] = {}
        partner.join(self)

    @property
    def stands(self) -> Mapping[str, Done]:
        return self._done

    async def make_stand(self, key: str, document: D) -> Answer:
        partner, rules = self._partner, self._rules
        self._asked[key] = self._asked.get(key, 0) + 1
        partner.suffer(rules.operation, key)
        goal, stands = tidy(document.goal), self._standing(key)
        if key in self._waiting and tidy(self._waiting[key].goal) == goal:
            return Pending()
        self._waiting.pop(key, None)  # another goal withdraws what was only asked for
        fault = partner.strike(rules.operation, key, ("timeout_after_success", "refuse", "pending"))
        if stands == goal:
            return self._done.get(key, Done(standing={}))
        possible = self._possible(key, stands, goal)
        if fault == "refuse" or not possible:
            reason = rules.refused if goal and possible else rules.kept or rules.refused
            return Refused(reason=reason, detail=f"{partner.system} says no", standing=stands)
        if fault == "pending" or partner.always_pending:
            self._waiting[key] = document
            return Pending()
        done = self._do(key, document)
        if fault == "timeout_after_success":
            raise Unavailable(f"{partner.system} did not answer in time")
        return done

    async def find(self, key: str) -> Done | None:
        self._partner.lookups += 1
        self._partner.suffer("find", key)
        return self._done.get(key)

    def settle(self, key: str, refused: str) -> Answer | None:
        document = self._waiting.pop(key, None)
        if document is None:
            return None
        if refused:
            return Refused(reason=refused, standing=self._standing(key))
        return self._do(key, document)

    def let_go(self, key: str, goal: Goal) -> None:
        """Of its own accord it keeps only this, like a warehouse that does not find the rest."""
        before = self._done[key]
        self._done[key] = before.model_copy(update={"standing": tidy(goal)})
        self._partner.book.append(Effect(key, self._rules.operation, tidy(goal), self._asked[key]))

    def _standing(self, key: str) -> Goal:
        done = self._done.get(key)
        return done.standing if done else {}

    def _possible(self, key: str, stands: Goal, goal: Goal) -> bool:
        if not stands:
            return True
        if key in self._partner.fixed:
            return False
        return self._rules.amends if goal else self._rules.takes_back

    def _do(self, key: str, document: D) -> Done:
        before, goal = self._done.get(key), tidy(document.goal)
        same_thing = before and before.standing
        number = f"{self._rules.prefix}{len(self._partner.book) + 1:06d}"
        ref = before.ref if before and (same_thing or not goal) else number
        amounts = self._amounts(document) if goal else {}
        self._done[key] = done = Done(standing=goal, ref=ref, amounts=amounts)
        if self._rules.booked:
            self._partner.book.append(Effect(key, self._rules.operation, goal, self._asked[key]))
        return done

    def _amounts(self, document: D) -> Goal:
        """What the system works out, by line."""
        return {}

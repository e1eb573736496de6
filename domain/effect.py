"""Effects: standing claims on systems. What we last asked for, and what each last confirmed."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel

from domain.base import ZERO, Fact, Goal


class Step(StrEnum):
    """What an order makes stand around it, in the order in which it is built up."""

    CAPTURE = "capture"
    ESTIMATE = "estimate"
    CREDIT = "credit"
    AUTHORISE = "authorise"
    STOCK = "stock"
    ERP = "erp"
    RELEASE = "release"
    BOOK = "book"
    CONFIRM = "confirm"
    TAX = "tax"
    INVOICE = "invoice"
    COLLECT = "collect"
    RETURN_TAX = "return_tax"
    CREDIT_NOTE = "credit_note"
    REFUND = "refund"

    @property
    def rank(self) -> int:
        return _RANK[self]

    @property
    def ours(self) -> bool:
        """Whether our own books keep it; then repeating a statement of it is harmless."""
        return self in (Step.CAPTURE, Step.CREDIT, Step.STOCK)

    @property
    def kept(self) -> bool:
        """Whether a book keeps it, ours or another's; an estimate is only an answer."""
        return self is not Step.ESTIMATE


_RANK = {step: rank for rank, step in enumerate(Step)}


class EffectState(StrEnum):
    """`sent`: a call is under way. `pending`: an answer will come. `unknown`: to be asked for.

    `unclear`: nobody understands what the system answers, and a person has been asked.
    """

    SENT = "sent"
    PENDING = "pending"
    UNKNOWN = "unknown"
    UNCLEAR = "unclear"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


_SETTLED = (EffectState.CONFIRMED, EffectState.REFUSED)


class Effect(BaseModel):
    """One standing claim on one system.

    `generation` names the key it stands under; it grows after a definite refusal of something of
    which nothing stands, and after an undo. `version` counts what was confirmed. `amounts` is what
    the system worked out by line, in the order's currency. `answers` counts how its calls ended:
    it names each answer. `since` is when it got into its state.
    `possible` is what earlier calls, whose outcome is unknown as well, may have made stand.
    `refused_by` are the systems that refused it, when others can be asked. `under` is the effect
    that it draws on. `stale`: it was asked for with what has changed since, so it is taken back and
    made anew. `skipped`: why nobody asks for it any more. `doubted`: it stands, and is to be asked
    for again as if it did not; `checked_at` is when it last was asked for like that.
    `overtaken`: under this key another call may still be answered, so that a late answer does not
    say which one it is about. `answered`: a late answer came before its call said `Pending`.
    """

    step: Step
    subject: str = ""
    system: str = ""
    generation: int = 1
    version: int = 0
    state: EffectState = EffectState.CONFIRMED
    asked: Goal = {}
    standing: Goal = {}
    possible: Goal = {}
    amounts: Goal = {}
    ref: str = ""
    answers: int = 0
    since: datetime | None = None
    refused_by: tuple[str, ...] = ()
    under: str = ""
    stale: bool = False
    skipped: str = ""
    doubted: bool = False
    checked_at: datetime | None = None
    overtaken: bool = False
    answered: bool = False

    @property
    def name(self) -> str:
        return effect_name(self.step, self.subject)

    def end_generation(self) -> None:
        """What is wanted next of it stands under another key."""
        self.generation += 1
        self.overtaken = False

    @property
    def last_answer(self) -> str:
        """The fact that decisions about it follow from."""
        return f"{self.name}/answers/{self.answers}"

    @property
    def uncertain(self) -> bool:
        return self.state not in _SETTLED

    @property
    def at_most(self) -> Goal:
        """What may stand there, for all we know."""
        if not self.uncertain:
            return self.standing
        most: Goal = {}
        for goal in (self.standing, self.asked, self.possible):
            for name, quantity in goal.items():
                most[name] = max(most.get(name, ZERO), quantity)
        return most


class Action(Fact):
    """Make `goal` stand at a system. `ask` first when an earlier call's outcome is unknown."""

    effect: str
    key: str
    step: Step
    subject: str
    system: str
    goal: Goal
    ask: bool


def effect_name(step: Step, subject: str = "") -> str:
    return f"{step}/{subject}"


def effect_key(order_id: str, effect: Effect) -> str:
    """The name under which a system knows the effect: the same in every attempt and every run."""
    return f"{order_id}/{effect.step}/{effect.subject}/{effect.generation}"

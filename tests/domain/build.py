"""Orders in the states that example tests start from."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.answer import Answer, Captured, Done
from domain.base import Goal
from domain.effect import Step
from domain.hearing import hear
from domain.hold import Problem
from domain.message import Message, Milestone, MilestoneKind, MilestoneLine, Placed
from domain.order import Order
from domain.patience import Patience
from domain.plan import plan
from domain.settling import intend, settle
from domain.terms import LineTerms, Part
from tests.domain.ledger import LINE_TERMS
from tests.domain.world import NOW, order_in, terms_of

PLENTY = {"EAST": {"BOLT": Decimal(100), "NUT": Decimal(100), "BOX": Decimal(1200)}}
TWO_LINES = {"1": 5, "2": 3}


def goal(**quantities: int | str) -> Goal:
    """`goal(_1=5)` is five of line 1."""
    return {name.lstrip("_"): Decimal(quantity) for name, quantity in quantities.items()}


def placed(
    quantities: dict[str, int] | None = None,
    *,
    method: str = "account",
    fulfilment: str = "partial",
    freight: str = "9.50",
    paid: str | None = None,
    patience: Patience | None = None,
    **header: Any,
) -> Order:
    """An order that has heard what its channel said, and no more."""
    order = Order(id="o")
    wanted = order_in(quantities or TWO_LINES, method=method, fulfilment=fulfilment)
    wanted = wanted.model_copy(update={"freight": Decimal(freight), **header})
    if paid is not None:
        payment = wanted.payment.model_copy(update={"paid": Decimal(paid)})
        wanted = wanted.model_copy(update={"payment": payment})
    tell(order, Placed(id="m", order=wanted, patience=patience or Patience()))
    return order


def captured(
    order: Order,
    *,
    offers: dict[str, Goal] | None = None,
    problems: tuple[Problem, ...] = (),
    lines: dict[str, LineTerms] | None = None,
    kits: dict[str, tuple[Part, ...]] | None = None,
    asked: dict[str, LineTerms] | None = None,
    estimated: bool = True,
) -> Order:
    """Capture it, by default with plenty of everything at EAST, and estimate no tax."""
    known = {line.line: LINE_TERMS[line.line] for line in order.lines}
    answer = Captured(
        standing={line.line: line.ordered for line in order.lines},
        terms=terms_of(lines or known),
        offers=PLENTY if offers is None else offers,
        problems=problems,
        asked=asked or {},
        kits=kits or {},
    )
    ask(order, "capture/", answer)
    if estimated and any(action.step is Step.ESTIMATE for action in plan(order)):
        ask(order, "estimate/")
    return order


def ask(order: Order, effect: str, answer: Answer | None = None) -> None:
    """Make the call that the plan has for an effect; by default it is done as asked."""
    action = next(action for action in plan(order) if action.effect == effect)
    intend(order, action, NOW)
    settle(order, effect, answer or Done(standing=action.goal, ref="R1"), NOW)


def going_on(order: Order, upto: Step = Step.REFUND) -> Order:
    """Everything the plan asks for is done, for as long as it asks."""
    while actions := plan(order, upto):
        for action in actions:
            ask(order, action.effect)
    return order


def tell(order: Order, message: Message, *, at: datetime = NOW) -> str:
    """Hand the next message over; what became of it: `done`, or the reason of its refusal."""
    assert hear(order, message.model_copy(update={"n": order.heard + 1}), at)
    outcome = order.outcomes[-1]
    return outcome.reason or outcome.status


def say(
    order: Order,
    kind: MilestoneKind,
    lines: Goal | None = None,
    *,
    source: str = "EAST",
    final: bool = False,
    shipment_id: str | None = None,
    document: str | None = None,
    at: datetime = NOW,
) -> None:
    """A milestone, told by a warehouse."""
    milestone = Milestone(
        id=f"{kind}-{order.heard}",
        milestone=kind,
        source=source,
        occurred_at=at,
        final=final,
        shipment_id=shipment_id,
        document=document,
        lines=tuple(MilestoneLine(line=x, quantity=q) for x, q in (lines or {}).items()),
    )
    tell(order, milestone)


def reasons(order: Order) -> list[str]:
    """Why it is held."""
    return [hold.reason for hold in order.open_holds]


def news(order: Order) -> list[str]:
    """The kinds of all events so far."""
    return [event.kind for event in order.news]

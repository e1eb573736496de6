"""What an order sees for itself whenever it looks up: what is due, and what is over."""

from datetime import datetime

from domain.amending import look_anew
from domain.amounts import amount_due
from domain.deadlines import expire
from domain.effect import Step
from domain.hearing import release_early
from domain.hold import PAYMENT_DIFFERENCE, Hold, Problem
from domain.order import Order
from domain.plan import grows, unmet

_NEVER_MOOT = frozenset({
    PAYMENT_DIFFERENCE, "lost_parcel", "delivery_exception", "return_expired", "overshipped",
    "overreturned",
})  # fmt: skip
"""What is about goods or money that moved matters however little of the order is left."""


def look_up(order: Order, now: datetime) -> None:
    release_early(order, now)
    expire(order, now)
    _doubt_credit(order, now)
    _compare_payment(order, now)
    for hold in moot_holds(order):
        order.end_hold(hold, now, by="throughline")
    if order.let_go and not any(hold.scope == "order" for hold in order.open_holds):
        order.let_go = False
        look_anew(order)


def _doubt_credit(order: Order, now: datetime) -> None:
    """What is released long after its credit was taken is checked against today's limit."""
    for claim in order.effects_of(Step.CREDIT):
        old = claim.checked_at and claim.checked_at + order.patience.credit <= now
        if old and claim.standing.get("open") and not (claim.doubted or claim.uncertain):
            claim.doubted = any(
                target.step is Step.RELEASE and grows(order.effects.get(name), target.goal)
                for name, target in unmet(order).items()
            )


def _compare_payment(order: Order, now: datetime) -> None:
    """A prepaid order that is over: what came in is what was invoiced, or somebody sees to it."""
    difference = amount_due(order)
    held = [hold for hold in order.open_holds if hold.reason == PAYMENT_DIFFERENCE]
    if not difference:
        for hold in held:
            order.end_hold(hold, now, by="throughline")
    elif not held and order.all_shipped and order.all_inspected and not unmet(order):
        owed = "to come in" if difference > 0 else "to be given back"
        problem = Problem(reason=PAYMENT_DIFFERENCE, detail=f"{abs(difference):f} {owed}")
        order.place_hold(problem, f"payment/{order.heard}/{difference:f}", now)


def moot_holds(order: Order) -> list[Hold]:
    """The holds that nothing waits for any more.

    A refusal nobody asks about holds nothing, and an order (or a line) of which nothing is left is
    not to be looked at before it goes on.
    """
    if not order.open_holds:
        return []
    missing = unmet(order)
    return [
        hold
        for hold in order.open_holds
        if (
            hold.effect not in missing
            if hold.effect
            else hold.reason not in _NEVER_MOOT and _nothing_left(order, hold.scope)
        )
    ]


def _nothing_left(order: Order, scope: str) -> bool:
    """Of the line that a hold is about, or else of the order."""
    lines = [x for x in order.lines if scope in (f"line/{x.line}", f"line/{x.kit}")] or order.lines
    return bool(lines) and not any(line.agreed for line in lines)

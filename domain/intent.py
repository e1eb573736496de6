"""What a cancellation would do, before anybody asks for it: played on a copy of the order."""

from datetime import datetime
from decimal import Decimal

from domain.amounts import invoiced_total, open_value, order_value
from domain.base import ZERO, Fact, Goal, tidy
from domain.effect import Step
from domain.hearing import hear
from domain.message import CancelRequested
from domain.order import Order
from domain.plan import targets


class Cost(Fact):
    """In the order's currency. `cancelled_value`: of what is cancelled, net of tax, with the
    freight if nothing is left to be billed. `stays_value`: what has shipped, invoiced with its tax
    and freight, or net as long as it is not. `credit_given_back` and `authorisation_released`: of
    what the order claims now, of its customer's credit and of the card, what it would not then.
    """

    cancelled_value: Decimal
    stays_value: Decimal
    credit_given_back: Decimal
    authorisation_released: Decimal


class LineLeft(Fact):
    """In the line's own unit."""

    line: str
    cancelled: Decimal
    stays: Decimal


class Recall(Fact):
    """So much of each line a warehouse was asked for, and must let go of; it may refuse."""

    source: str
    system: str
    lines: Goal


class Cancelling(Fact):
    """`refused`: why the order would not do it. `cost` is there once the order has prices."""

    refused: str = ""
    cost: Cost | None = None
    lines: tuple[LineLeft, ...] = ()
    recalls: tuple[Recall, ...] = ()


def cancelling(order: Order, now: datetime) -> tuple[Order, Cancelling]:
    """The order as it would be, had all that has not left been cancelled now, and what changed."""
    after = order.model_copy(deep=True)
    after.outcomes.clear()
    hear(after, CancelRequested(id="intent", n=after.heard + 1), now)
    outcome = after.outcomes.pop()
    return after, Cancelling(
        refused=outcome.reason if outcome.status == "refused" else "",
        cost=_cost(order, after),
        lines=tuple(
            LineLeft(line=was.line, cancelled=line.cancelled - was.cancelled, stays=line.agreed)
            for was, line in zip(order.lines, after.lines, strict=True)
        ),
        recalls=_recalls(after),
    )


def _cost(before: Order, after: Order) -> Cost | None:
    if order_value(before) is None:
        return None
    return Cost(
        cancelled_value=open_value(before) - open_value(after),
        stays_value=invoiced_total(after) + open_value(after),
        credit_given_back=_given_up(after, Step.CREDIT),
        authorisation_released=_given_up(after, Step.AUTHORISE),
    )


def _given_up(after: Order, step: Step) -> Decimal:
    """What may stand of a step's claims now, less what would be wanted of them."""
    wanted = (target.goal for target in targets(after).values() if target.step is step)
    stands = sum((sum(x.at_most.values(), ZERO) for x in after.effects_of(step)), ZERO)
    return max(stands - sum((sum(goal.values(), ZERO) for goal in wanted), ZERO), ZERO)


def _recalls(after: Order) -> tuple[Recall, ...]:
    found = []
    for target in targets(after).values():
        if target.step is Step.RELEASE:
            may = after.at_most(Step.RELEASE, target.subject)
            less = {line: max(q - target.goal.get(line, ZERO), ZERO) for line, q in may.items()}
            if lines := tidy(less):
                found.append(Recall(source=target.subject, system=target.system, lines=lines))
    return tuple(found)

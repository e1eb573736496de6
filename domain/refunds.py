"""Money given back to a card: each refund draws on one payment, and on no more than is left of it.

What no payment alone can bear is given back in several refunds.
"""

import itertools
from collections.abc import Iterator
from decimal import Decimal

from domain.amounts import invoiced_total, refund_total
from domain.base import ZERO, Fact
from domain.effect import Step
from domain.order import Order
from domain.order_parts import Return


class Refund(Fact):
    """So much of what the effect `under` collected."""

    amount: Decimal
    under: str


def refunds(order: Order) -> dict[str, Refund]:
    """Of every credit note that stands, by subject: that of its return, the next ones counted."""
    left = {each.name: _amount(order, each.name) for each in order.effects_of(Step.COLLECT)}
    all_collected = sum(left.values(), ZERO) >= invoiced_total(order)
    for made in order.effects_of(Step.REFUND):
        if made.under in left:
            left[made.under] -= made.at_most.get("amount", ZERO)
    found: dict[str, Refund] = {}
    for back in order.returns:
        rest = refund_total(order, back) if order.standing(Step.CREDIT_NOTE, back.id) else ZERO
        for subject in _subjects(order, back):
            if rest <= 0:
                break
            effect = order.effect(Step.REFUND, subject)
            if effect and (amount := effect.at_most.get("amount", ZERO)):
                found[subject] = Refund(amount=amount, under=effect.under)
            else:
                under = _best(left, rest)
                if not all_collected and left.get(under, ZERO) < rest:
                    break  # what is being collected may bear it
                amount = min(rest, left.get(under, ZERO))
                amount = amount if amount > 0 else rest
                found[subject] = Refund(amount=amount, under=under)
                left[under] = left.get(under, ZERO) - amount
            rest -= amount
    return found


def _amount(order: Order, effect: str) -> Decimal:
    return order.effects[effect].standing.get("amount", ZERO)


def _best(left: dict[str, Decimal], rest: Decimal) -> str:
    """The first payment that can bear it all, or the one that can bear most."""
    enough = (name for name, amount in left.items() if amount >= rest)
    return next(enough, max(left, key=lambda name: left[name], default=""))


def _subjects(order: Order, back: Return) -> Iterator[str]:
    yield back.id
    taken = {each.id for each in order.returns}
    numbered = (f"{back.id}+{n}" for n in itertools.count(2))
    yield from (subject for subject in numbered if subject not in taken)

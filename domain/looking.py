"""What an order sees for itself whenever it looks up: what is due, and what is over."""

from datetime import datetime

from domain.amending import look_anew
from domain.amounts import amount_due
from domain.deadlines import expire
from domain.hearing import release_early
from domain.hold import PAYMENT_DIFFERENCE, Problem
from domain.order import Order
from domain.plan import moot_holds, unmet


def look_up(order: Order, now: datetime) -> None:
    release_early(order, now)
    expire(order, now)
    _compare_payment(order, now)
    for hold in moot_holds(order):
        order.end_hold(hold, now, by="throughline")
    if order.let_go and not any(hold.scope == "order" for hold in order.open_holds):
        order.let_go = False
        look_anew(order)


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

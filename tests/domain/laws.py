"""What must be so at every moment of any order's life, and what when it is over."""

from datetime import datetime
from decimal import Decimal

from domain.amounts import (
    amount_due,
    credit_note,
    credited_amount,
    credited_total,
    invoice,
    invoiced_total,
    line_amount,
    taken_under,
)
from domain.base import ZERO, Fact
from domain.deadlines import deadlines
from domain.effect import Step, effect_name
from domain.order import Order
from domain.plan import targets
from domain.status import quantities

ROUNDINGS = Decimal("0.10")
"""Tax is rounded for each shipment and each return by itself, by its engine."""


def check_lines(order: Order) -> None:
    for line in order.lines:
        agreed = max(line.ordered - line.cancelled, line.total_shipped)
        assert ZERO <= line.cancelled <= line.ordered
        assert line.agreed == agreed
        assert sum(line.sources.values(), ZERO) + line.backordered == agreed
        assert all(line.sources[loc] >= gone for loc, gone in line.shipped.items())
        here = [s.lines.get(line.line, ZERO) for s in order.shipments]
        assert line.total_shipped == sum(here, ZERO)
        assert line.delivered <= line.total_shipped
        counted = quantities(order, line)
        assert counted.invoiced <= counted.shipped <= counted.packed <= counted.picked
        assert counted.backordered + counted.shipped <= agreed
        came = [back.received.get(line.line, ZERO) for back in order.returns]
        goods = [back for back in order.returns if back.kind == "goods"]
        seen = [back.inspected.get(line.line, ZERO) for back in goods]
        assert line.returned == sum(came, ZERO) >= sum(seen, ZERO)
    stock, wanted = order.effect(Step.STOCK), targets(order)
    if stock and not stock.uncertain:
        most = wanted[stock.name].goal
        assert all(q <= most.get(name, ZERO) for name, q in stock.standing.items())


def check_holds(order: Order) -> None:
    ids = [hold.id for hold in order.holds]
    assert len(set(ids)) == len(ids), "two holds of one id"


def check_credits(order: Order) -> None:
    """Never more given back than was taken: neither goods nor money."""
    for line in order.known_lines:
        whole = (x.credited.get(line.line, ZERO) for x in order.returns if not x.per_unit)
        assert sum(whole, ZERO) <= line.total_shipped
        cost = (
            line_amount(order, line.line, s.lines.get(line.line, ZERO)) for s in order.shipments
        )
        given = (credited_amount(order, back, line.line) for back in order.returns)
        assert sum(given, ZERO) <= sum(cost, ZERO), f"line {line.line} is given back in excess"


def check_claims(order: Order) -> None:
    """What is taken from a card is covered by the claim it is taken under; what is given back, by
    the payment it is given back of.
    """
    for claim in order.effects_of(Step.AUTHORISE):
        taken = [
            each.standing.get("amount", ZERO)
            for each in order.effects_of(Step.COLLECT)
            if each.under == claim.name
        ]
        assert sum(taken, ZERO) <= claim.at_most.get("amount", ZERO), claim.name
    for payment in order.effects_of(Step.COLLECT):
        given_back = [
            each.at_most.get("amount", ZERO)
            for each in order.effects_of(Step.REFUND)
            if each.under == payment.name
        ]
        most = payment.standing.get("amount", ZERO) + ROUNDINGS
        assert sum(given_back, ZERO) <= most, payment.name


def posted(order: Order) -> dict[str, Fact]:
    """All bills that stand, by what they are about."""
    bills: dict[str, Fact] = {}
    for shipment in order.shipments:
        if order.standing(Step.INVOICE, shipment.id):
            bills[f"invoice {shipment.id}"] = invoice(order, shipment)
    for back in order.returns:
        if order.standing(Step.CREDIT_NOTE, back.id):
            bills[f"credit {back.id}"] = credit_note(order, back)
    return bills


def check_money(order: Order) -> None:
    """Of an order that is over: what was invoiced and not credited is owed, or was paid."""
    assert order.header
    if order.terms is None:
        return
    owed = invoiced_total(order) - credited_total(order)
    assert owed >= -ROUNDINGS
    match order.header.payment.method:
        case "account":
            books = order.standing(Step.CREDIT, order.terms.account)
            rest = owed - order.paid
            assert books == ({"invoiced": rest} if rest > 0 else {})
        case "card":
            taken = sum(
                (e.standing.get("amount", ZERO) for e in order.effects_of(Step.COLLECT)), ZERO
            )
            back = sum(
                (e.standing.get("amount", ZERO) for e in order.effects_of(Step.REFUND)), ZERO
            )
            assert taken - back == owed
            for claim in order.effects_of(Step.AUTHORISE):
                under = taken_under(order, effect_name(Step.AUTHORISE, claim.subject))
                assert claim.standing.get("amount", ZERO) == under
        case "prepaid" if order.header.payment.paid is not None:
            assert amount_due(order) == ZERO
            assert order.paid == owed


def check_deadlines(order: Order, now: datetime) -> None:
    """What was due has been looked at."""
    late = {name: at for name, at in deadlines(order).items() if at <= now}
    assert not late, late

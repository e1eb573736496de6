"""The tax of what is credited: by where and when its goods were sold, and in all never more of a
line than was charged.
"""

from decimal import Decimal

from domain.amounts import credited_amount, line_amount, order_currency
from domain.base import ZERO
from domain.effect import Step
from domain.money import minor_unit, round_money
from domain.order import Order
from domain.order_parts import Return, Shipment


def sale_of(order: Order, back: Return, line: str) -> Shipment | None:
    """The shipment a line is given back of: the one that was named, or else the first of which not
    all is given back before.
    """
    sales = [each for each in order.shipments if each.lines.get(line)]
    before = ZERO
    for each in order.returns:
        if each.id == back.id:
            break
        before += ZERO if each.per_unit else each.credited.get(line, ZERO)
    for sale in sales:
        before -= sale.lines[line]
        if sale.id == back.shipment or (before < 0 and not _named(sales, back)):
            return sale
    return sales[-1] if sales else None


def tax_to_give_back(order: Order, back: Return, line: str) -> Decimal | None:
    """What the tax engine is told to give back, positive: all that is left with the last of a line,
    and what is left at most.

    `None` where it may work that out by itself: the same rate of less goods cannot come to more.
    """
    known = [each for each in order.shipments if order.standing(Step.TAX, each.id)]
    billed = sum((line_amount(order, line, s.lines.get(line, ZERO)) for s in known), ZERO)
    left = sum((_charged(order, each, line) for each in known), ZERO)
    for other in order.returns:
        if other.id != back.id and order.effect(Step.RETURN_TAX, other.id):
            billed -= credited_amount(order, other, line)
            left -= _given(order, other, line)
    amount, unit = credited_amount(order, back, line), minor_unit(order_currency(order))
    if amount > billed:
        return None  # of what is not taxed yet
    left = max(left, ZERO)
    if amount == billed:
        return left
    share, whole = _share(order, back, line)
    if whole and share + unit <= left:
        return None
    return min(round_money(share, order_currency(order)), left)


def _named(sales: list[Shipment], back: Return) -> bool:
    return any(sale.id == back.shipment for sale in sales)


def _charged(order: Order, sale: Shipment, line: str) -> Decimal:
    tax = order.effect(Step.TAX, sale.id)
    return tax.amounts.get(line, ZERO) if tax else ZERO


def _given(order: Order, back: Return, line: str) -> Decimal:
    """As the engine said; as it will say, if it is being asked."""
    effect = order.effect(Step.RETURN_TAX, back.id)
    if effect and effect.standing:
        return -effect.amounts.get(line, ZERO)
    return round_money(_share(order, back, line)[0], order_currency(order))


def _share(order: Order, back: Return, line: str) -> tuple[Decimal, bool]:
    """At the rate of its sale, not rounded; and whether that sale bears all of it."""
    sale = sale_of(order, back, line)
    cost = line_amount(order, line, sale.lines[line]) if sale else ZERO
    if sale is None or not cost:
        return ZERO, True
    amount = credited_amount(order, back, line)
    return _charged(order, sale, line) * amount / cost, amount <= cost

"""What an order is worth: amounts by line, invoices, credit notes, claims on credit and cards.

Amounts are in the order's currency, rounded half up per line at its minor unit; tax as the engine
returned it. Freight is billed with the first shipment.
"""

from decimal import Decimal

from domain.base import ZERO, Fact, Goal, added
from domain.effect import Step
from domain.money import round_money
from domain.order import Order, Return, Shipment


class BillLine(Fact):
    line: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    tax: Decimal


class Bill(Fact):
    """What one shipment costs, or one return gives back. All amounts positive."""

    lines: tuple[BillLine, ...]
    subtotal: Decimal
    freight: Decimal
    tax: Decimal
    total: Decimal


def currency(order: Order) -> str:
    assert order.header is not None
    return order.header.currency


def line_amount(order: Order, line: str, quantity: Decimal) -> Decimal:
    """Net of tax. The price is per price unit, the quantity in the line's own unit."""
    terms = order.line_terms(line)
    value = terms.price * quantity * terms.stock_factor / terms.price_stock_factor
    return round_money(value, currency(order))


def invoice(order: Order, shipment: Shipment) -> Bill:
    first = bool(order.shipments) and order.shipments[0].id == shipment.id
    freight = (order.header.freight if order.header and first else None) or ZERO
    return _bill(order, shipment.lines, _taxes(order, Step.TAX, shipment.id), freight)


def credit_note(order: Order, back: Return) -> Bill:
    taxes = _taxes(order, Step.RETURN_TAX, back.id)  # negative, as the tax engine files them
    return _bill(order, back.credited, {line: -tax for line, tax in taxes.items()}, ZERO)


def invoice_total(order: Order, shipment: Shipment) -> Decimal:
    return invoice(order, shipment).total


def refund_total(order: Order, back: Return) -> Decimal:
    return credit_note(order, back).total


def invoiced_quantities(order: Order) -> Goal:
    return added(*(effect.standing for effect in order.effects_of(Step.INVOICE)))


def invoiced_total(order: Order) -> Decimal:
    """Of the invoices that stand, tax and freight included."""
    standing = [s for s in order.shipments if order.standing(Step.INVOICE, s.id)]
    return sum((invoice_total(order, shipment) for shipment in standing), ZERO)


def credited_total(order: Order) -> Decimal:
    standing = [back for back in order.returns if order.standing(Step.CREDIT_NOTE, back.id)]
    return sum((refund_total(order, back) for back in standing), ZERO)


def open_value(order: Order) -> Decimal:
    """What is agreed and not invoiced yet, net of tax, freight included."""
    done = invoiced_quantities(order)
    value = sum(
        (line_amount(order, x.line, x.agreed - done.get(x.line, ZERO)) for x in order.lines), ZERO
    )
    agreed = any(x.agreed for x in order.lines)
    freight = (order.header.freight if order.header and agreed and not done else None) or ZERO
    return value + freight


def order_value(order: Order) -> Decimal | None:
    """What is agreed in all, tax as far as it is known; `None` while a line has no price."""
    if order.terms is None or any(x.line not in order.terms.lines for x in order.lines):
        return None
    return open_value(order) + invoiced_total(order)


def credit_goal(order: Order) -> Goal:
    """What the order uses of its customer's credit: still open, and moved on to receivables."""
    receivable = invoiced_total(order) - credited_total(order)
    return {"open": max(open_value(order), ZERO), "invoiced": max(receivable, ZERO)}


def authorised_goal(order: Order) -> Goal:
    """What the card must be good for in all: what is open, and every invoice."""
    return {"amount": max(open_value(order), ZERO) + invoiced_total(order)}


def _taxes(order: Order, step: Step, subject: str) -> Goal:
    effect = order.effect(step, subject)
    return effect.amounts if effect else {}


def _bill(order: Order, quantities: Goal, taxes: Goal, freight: Decimal) -> Bill:
    lines = tuple(
        BillLine(
            line=line,
            quantity=quantity,
            price=order.line_terms(line).price,
            amount=line_amount(order, line, quantity),
            tax=taxes.get(line, ZERO),
        )
        for line, quantity in quantities.items()
    )
    subtotal = sum((line.amount for line in lines), ZERO)
    tax = sum((line.tax for line in lines), ZERO)
    return Bill(
        lines=lines, subtotal=subtotal, freight=freight, tax=tax, total=subtotal + freight + tax
    )

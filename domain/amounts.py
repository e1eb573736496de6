"""What an order is worth: amounts by line, invoices, credit notes, claims on credit and cards.

Amounts are in the order's currency, rounded half up per line at its minor unit; tax as the engine
returned it. Freight is billed with the first shipment.
"""

from decimal import Decimal

from domain.base import ZERO, Fact, Goal, added
from domain.effect import Step
from domain.money import round_money
from domain.order import Order
from domain.order_parts import Return, Shipment


class BillLine(Fact):
    line: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    tax: Decimal


class Bill(Fact):
    """What one shipment costs, or one return gives back, less what is kept for `restocking`. All
    amounts positive.
    """

    lines: tuple[BillLine, ...]
    subtotal: Decimal
    freight: Decimal
    restocking: Decimal = ZERO
    tax: Decimal
    total: Decimal


def order_currency(order: Order) -> str:
    assert order.header is not None
    return order.header.currency


def line_amount(order: Order, line: str, quantity: Decimal) -> Decimal:
    """Net of tax and discount. The price is per price unit, the quantity in the line's own unit."""
    terms = order.line_terms(line)
    value = terms.net_price * quantity * terms.stock_factor / terms.price_stock_factor
    return round_money(value, order_currency(order))


def invoice(order: Order, shipment: Shipment) -> Bill:
    first = bool(order.shipments) and order.shipments[0].id == shipment.id
    freight = (order.header.freight if order.header and first else None) or ZERO
    lines = _bill_lines(order, shipment.lines, _taxes(order, Step.TAX, shipment.id))
    return _bill(order, lines, freight, ZERO)


def credit_note(order: Order, back: Return) -> Bill:
    taxes = _taxes(order, Step.RETURN_TAX, back.id)  # negative, as the tax engine files them
    lines = tuple(
        line.model_copy(
            update={
                "price": back.per_unit.get(line.line, line.price),
                "amount": credited_amount(order, back, line.line),
            }
        )
        for line in _bill_lines(order, back.credited, {n: -tax for n, tax in taxes.items()})
    )
    return _bill(order, lines, back.freight, back.restocking)


def credited_amount(order: Order, back: Return, line: str) -> Decimal:
    """Net of tax, before anything is kept of it."""
    quantity = back.credited.get(line, ZERO)
    if line not in back.per_unit:
        return line_amount(order, line, quantity) - back.given.get(line, ZERO)
    return round_money(back.per_unit[line] * quantity, order_currency(order))


def line_billed(order: Order, line: str, *, posted: bool = False) -> Decimal:
    """Net: what the line's shipments cost, or those of them that are invoiced."""
    gone = (
        each.lines[line]
        for each in order.shipments
        if line in each.lines and not (posted and not order.standing(Step.INVOICE, each.id))
    )
    return sum((line_amount(order, line, quantity) for quantity in gone), ZERO)


def line_credited(order: Order, line: str) -> Decimal:
    """Net: what was, or is to be, given back of it."""
    return sum((credited_amount(order, each, line) for each in order.returns), ZERO)


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
        (line_amount(order, x.line, x.agreed - done.get(x.line, ZERO)) for x in order.known_lines),
        ZERO,
    )
    return value + _open_freight(order)


def _open_freight(order: Order) -> Decimal:
    """It is open until the first shipment is invoiced, whichever shipment is invoiced first."""
    agreed = any(x.agreed for x in order.lines)
    freight = (order.header.freight if order.header and agreed else None) or ZERO
    return freight - billed_freight(order)


def billed_freight(order: Order) -> Decimal:
    """All of it, or nothing yet."""
    first = order.shipments[0].id if order.shipments else ""
    billed = bool(order.standing(Step.INVOICE, first))
    return (order.header.freight if order.header and billed else None) or ZERO


def open_tax(order: Order) -> Decimal:
    """The tax of what is agreed and not invoiced yet, as estimated: its share, line by line."""
    effect = order.effect(Step.ESTIMATE)
    if effect is None or order.terms is None:
        return ZERO
    done, estimated = invoiced_quantities(order), effect.standing
    shares = (
        effect.amounts.get(x.line, ZERO) * (x.agreed - done.get(x.line, ZERO)) / estimated[x.line]
        for x in order.lines
        if estimated.get(x.line)
    )
    return sum((round_money(share, order_currency(order)) for share in shares), ZERO)


def order_value(order: Order) -> Decimal | None:
    """What is agreed in all, tax as far as it is known; `None` while any of it has no price."""
    if not order.priced:
        return None
    return open_value(order) + open_tax(order) + invoiced_total(order)


def credit_goal(order: Order) -> Goal:
    """What the order uses of its customer's credit: still open, and moved on to receivables, less
    what was paid of those.
    """
    receivable = invoiced_total(order) - credited_total(order) - order.paid
    expected = open_value(order) + open_tax(order)
    return {"open": max(expected, ZERO), "invoiced": max(receivable, ZERO)}


def amount_due(order: Order) -> Decimal:
    """What is to come in yet before a prepaid order may leave, or (negative) came in too much.

    Nothing where the channel vouches for the money, by not saying what was paid.
    """
    payment = order.header.payment if order.header else None
    if payment is None or payment.method != "prepaid" or payment.paid is None:
        return ZERO
    return authorised_goal(order)["amount"] - credited_total(order) - order.paid


def authorised_goal(order: Order) -> Goal:
    """What the card must be good for in all: what is open, and every invoice."""
    return {"amount": max(open_value(order) + open_tax(order), ZERO) + invoiced_total(order)}


def taken_under(order: Order, claim: str) -> Decimal:
    """What was, or may have been, taken from the card under one claim on it."""
    collected = (each for each in order.effects_of(Step.COLLECT) if each.under == claim)
    return sum((each.at_most.get("amount", ZERO) for each in collected), ZERO)


def _taxes(order: Order, step: Step, subject: str) -> Goal:
    effect = order.effect(step, subject)
    return effect.amounts if effect else {}


def _bill_lines(order: Order, quantities: Goal, taxes: Goal) -> tuple[BillLine, ...]:
    return tuple(
        BillLine(
            line=line,
            quantity=quantity,
            price=order.line_terms(line).price,
            amount=line_amount(order, line, quantity),
            tax=taxes.get(line, ZERO),
        )
        for line, quantity in quantities.items()
    )


def _bill(order: Order, lines: tuple[BillLine, ...], freight: Decimal, restocking: Decimal) -> Bill:
    """`restocking` in percent of the goods' value."""
    subtotal = sum((line.amount for line in lines), ZERO)
    tax = sum((line.tax for line in lines), ZERO)
    kept = round_money(subtotal * restocking / 100, order_currency(order))
    return Bill(
        lines=lines,
        subtotal=subtotal,
        freight=freight,
        restocking=kept,
        tax=tax,
        total=subtotal + freight + tax - kept,
    )

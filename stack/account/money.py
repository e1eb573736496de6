"""Law 2: what channels agreed, times what the ERP was told has left, with freight and the tax
engine's tax, is the ERP's invoices. At the same prices, what came back or was granted, less what is
kept of it, with its tax, is the ERP's credits. Invoices less credits are our receivables and what
was paid of them, what was taken from cards, or what was paid beforehand.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from domain.effect import Step
from domain.money import round_money
from domain.order_parts import Return
from stack.account.books import Account, Books, Kept, keys_of

ZERO = Decimal(0)
CLAIMS = "select order_id, sum(open), sum(invoiced) from credit_claim group by order_id"
ACCOUNTS = """
select account, a.open, a.invoiced,
       (select coalesce(sum(open), 0) from credit_claim c where c.account = a.account),
       (select coalesce(sum(invoiced), 0) from credit_claim c where c.account = a.account)
from credit_account a
"""
RECEIPTS = """
select order_id, sum((body ->> 'amount')::numeric) from inbox
where kind = 'payment' and outcome ->> 'status' = 'done' group by order_id
"""
_exactly = partial(json.loads, parse_float=Decimal)


def account(books: Books) -> Account:
    found = Account("money")
    claims = {row[0]: row[1:] for row in books.database.execute(CLAIMS)}
    receipts: dict[str, Decimal] = dict(books.database.execute(RECEIPTS).fetchall())
    for kept in books.settled:
        if kept.order.terms is not None:
            _kits(kept, found)
            noted = receipts.get(kept.order.id, ZERO)
            _order(books, kept, claims.get(kept.order.id, (ZERO, ZERO)), noted, found)
            _prepaid(books, kept, noted, found)
    for name, opened, invoiced, sum_open, sum_invoiced in books.database.execute(ACCOUNTS):
        found.compare(f"account {name}: open, sum and claims", sum_open, opened)
        found.compare(f"account {name}: invoiced, sum and claims", sum_invoiced, invoiced)
    return found


def _order(
    books: Books,
    kept: Kept,
    claim: tuple[Decimal, Decimal],
    noted: Decimal,
    found: Account,
) -> None:
    """`noted`: what its customer was said to have paid."""
    order = kept.order
    assert order.header is not None
    invoices = _amount(books, kept, Step.INVOICE)
    credits = _amount(books, kept, Step.CREDIT_NOTE)
    owed = sum(
        (_owed(books, kept, effect.subject) for effect in order.effects_of(Step.CONFIRM)), ZERO
    )
    freight = (order.header.freight or ZERO) if order.shipments else ZERO
    tax = _amount(books, kept, Step.TAX)
    found.compare(
        f"{order.id}: agreed and shipped, and the ERP's invoices", owed + freight + tax, invoices
    )
    back = sum((_given_back(kept, each) for each in order.returns), ZERO)
    back_tax = _amount(books, kept, Step.RETURN_TAX)  # negative, as it is filed
    given = back - back_tax
    found.compare(f"{order.id}: agreed and given back, and the ERP's credits", given, credits)
    goods = back - sum((each.freight for each in order.returns), ZERO)
    found.compare(f"{order.id}: more given back than was owed, net", False, goods > owed)
    if order.header.payment.method == "account":
        found.compare(f"{order.id}: credit still open", ZERO, claim[0])
        paid = (order.header.payment.paid or ZERO) + noted
        receivable = max(invoices - credits - paid, ZERO)
        found.compare(f"{order.id}: receivable, ERP and our book", receivable, claim[1])
    if order.header.payment.method == "card":
        taken = _amount(books, kept, Step.COLLECT) - _amount(books, kept, Step.REFUND)
        found.compare(f"{order.id}: invoices, and taken from the card", invoices - credits, taken)


def _prepaid(books: Books, kept: Kept, receipts: Decimal, found: Account) -> None:
    """By what its channel sent, and what was noted since. A channel that does not say what was paid
    vouches for it.
    """
    order = kept.order
    assert order.header is not None
    if order.header.payment.method != "prepaid" or order.header.payment.paid is None:
        return
    payment = _sent(kept).get("payment") or {}
    paid = Decimal(str(payment.get("paid", order.header.payment.paid))) + receipts
    due = _amount(books, kept, Step.INVOICE) - _amount(books, kept, Step.CREDIT_NOTE)
    found.compare(f"{order.id}: invoices, and paid beforehand", due, paid)


def _kits(kept: Kept, found: Account) -> None:
    """The parts of a kit cost what the kit does."""
    prices = _agreed_prices(kept)
    kits: dict[str, Fraction] = defaultdict(Fraction)
    for line in kept.order.lines:
        if line.kit and line.line in prices:
            kits[line.kit] += prices[line.line] * Fraction(line.per_kit)
    for kit, parts in kits.items():
        name = f"{kept.order.id} line {kit}: price, kit and parts"
        found.compare(name, _decimal(prices[kit]), _decimal(parts))


def _owed(books: Books, kept: Kept, shipment: str) -> Decimal:
    """What a shipment's goods issues in the ERP's book are worth at the prices the channel was
    given.
    """
    effect = kept.order.effect(Step.CONFIRM, shipment)
    assert effect is not None
    issues = (_worth(kept, books.standing(key)) for key in keys_of(kept.order, effect))
    return sum((sum(worth.values(), ZERO) for worth in issues), ZERO)


def _given_back(kept: Kept, back: Return) -> Decimal:
    """What one return, or credit without one, is worth at those prices, less what is kept of it."""
    order = kept.order
    assert order.header is not None
    worth = _worth(kept, back.credited)
    for line, quantity in back.credited.items():
        if line in back.per_unit:
            worth[line] = round_money(back.per_unit[line] * quantity, order.header.currency)
    net = sum(worth.values(), ZERO) - sum(back.given.values(), ZERO)
    restocking = round_money(net * back.restocking / 100, order.header.currency)
    return net + back.freight - restocking


def _worth(kept: Kept, quantities: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """By line, each rounded for itself."""
    assert kept.order.header is not None
    prices, currency = _agreed_prices(kept), kept.order.header.currency
    exact = {line: Fraction(quantity) * prices[line] for line, quantity in quantities.items()}
    return {line: round_money(_decimal(value), currency) for line, value in exact.items()}


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / value.denominator


def _agreed_prices(kept: Kept) -> dict[str, Fraction]:
    """Per unit of each line: the channel's where it named one, else what capture found."""
    prices = {
        line: Fraction(terms.net_price * terms.stock_factor) / Fraction(terms.price_stock_factor)
        for line, terms in (kept.order.terms.lines.items() if kept.order.terms else ())
    }
    for number, line in enumerate(_sent(kept).get("lines") or [], 1):
        if line.get("price") is not None and line.get("price_unit") in (None, line.get("unit")):
            paid = 1 - Fraction(str(line.get("discount") or 0)) / 100
            prices[line.get("line") or str(number)] = Fraction(str(line["price"])) * paid
    return prices


def _sent(kept: Kept) -> dict[str, Any]:
    """An order as our own API wants it; a native payload has names of its own."""
    sent = _exactly(kept.raw) if kept.raw else {}
    return sent if isinstance(sent, dict) and isinstance(sent.get("lines"), list) else {}


def _amount(books: Books, kept: Kept, step: Step) -> Decimal:
    """What stands at the system for this step by its own book, of all subjects together: also what
    our order believes to be taken back.
    """
    return sum(
        (
            books.amount(key)
            for effect in kept.order.effects_of(step)
            for key in keys_of(kept.order, effect)
        ),
        ZERO,
    )

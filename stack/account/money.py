"""Law 2: what channels agreed, times what the ERP was told has left, with freight and the tax
engine's tax, is the ERP's invoices; those less its credits are our receivables, or what was taken
from cards.
"""

import json
from decimal import Decimal
from functools import partial
from typing import Any

from domain.effect import Step
from domain.money import round_money
from stack.account.books import Account, Books, Kept, lines_of

ZERO = Decimal(0)
CLAIMS = "select order_id, sum(open), sum(invoiced) from credit_claim group by order_id"
ACCOUNTS = """
select account, a.open, a.invoiced,
       (select coalesce(sum(open), 0) from credit_claim c where c.account = a.account),
       (select coalesce(sum(invoiced), 0) from credit_claim c where c.account = a.account)
from credit_account a
"""
_exactly = partial(json.loads, parse_float=Decimal)


def account(books: Books) -> Account:
    found = Account("money")
    claims = {row[0]: row[1:] for row in books.database.execute(CLAIMS)}
    for kept in books.settled:
        if kept.order.terms is not None:
            _order(books, kept, claims.get(kept.order.id, (ZERO, ZERO)), found)
    for name, opened, invoiced, sum_open, sum_invoiced in books.database.execute(ACCOUNTS):
        found.compare(f"account {name}: open, sum and claims", sum_open, opened)
        found.compare(f"account {name}: invoiced, sum and claims", sum_invoiced, invoiced)
    return found


def _order(books: Books, kept: Kept, claim: tuple[Decimal, Decimal], found: Account) -> None:
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
    if order.header.payment.method == "account":
        found.compare(f"{order.id}: credit still open", ZERO, claim[0])
        found.compare(f"{order.id}: receivable, ERP and our book", invoices - credits, claim[1])
    if order.header.payment.method == "card":
        taken = _amount(books, kept, Step.COLLECT) - _amount(books, kept, Step.REFUND)
        found.compare(f"{order.id}: invoices, and taken from the card", invoices - credits, taken)


def _owed(books: Books, kept: Kept, shipment: str) -> Decimal:
    """What one goods issue in the ERP's book is worth at the prices the channel was given."""
    order = kept.order
    assert order.header is not None
    effect = order.effect(Step.CONFIRM, shipment)
    assert effect is not None
    entries = books.by_key.get(order.key(effect), [])
    prices = _agreed_prices(kept)
    return sum(
        (
            round_money(quantity * prices[line], order.header.currency)
            for line, quantity in (lines_of(entries[-1]) if entries else {}).items()
        ),
        ZERO,
    )


def _agreed_prices(kept: Kept) -> dict[str, Decimal]:
    """Per unit of each line: the channel's where it named one, else what capture found."""
    prices = {
        line: terms.price * terms.stock_factor / terms.price_stock_factor
        for line, terms in (kept.order.terms.lines.items() if kept.order.terms else ())
    }
    for number, line in enumerate(_sent_lines(kept), 1):
        if line.get("price") is not None and line.get("price_unit") in (None, line.get("unit")):
            prices[line.get("line") or str(number)] = Decimal(str(line["price"]))
    return prices


def _sent_lines(kept: Kept) -> list[dict[str, Any]]:
    """Of an order sent as our own API wants it; a native payload has lines of its own kind."""
    sent = _exactly(kept.raw) if kept.raw else {}
    lines = sent.get("lines") if isinstance(sent, dict) else None
    return lines if isinstance(lines, list) else []


def _amount(books: Books, kept: Kept, step: Step) -> Decimal:
    """What stands at the system for this step by its own book, of all subjects together."""
    total = ZERO
    for effect in kept.order.effects_of(step):
        if effect.standing:
            entries = books.by_key.get(kept.order.key(effect), [])
            total += Decimal(entries[-1].get("amount", 0)) if entries else ZERO
    return total

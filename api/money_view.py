"""An order's documents and its money as they are shown: invoices, returns, credits, payments."""

from collections.abc import Iterable
from typing import Any

from api.shapes import (
    AuthorisedReturnOut,
    CreditedPartOut,
    CreditOut,
    InvoiceOut,
    PartOut,
    PaymentOut,
    PrepaidOut,
    ReturnOut,
    canonical,
)
from domain.amounts import Bill, amount_due, credit_note, invoice, order_currency, order_value
from domain.base import ZERO, Goal
from domain.effect import Effect, Step
from domain.order import Order
from domain.order_parts import GOODS, Authorised, Return

_PAYMENTS = {
    Step.AUTHORISE: "authorisation",
    Step.COLLECT: "capture",
    Step.REFUND: "refund",
}
_MONEY = {*_PAYMENTS, Step.CREDIT}


def show_parts(goal: Goal) -> list[PartOut]:
    return [PartOut(line=line, quantity=quantity) for line, quantity in goal.items()]


def show_goal(order: Order, step: Step, goal: Goal) -> Goal:
    """What stands, or is to stand, as it is printed."""
    currency = order_currency(order) if step in _MONEY else None
    return {name: canonical(amount, currency) for name, amount in goal.items()}


def in_order(effects: Iterable[Effect]) -> list[Effect]:
    return sorted(effects, key=lambda effect: (effect.step.rank, effect.subject))


def show_invoices(order: Order) -> Iterable[InvoiceOut]:
    for shipment in order.shipments:
        effect = order.effect(Step.INVOICE, shipment.id)
        if effect and effect.standing:
            bill = invoice(order, shipment)
            yield InvoiceOut(
                shipment_id=shipment.id,
                freight=canonical(bill.freight, order_currency(order)),
                **_document(order, effect, bill),
            )


def show_credits(order: Order) -> Iterable[CreditOut]:
    for back in order.returns:
        effect = order.effect(Step.CREDIT_NOTE, back.id)
        if effect and effect.standing:
            bill = credit_note(order, back)
            yield CreditOut(
                return_id=back.id,
                kind=back.kind,
                freight=canonical(bill.freight, order_currency(order)),
                restocking=canonical(bill.restocking, order_currency(order)),
                **_document(order, effect, bill),
            )


def show_returns(order: Order) -> list[ReturnOut]:
    """What came back, and what else was credited."""
    authorised = {each.id: each for each in order.authorised}
    return [_return(order, back, authorised.get(back.reported_as)) for back in order.returns]


def show_expected(order: Order) -> list[ReturnOut]:
    """Returns that were agreed to, and of which nothing has come yet."""
    came = {back.reported_as for back in order.returns}
    return [
        ReturnOut(
            id=each.id,
            order_id=order.id,
            kind=GOODS,
            source="",
            received=[],
            inspected=[],
            credited=[],
            restocking_percent=each.restocking,
            received_at=None,
            inspected_at=None,
            authorised=show_authorised(order, each),
        )
        for each in order.authorised
        if each.id not in came
    ]


def show_authorised(order: Order, each: Authorised) -> AuthorisedReturnOut:
    return AuthorisedReturnOut(
        id=each.id,
        order_id=order.id,
        lines=show_parts(each.lines),
        received=show_parts(each.received),
        reason=each.reason,
        restocking_percent=each.restocking,
        at=each.at,
        expires=each.expires,
        expired=each.expired,
        open=each.open,
    )


def show_payments(order: Order) -> Iterable[PaymentOut]:
    currency = order_currency(order)
    for effect in in_order(order.effects.values()):
        if effect.step in _PAYMENTS:
            yield PaymentOut(
                kind=_PAYMENTS[effect.step],
                document_id=effect.subject,
                reference=effect.ref,
                state=effect.state,
                amount=canonical(effect.standing.get("amount", ZERO), currency),
                currency=currency,
                at=effect.since,
            )


def show_prepaid(order: Order) -> PrepaidOut | None:
    """`None` for an order that is paid otherwise."""
    if order.header is None or order.header.payment.method != "prepaid":
        return None
    currency = order.header.currency
    priced = order_value(order) is not None
    return PrepaidOut(
        paid=canonical(order.paid, currency),
        due=canonical(amount_due(order), currency) if priced else None,
        currency=currency,
    )


def _return(order: Order, back: Return, authorised: Authorised | None) -> ReturnOut:
    currency = order_currency(order)
    per_unit = {line: canonical(amount, currency) for line, amount in back.per_unit.items()}
    return ReturnOut(
        id=back.id,
        order_id=order.id,
        kind=back.kind,
        source=back.source,
        received=show_parts(back.received),
        inspected=show_parts(back.inspected if back.kind == GOODS else {}),
        credited=[
            CreditedPartOut(line=line, quantity=quantity, per_unit=per_unit.get(line))
            for line, quantity in back.credited.items()
        ],
        restocking_percent=back.restocking,
        received_at=back.received_at,
        inspected_at=back.inspected_at,
        authorised=show_authorised(order, authorised) if authorised else None,
    )


def _document(order: Order, effect: Effect, bill: Bill) -> dict[str, Any]:
    """What invoices and credit notes have in common."""
    currency = order_currency(order)
    lines = [
        {
            "line": line.line,
            "quantity": line.quantity,
            "price": canonical(line.price, currency),
            "amount": canonical(line.amount, currency),
            "tax": canonical(line.tax, currency),
        }
        for line in bill.lines
    ]
    return {
        "id": effect.subject,
        "number": effect.ref,
        "order_id": order.id,
        "lines": lines,
        "currency": currency,
        "posted_at": effect.since,
        "subtotal": canonical(bill.subtotal, currency),
        "tax": canonical(bill.tax, currency),
        "total": canonical(bill.total, currency),
    }

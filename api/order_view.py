"""The order as the API shows it: everything derived from the recorded state."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from adapters.postgres.read_model import SeenOrder
from adapters.postgres.waiting import Wait
from api.shapes import (
    CreditOut,
    EffectOut,
    FulfilmentOut,
    HoldOut,
    InvoiceOut,
    LineOut,
    LinksOut,
    OrderOut,
    PartOut,
    PaymentOut,
    QuantitiesOut,
    ReturnOut,
    ShipmentOut,
    TotalsOut,
    WaitOut,
    canonical,
)
from domain.amounts import Bill, credit_note, credited_total, invoice, invoiced_total, open_value
from domain.base import ZERO, Goal
from domain.effect import Effect, Step
from domain.hold import Hold
from domain.order import Order, workflow_id
from domain.order_parts import Line, Shipment
from domain.paperwork import fulfilment_id
from domain.status import Quantities, line_status, order_status, quantities
from domain.view import Awaited, awaited

_PAYMENTS = {
    Step.AUTHORISE: "authorisation",
    Step.COLLECT: "capture",
    Step.REFUND: "refund",
}
_MONEY = {*_PAYMENTS, Step.CREDIT}


def show_order(seen: SeenOrder, temporal_ui: str) -> OrderOut:
    """Everything there is to say of an order; `temporal_ui` is the URL of Temporal's own pages."""
    order = seen.order
    header = order.header
    assert header is not None, "an order is read from its Placed on"
    return OrderOut(
        id=order.id,
        revision=order.revision,
        company=(order.terms.company if order.terms else "") or header.company,
        kind=header.kind,
        channel=header.channel,
        reference=header.reference,
        customer=header.customer,
        purchase_order=header.purchase_order,
        currency=header.currency,
        status=order_status(order),
        placed_at=seen.placed_at,
        closed_at=order.closed_at,
        ship_to=header.ship_to,
        lines=[_line(order, line) for line in order.lines],
        fulfilments=[_fulfilment(order, source) for source in _sources(order)],
        holds=[show_hold(order.id, hold) for hold in order.holds],
        waiting_for=_waits(seen),
        effects=[_effect(order, effect) for effect in _in_order(order.effects.values())],
        invoices=list(show_invoices(order)),
        credits=list(show_credits(order)),
        returns=show_returns(order),
        payments=list(_payments(order)),
        totals=_totals(order),
        attributes=header.attributes,
        links=LinksOut(
            self=f"/v1/orders/{order.id}",
            timeline=f"/v1/orders/{order.id}/timeline",
            temporal=f"{temporal_ui}/namespaces/default/workflows/{workflow_id(order.id)}",
        ),
    )


def show_hold(order_id: str, hold: Hold) -> HoldOut:
    return HoldOut(
        order_id=order_id,
        owner=hold.owner,
        clears_on=hold.clears_on,
        **hold.model_dump(exclude={"effect"}),
    )


def show_shipment(order_id: str, shipment: Shipment) -> ShipmentOut:
    return ShipmentOut(
        order_id=order_id,
        lines=_parts(shipment.lines),
        **shipment.model_dump(exclude={"lines"}),
    )


def show_invoices(order: Order) -> Iterable[InvoiceOut]:
    for shipment in order.shipments:
        effect = order.effect(Step.INVOICE, shipment.id)
        if effect and effect.standing:
            yield InvoiceOut(
                shipment_id=shipment.id, **_document(order, effect, invoice(order, shipment))
            )


def show_credits(order: Order) -> Iterable[CreditOut]:
    for back in order.returns:
        effect = order.effect(Step.CREDIT_NOTE, back.id)
        if effect and effect.standing:
            document = _document(order, effect, credit_note(order, back))
            del document["freight"]
            yield CreditOut(return_id=back.id, **document)


def show_returns(order: Order) -> list[ReturnOut]:
    return [
        ReturnOut(
            id=back.id,
            order_id=order.id,
            source=back.source,
            received=_parts(back.received),
            inspected=_parts(back.inspected),
            received_at=back.received_at,
            inspected_at=back.inspected_at,
        )
        for back in order.returns
    ]


def show_goal(order: Order, step: Step, goal: Goal) -> Goal:
    """What stands, or is to stand, as it is printed."""
    assert order.header
    currency = order.header.currency if step in _MONEY else None
    return {name: canonical(amount, currency) for name, amount in goal.items()}


def _document(order: Order, effect: Effect, bill: Bill) -> dict[str, Any]:
    assert order.header
    currency = order.header.currency
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
        "currency": currency,
        "posted_at": effect.since,
        "lines": lines,
        "subtotal": canonical(bill.subtotal, currency),
        "freight": canonical(bill.freight, currency),
        "tax": canonical(bill.tax, currency),
        "total": canonical(bill.total, currency),
    }


def _line(order: Order, line: Line) -> LineOut:
    known = order.terms.lines.get(line.line) if order.terms else None
    of = quantities(order, line)
    assert order.header
    price = known.price if known else line.price
    return LineOut(
        line=line.line,
        item=known.item if known else line.item,
        unit=known.unit if known else line.unit,
        price=None if price is None else canonical(price, order.header.currency),
        price_unit=known.price_unit if known else line.price_unit,
        status=line_status(of, picking=bool(order.picking)),
        quantities=QuantitiesOut(**of.model_dump()),
    )


def _sources(order: Order) -> list[str]:
    """Every location that was asked for goods, or shipped some."""
    asked = [effect.subject for effect in order.effects_of(Step.RELEASE)]
    planned = [source for line in order.lines for source in line.sources]
    return sorted({*asked, *planned, *(each.source for each in order.shipments)})


def _fulfilment(order: Order, source: str) -> FulfilmentOut:
    shipments = [each for each in order.shipments if each.source == source]
    standing = order.standing(Step.RELEASE, source)
    lines = {}
    for line in order.lines:
        gone = line.shipped.get(source, ZERO)
        if quantity := max(line.sources.get(source, ZERO), standing.get(line.line, ZERO), gone):
            lines[line.line] = quantity
    return FulfilmentOut(
        id=fulfilment_id(order.id, source),
        source=source,
        status=_fulfilment_status(order, source, lines),
        lines=_parts(lines),
        shipments=[show_shipment(order.id, each) for each in shipments],
    )


def _fulfilment_status(order: Order, source: str, goal: dict[str, Decimal]) -> str:
    """The status a line would have that consisted of nothing but this source's share."""
    if not goal:
        return "cancelled"
    lines = [line for line in order.lines if line.line in goal]
    released = order.standing(Step.RELEASE, source)
    stock = order.standing(Step.STOCK)
    total = sum(goal.values(), ZERO)
    shipped = sum((line.shipped.get(source, ZERO) for line in lines), ZERO)
    mine = [each for each in order.shipments if each.source == source]
    delivered = sum((sum(s.lines.values(), ZERO) for s in mine if s.delivered_at), ZERO)
    invoiced = sum((sum(order.standing(Step.INVOICE, s.id).values(), ZERO) for s in mine), ZERO)
    asked = max(sum(released.values(), ZERO), shipped)
    share = Quantities(
        ordered=total,
        allocated=sum((stock.get(f"{n}/{source}", ZERO) for n in goal), ZERO),
        backordered=ZERO,
        released=asked,
        picked=sum((line.picked.get(source, ZERO) for line in lines), ZERO),
        packed=sum((line.packed.get(source, ZERO) for line in lines), ZERO),
        shipped=shipped,
        delivered=delivered,
        invoiced=invoiced,
        returned=ZERO,
        cancelled=ZERO,
    )
    return line_status(share, picking=source in order.picking)


def _waits(seen: SeenOrder) -> list[WaitOut]:
    """What the order's state waits for, with what its activities noted of calls that fail."""
    noted = {wait.what: wait for wait in seen.waits}
    return [_wait(each, noted.get(each.what), seen.order) for each in awaited(seen.order)]


def _wait(each: Awaited, note: Wait | None, order: Order) -> WaitOut:
    return WaitOut(
        what=each.what,
        system=(note.system if note else "") or each.system,
        since=note.since if note else each.since,
        attempts=note.attempts if note else int(each.what in order.effects),
        last_error=note.last_error if note else "",
        deadline=(note.deadline if note else None) or each.deadline,
    )


def _in_order(effects: Iterable[Effect]) -> list[Effect]:
    return sorted(effects, key=lambda effect: (effect.step.rank, effect.subject))


def _effect(order: Order, effect: Effect) -> EffectOut:
    return EffectOut(
        system=effect.system,
        operation=effect.step,
        subject=effect.subject,
        key=order.key(effect),
        state=effect.state,
        standing=show_goal(order, effect.step, effect.standing),
        reference=effect.ref,
        at=effect.since,
    )


def _payments(order: Order) -> Iterable[PaymentOut]:
    assert order.header
    for effect in _in_order(order.effects.values()):
        if effect.step in _PAYMENTS:
            yield PaymentOut(
                kind=_PAYMENTS[effect.step],
                document_id=effect.subject,
                reference=effect.ref,
                state=effect.state,
                amount=canonical(effect.standing.get("amount", ZERO), order.header.currency),
                currency=order.header.currency,
                at=effect.since,
            )


def _totals(order: Order) -> TotalsOut | None:
    """`None` until the order has prices."""
    if order.terms is None or any(x.line not in order.terms.lines for x in order.lines):
        return None
    assert order.header
    currency = order.header.currency
    return TotalsOut(
        currency=currency,
        open=canonical(open_value(order), currency),
        invoiced=canonical(invoiced_total(order), currency),
        credited=canonical(credited_total(order), currency),
    )


def _parts(goal: dict[str, Decimal]) -> list[PartOut]:
    return [PartOut(line=line, quantity=quantity) for line, quantity in goal.items()]

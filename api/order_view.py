"""The order as the API shows it: everything derived from the recorded state."""

from decimal import Decimal

from adapters.postgres.read_model import SeenOrder
from adapters.postgres.waiting import Wait
from api.money_view import (
    in_order,
    show_authorised,
    show_credits,
    show_goal,
    show_invoices,
    show_parts,
    show_payments,
    show_prepaid,
    show_returns,
)
from api.shapes import (
    EffectOut,
    FulfilmentOut,
    HoldOut,
    LineOut,
    LinksOut,
    OrderOut,
    PromiseOut,
    QuantitiesOut,
    ShipmentOut,
    TotalsOut,
    WaitOut,
    canonical,
)
from domain.amounts import credited_total, invoiced_total, open_value
from domain.base import ZERO
from domain.effect import Effect, Step
from domain.hold import Hold
from domain.order import Order, workflow_id
from domain.order_parts import Line, Shipment
from domain.paperwork import fulfilment_id
from domain.promise import promised
from domain.status import Quantities, line_status, order_status, quantities
from domain.view import Awaited, awaited, tried


def show_order(seen: SeenOrder, temporal_ui: str) -> OrderOut:
    """Everything there is to say of an order; `temporal_ui` is the URL of Temporal's own pages of
    our namespace."""
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
        ship_not_before=header.ship_not_before,
        cancel_after=header.cancel_after,
        valid_until=header.valid_until,
        ship_to=header.ship_to,
        lines=[_line(order, line) for line in order.lines],
        fulfilments=[_fulfilment(order, source) for source in _sources(order)],
        holds=[show_hold(order.id, hold) for hold in order.holds],
        waiting_for=_waits(seen),
        effects=[_effect(order, effect) for effect in in_order(order.effects.values())],
        invoices=list(show_invoices(order)),
        credits=list(show_credits(order)),
        authorised_returns=[show_authorised(order, each) for each in order.authorised],
        returns=show_returns(order),
        payments=list(show_payments(order)),
        prepaid=show_prepaid(order),
        totals=_totals(order),
        attributes=header.attributes,
        links=LinksOut(
            self=f"/v1/orders/{order.id}",
            timeline=f"/v1/orders/{order.id}/timeline",
            temporal=f"{temporal_ui}/workflows/{workflow_id(order.id)}",
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
        lines=show_parts(shipment.lines),
        **shipment.model_dump(exclude={"lines"}),
    )


def _line(order: Order, line: Line) -> LineOut:
    known = order.terms.lines.get(line.line) if order.terms else None
    of = quantities(order, line)
    assert order.header
    price = known.price if known else line.price
    return LineOut(
        line=line.line,
        kit=line.kit or None,
        per_kit=line.per_kit if line.kit else None,
        item=known.item if known else line.item,
        unit=known.unit if known else line.unit,
        price=None if price is None else canonical(price, order.header.currency),
        price_unit=known.price_unit if known else line.price_unit,
        discount=known.discount if known else line.discount,
        status=line_status(of, picking=bool(order.picking)),
        promise=_promise(order, line),
        quantities=QuantitiesOut(**of.model_dump()),
    )


def _promise(order: Order, line: Line) -> PromiseOut | None:
    given = promised(order, line)
    if given is None:
        return None
    return PromiseOut(ship_date=given.ship_date.isoformat(), supply=given.supply)


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
        lines=show_parts(lines),
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
    attempts = note.attempts if note else int(each.what in order.effects)
    last_error = note.last_error if note else ""
    return WaitOut(
        what=each.what,
        text=tried(each.text, attempts, last_error),
        system=(note.system if note else "") or each.system,
        since=note.since if note else each.since,
        attempts=attempts,
        last_error=last_error,
        deadline=(note.deadline if note else None) or each.deadline,
    )


def _effect(order: Order, effect: Effect) -> EffectOut:
    return EffectOut(
        system=effect.system,
        operation=effect.step,
        subject=effect.subject,
        key=order.key(effect),
        state=effect.state,
        standing=show_goal(order, effect.step, effect.standing),
        reference=effect.ref,
        skipped=effect.skipped,
        at=effect.since,
    )


def _totals(order: Order) -> TotalsOut | None:
    """`None` until all that is agreed has prices."""
    if not order.priced:
        return None
    assert order.header
    currency = order.header.currency
    return TotalsOut(
        currency=currency,
        open=canonical(open_value(order), currency),
        invoiced=canonical(invoiced_total(order), currency),
        credited=canonical(credited_total(order), currency),
    )

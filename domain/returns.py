"""Goods that come back, and money given back without goods."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.amounts import (
    billed_freight,
    invoiced_quantities,
    line_amount,
    line_billed,
    line_credited,
    order_currency,
)
from domain.base import ZERO, Goal, added, plain, tidy
from domain.hold import Problem
from domain.kits import amounts_in_parts, in_parts
from domain.message import CreditGranted, CreditReason, Milestone, ReturnAuthorised
from domain.money import round_money
from domain.order import Order, Outcome, free_name, known_line, refused
from domain.order_parts import GOODS, Authorised, Return, Shipment
from domain.words import words


def authorise_return(order: Order, message: ReturnAuthorised, now: datetime) -> Outcome:
    """Agree to take so much back. Never more than has left and is not back, or promised back."""
    wanted = in_parts(order, message.lines)
    coming = added(*(_still_coming(each) for each in order.authorised if each.open))
    gone = {line.line: line.total_shipped - line.returned for line in order.lines}
    gone = added(gone, {n: -q for n, q in coming.items()}, _credited_without_goods(order, -1))
    for number, quantity in wanted.items():
        if number not in gone:
            return refused(message, "unknown_line", f"the order has no line {number}")
        if quantity > gone[number]:
            detail = f"of line {number}, {max(gone[number], ZERO):f} can come back"
            return refused(message, "more_than_shipped", detail)
    expires = message.expires
    if expires is None and message.days is not None:
        expires = now.date() + timedelta(days=message.days)
    if expires and expires < now.date():
        return refused(message, "expired", "its last day is over")
    authorised = Authorised(
        id=free_name(f"{order.id}-R1", {each.id for each in order.authorised}, first=1),
        lines=wanted,
        reason=message.reason,
        restocking=message.restocking,
        at=now,
        expires=expires,
    )
    order.authorised.append(authorised)
    data = {"return_id": authorised.id, "lines": plain(wanted), "reason": message.reason}
    order.tell("order.return_authorised", f"heard/{message.n}", now, data, message.id)
    return Outcome(n=message.n, detail=f"authorised as {authorised.id}")


def _still_coming(authorised: Authorised) -> Goal:
    came = authorised.received
    return {n: max(q - came.get(n, ZERO), ZERO) for n, q in authorised.lines.items()}


def returned(order: Order, message: Milestone, now: datetime) -> None:
    _receive(order, _new_return(order, message), message.quantities, message, now)


def inspected(order: Order, message: Milestone, now: datetime) -> None:
    """Of what was received before, under its name or else at this source; what nobody reported is
    received by being inspected.
    """
    name = message.document or message.id
    here = [back for back in order.returns if back.source == message.source and back.kind == GOODS]
    known = [back for back in here if back.reported_as == name] or [
        back for back in here if back.inspected_at is None
    ]
    known = [back for back in known if back.reported_as == known[0].reported_as]
    rest = added(
        *(back.received for back in known),
        *({n: -q for n, q in back.inspected.items()} for back in known),
    )
    back = next((back for back in known if back.inspected_at is None), None)
    if back is None:
        back = _new_return(order, message)
        if any(rest.get(n, ZERO) > 0 for n in message.quantities):
            back.received_at = known[0].received_at
            _match(order, back, {}, back.received_at, now)
    unreported = {n: max(q - rest.get(n, ZERO), ZERO) for n, q in message.quantities.items()}
    _receive(order, back, tidy(unreported), message, now)
    back.inspected, back.inspected_at = tidy(message.quantities), message.occurred_at
    _credit(order, back, now)


def _credit(order: Order, back: Return, now: datetime) -> None:
    """What never left, or was credited before, is not credited; a person looks at it."""
    before = _credited(order)
    for number, quantity in back.inspected.items():
        left = known_line(order, number).total_shipped - before.get(number, ZERO)
        back.credited = tidy({**back.credited, number: max(min(quantity, left), ZERO)})
        if quantity > left:
            problem = Problem(
                reason="overreturned",
                scope=f"line/{number}",
                detail=f"{quantity:f} came back, {max(left, ZERO):f} could be credited",
            )
            order.place_hold(problem, f"returned/{back.id}", now)
    _keep_what_was_given(order, back)


def _keep_what_was_given(order: Order, back: Return) -> None:
    """All that is given back of a line is never more than it cost, allowances and roundings too."""
    for line in order.known_lines:
        if back.credited.get(line.line):
            over = line_credited(order, line.line) - line_billed(order, line.line)
            back.given = tidy({**back.given, line.line: max(over, ZERO)})


def _credited(order: Order) -> Goal:
    """By line: the units that were given money back for, in whole."""
    return added(*(each.credited for each in order.returns if not each.per_unit))


def _credited_without_goods(order: Order, sign: int) -> Goal:
    whole = [each for each in order.returns if each.kind != GOODS and not each.per_unit]
    return added(*({n: sign * q for n, q in each.credited.items()} for each in whole))


def _new_return(order: Order, message: Milestone) -> Return:
    name = message.document or message.id
    authorised = next((each for each in order.authorised if each.id == name), None)
    shipment = _named(order, message.shipment_id)
    back = Return(
        id=free_name(name, {each.id for each in order.returns}),
        reported_as=name,
        source=message.source,
        received_at=message.occurred_at,
        shipment=shipment.id if shipment else "",
        restocking=authorised.restocking if authorised else ZERO,
    )
    order.returns.append(back)
    return back


def _receive(
    order: Order, back: Return, quantities: Goal, message: Milestone, now: datetime
) -> None:
    for number, quantity in quantities.items():
        known_line(order, number).returned += quantity
    back.received = tidy(added(back.received, quantities))
    for shipment in order.shipments:
        if message.shipment_id and shipment.is_called(message.shipment_id):
            shipment.came_back = shipment.came_back or shipment.under_way
            end_holds_of_scope(order, f"shipment/{shipment.id}", now)
    if quantities:
        _match(order, back, quantities, message.occurred_at, now)
        data = {"return_id": back.id, "source": back.source, "lines": plain(quantities)}
        order.tell("order.returned", f"heard/{message.n}", now, data, message.id)


def _match(order: Order, back: Return, quantities: Goal, came: datetime, now: datetime) -> None:
    """Count it to what was authorised. What came after the last day, whenever it is inspected, is
    credited when somebody agrees to it.
    """
    for n, each in enumerate(order.authorised):
        if each.id != back.reported_as:
            continue
        if each.expires and came.astimezone(UTC).date() > each.expires:
            problem = Problem(
                reason="return_expired",
                scope=f"return/{back.id}",
                detail=f"{each.id} was good until {each.expires}",
            )
            order.place_hold(problem, f"returned/{back.id}", now)
        received = added(each.received, quantities)
        order.authorised[n] = each.model_copy(update={"received": received})


def end_holds_of_scope(order: Order, scope: str, now: datetime) -> None:
    for hold in order.open_holds:
        if hold.scope == scope:
            order.end_hold(hold, now, by="throughline")


def grant_credit(order: Order, message: CreditGranted, now: datetime) -> Outcome:
    """Money back without goods: never for more units, nor for more money, than was invoiced. No tax
    was charged on freight, and none is given back of it.
    """
    wanted, per_unit = in_parts(order, message.lines), amounts_in_parts(order, message.per_unit)
    shipment = _named(order, message.shipment)
    if message.shipment and shipment is None:
        return refused(message, "unknown_shipment", f"the order has no shipment {message.shipment}")
    if set(per_unit) - set(wanted):
        return refused(message, "unknown_line", "per_unit names lines that are not credited")
    partial = message.reason in (CreditReason.PRICE_PROTECTION, CreditReason.ALLOWANCE)
    if partial != bool(per_unit) or (partial and set(per_unit) != set(wanted)):
        detail = f"per_unit is for {CreditReason.PRICE_PROTECTION} and {CreditReason.ALLOWANCE}"
        return refused(message, "per_unit", detail)
    wrong = _too_much(order, wanted, per_unit) or _not_of(order, shipment, wanted)
    if wrong := wrong or _too_much_freight(order, message.freight):
        return refused(message, *wrong)
    place = shipment or next(
        (x for x in order.shipments if any(x.lines.get(n) for n in wanted)), None
    )
    credit = Return(
        id=free_name(f"{order.id}-C1", {each.id for each in order.returns}, first=1),
        source=place.source if place else "",
        inspected=wanted,
        credited=wanted,
        received_at=now,
        inspected_at=now,
        kind=str(message.reason),
        shipment=shipment.id if shipment else "",
        per_unit=per_unit,
        freight=message.freight,
    )
    order.returns.append(credit)
    if not per_unit:
        _keep_what_was_given(order, credit)
    if shipment is not None:
        shipment.lost = shipment.lost or message.reason is CreditReason.LOST
        end_holds_of_scope(order, f"shipment/{shipment.id}", now)
    return Outcome(n=message.n, detail=f"{words(str(message.reason), wanted)}: {credit.id}")


def _too_much_freight(order: Order, freight: Decimal) -> tuple[str, str] | None:
    left = billed_freight(order) - sum((each.freight for each in order.returns), ZERO)
    if freight > left:
        return "more_than_invoiced", f"of the freight, {left:f} can be credited"
    if freight != round_money(freight, order_currency(order)):
        return "too_many_decimals", "the freight has more decimals than the currency"
    return None


def _named(order: Order, name: str | None) -> Shipment | None:
    return next((x for x in order.shipments if x.is_called(name)), None)


def _not_of(order: Order, shipment: Shipment | None, wanted: Goal) -> tuple[str, str] | None:
    """A credit for one shipment is for what was in it, and was not credited for it before."""
    if shipment is None:
        return None
    before = [x for x in order.returns if x.shipment == shipment.id and not x.per_unit]
    credited = added(*(each.credited for each in before))
    for number, quantity in wanted.items():
        left = shipment.lines.get(number, ZERO) - credited.get(number, ZERO)
        if quantity > left:
            detail = f"of line {number} in {shipment.id}, {max(left, ZERO):f} can be credited"
            return "more_than_invoiced", detail
    return None


def _too_much(order: Order, wanted: Goal, per_unit: Goal) -> tuple[str, str] | None:
    invoiced, credited = invoiced_quantities(order), _credited(order)
    for number, quantity in wanted.items():
        if all(line.line != number for line in order.lines):
            return "unknown_line", f"the order has no line {number}"
        left = invoiced.get(number, ZERO) - credited.get(number, ZERO)
        if quantity > left:
            return "more_than_invoiced", f"of line {number}, {max(left, ZERO):f} can be credited"
        given = round_money(per_unit.get(number, ZERO) * quantity, order_currency(order))
        rest = line_billed(order, number, posted=True) - line_credited(order, number)
        if given > min(rest, line_amount(order, number, quantity)):
            return "more_than_invoiced", f"line {number} did not cost that much"
    return None

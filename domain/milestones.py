"""What warehouses and carriers say, and what follows from it for the order.

Facts are never refused. A later kind implies the earlier ones.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from domain.answer import Done, Refused
from domain.base import ZERO, Goal, plain, tidy
from domain.effect import Effect, EffectState, Step
from domain.hold import Problem
from domain.message import Milestone, MilestoneKind
from domain.order import Order, free_name, known_line
from domain.order_parts import Arrival, Line, Shipment
from domain.returns import end_holds_of_scope, inspected, returned
from domain.settling import settle_late
from domain.sourcing import allocate, end_release, left_as_asked, settle_apart
from domain.words import words


def hear_milestone(order: Order, message: Milestone, now: datetime) -> str:
    """What is to be said of it, if anything. Raises `Misunderstood` for a line the order does not
    have.
    """
    if order.lines:
        for number in message.quantities:
            known_line(order, number)
    return _HEARD[message.milestone](order, message, now) or ""


def _picked(order: Order, message: Milestone, now: datetime) -> None:
    _progress(order, message, lambda line: line.picked)
    if message.final:
        _short_pick(order, message, now)


def _packed(order: Order, message: Milestone, now: datetime) -> None:
    _progress(order, message, lambda line: line.packed)


def _progress(order: Order, message: Milestone, where: Callable[[Line], Goal]) -> None:
    for number, quantity in message.quantities.items():
        if order.lines:
            goal = where(order.line(number))
            goal[message.source] = goal.get(message.source, ZERO) + quantity


def _short_pick(order: Order, message: Milestone, now: datetime) -> None:
    """The warehouse has let go of what it did not find; another source may have it."""
    missing: list[str] = []
    at, release = message.source, order.effect(Step.RELEASE, message.source)
    if release is None:
        return
    asked = release.at_most
    for line in order.lines:
        earlier = line.unreleased.get(at, ZERO)
        found = max(line.picked.get(at, ZERO) - earlier, left_as_asked(line, at))
        if found < asked.get(line.line, ZERO):
            line.sources = tidy({**line.sources, at: found + earlier})
            order.not_found.setdefault(at, {})[order.line_terms(line.line).item] = now
            _let_go(order, release, line.line, found)
            missing.append(line.line)
    allocate(order)
    _hold_incomplete(order, message, missing, now)


def _hold_incomplete(order: Order, message: Milestone, missing: list[str], now: datetime) -> None:
    """What was to leave as a whole may leave in part now: what was found is picked already."""
    assert order.header
    short = {n: q for n in missing if (q := order.line(n).backordered)}
    if short and order.header.fulfilment != "partial":
        detail = (
            f"{message.source} {words('did not find', short)}, no other source has it, and the"
            f" order is {order.header.fulfilment}: cancel, or release to let it leave in parts"
        )
        problem = Problem(reason="unavailable_inventory", detail=detail)
        order.place_hold(problem, f"heard/{message.n}", now)


def _let_go(order: Order, release: Effect, line: str, kept: Decimal) -> None:
    """The warehouse says what it still has of a line. A call under way was answered before."""
    before = bool(release.standing)
    release.standing = tidy({**release.standing, line: kept})
    if release.uncertain:
        release.state = EffectState.UNKNOWN
    elif before and not release.standing:
        end_release(order, release)


def _shipped(order: Order, message: Milestone, now: datetime) -> None:
    name = message.shipment_id or message.id
    shipment = Shipment(
        id=free_name(name, {shipment.id for shipment in order.shipments}),
        reported_as=name,
        source=message.source,
        lines=tidy(message.quantities),
        document=message.document or "",
        carrier=message.carrier,
        tracking=message.tracking,
        shipped_at=message.occurred_at,
    )
    order.shipments.append(shipment)
    count_shipment(order, shipment, now)
    data = {
        "shipment_id": shipment.id,
        "source": shipment.source,
        "carrier": shipment.carrier,
        "tracking": shipment.tracking,
        "lines": plain(shipment.lines),
    }
    order.tell("order.shipped", f"heard/{message.n}", now, data, message.id)
    for key in (_arrival(message, name), _arrival(message, "")):
        if arrived := order.arrived.get(key):
            _arrive(order, shipment, arrived, now)
    order.arrived.pop(_arrival(message, ""), None)


def count_shipment(order: Order, shipment: Shipment, now: datetime) -> None:
    """What a location shipped beyond what it was asked to is looked at by a person."""
    source = shipment.source
    released = order.at_most(Step.RELEASE, source)
    for line in order.lines:
        quantity = shipment.lines.get(line.line, ZERO)
        if not quantity:
            continue
        line.shipped[source] = line.shipped.get(source, ZERO) + quantity
        asked = released.get(line.line, ZERO) + line.unreleased.get(source, ZERO)
        if not released:
            settle_apart(line, source, quantity)
        planned = max(asked, line.sources.get(source, ZERO))
        if line.total_shipped > line.ordered or (line.sources and line.shipped[source] > planned):
            problem = Problem(
                reason="overshipped",
                scope=f"line/{line.line}",
                detail=f"{source} shipped {line.shipped[source]:f}, asked for were {planned:f}",
            )
            order.place_hold(problem, f"shipped/{shipment.id}", now)
    allocate(order)


def _delivered(order: Order, message: Milestone, now: datetime) -> str:
    """Of a shipment nobody has told of yet it is kept, until somebody does."""
    arrived = Arrival(at=message.occurred_at, message=message.id)
    for shipment in _meant(order, message):
        if shipment.delivered_at is None:
            _arrive(order, shipment, arrived, now)
    if _is_known(order, message):
        return ""
    name = message.shipment_id or ""
    order.arrived[_arrival(message, name)] = arrived
    return f"kept until {message.source} tells that it shipped {name or 'anything'}"


def _meant(order: Order, message: Milestone) -> list[Shipment]:
    """The shipments of its source that a message names, or else those under way."""
    return [
        shipment
        for shipment in order.shipments
        if shipment.source == message.source
        and (
            shipment.is_called(message.shipment_id)
            or (message.shipment_id is None and shipment.under_way)
        )
    ]


def _is_known(order: Order, message: Milestone) -> bool:
    """Whether anything has been told of the shipment it names, or of any of its source."""
    mine = [each for each in order.shipments if each.source == message.source]
    return bool(mine) if message.shipment_id is None else bool(_meant(order, message))


def _arrival(message: Milestone, name: str) -> str:
    return f"{message.source}/{name}"


def _arrive(order: Order, shipment: Shipment, arrived: Arrival, now: datetime) -> None:
    shipment.delivered_at = arrived.at
    end_holds_of_scope(order, f"shipment/{shipment.id}", now)
    count_delivered(order, shipment)
    data = {"shipment_id": shipment.id, "delivered_at": arrived.at.isoformat()}
    order.tell("order.delivered", f"delivered/{shipment.id}", now, data, arrived.message)
    if shipment.lost:
        _found_again(order, shipment, now)


def _found_again(order: Order, shipment: Shipment, now: datetime) -> None:
    """The customer has goods and money: somebody bills the goods again, or has them sent back."""
    detail = f"{shipment.id} was credited as lost and has arrived: bill it again or claim it back"
    problem = Problem(reason="delivery_exception", scope=f"shipment/{shipment.id}", detail=detail)
    order.place_hold(problem, f"delivered/{shipment.id}", now)


def count_delivered(order: Order, shipment: Shipment) -> None:
    for line in order.lines:
        line.delivered += shipment.lines.get(line.line, ZERO)


def _rejected(order: Order, message: Milestone, now: datetime) -> None:
    """The warehouse will not do it, now or after having accepted it. A call that may have crossed
    this may stand nevertheless: then the system is asked before anything else.
    """
    release = order.effect(Step.RELEASE, message.source)
    if release is None or not release.at_most:
        return
    crossed = release.uncertain and (release.state is not EffectState.PENDING or release.overtaken)
    left = {line.line: left_as_asked(line, message.source) for line in order.lines}
    release.standing = tidy({n: min(q, left.get(n, ZERO)) for n, q in release.at_most.items()})
    release.state = EffectState.UNCLEAR if crossed else EffectState.REFUSED
    release.since = now
    if not crossed and not release.standing:
        end_release(order, release)
    order.end_holds_of(release.name, now)
    problem = Problem(reason="warehouse_rejected")
    order.place_hold(problem, f"heard/{message.n}", now, effect=release.name)


def _recall_answered(order: Order, message: Milestone, now: datetime) -> None:
    release = order.effect(Step.RELEASE, message.source)
    if release is None:
        return
    if any(q > release.standing.get(line, ZERO) for line, q in release.asked.items()):
        return  # what it has not said yes to is no recall
    if message.milestone is MilestoneKind.CANCEL_ACCEPTED:
        settle_late(order, release, Done(standing=release.asked), now)
    else:
        settle_late(order, release, Refused(reason="recall_refused"), now)


def _accepted(order: Order, message: Milestone, now: datetime) -> None:
    """Said once, of the first release; what is amended later is answered as a change."""
    release = order.effect(Step.RELEASE, message.source)
    if release and not release.standing:
        settle_late(order, release, Done(standing=release.asked), now)


def _picking(order: Order, message: Milestone, now: datetime) -> None:
    if message.source not in order.picking:
        order.picking.append(message.source)


def _excepted(order: Order, message: Milestone, now: datetime) -> None:
    """The carrier could not deliver: somebody has to find out what becomes of the parcel."""
    for shipment in _meant(order, message):
        if shipment.under_way:
            shipment.scanned_at = message.occurred_at
            detail = " ".join(filter(None, (shipment.carrier, shipment.tracking)))
            problem = Problem(
                reason="delivery_exception", scope=f"shipment/{shipment.id}", detail=detail
            )
            order.place_hold(problem, f"heard/{message.n}/{shipment.id}", now)


_HEARD: dict[MilestoneKind, Callable[[Order, Milestone, datetime], str | None]] = {
    MilestoneKind.ACCEPTED: _accepted,
    MilestoneKind.REJECTED: _rejected,
    MilestoneKind.PICKING: _picking,
    MilestoneKind.PICKED: _picked,
    MilestoneKind.PACKED: _packed,
    MilestoneKind.SHIPPED: _shipped,
    MilestoneKind.DELIVERED: _delivered,
    MilestoneKind.DELIVERY_EXCEPTION: _excepted,
    MilestoneKind.CANCEL_ACCEPTED: _recall_answered,
    MilestoneKind.CANCEL_REFUSED: _recall_answered,
    MilestoneKind.RETURN_RECEIVED: returned,
    MilestoneKind.RETURN_INSPECTED: inspected,
}

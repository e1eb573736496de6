"""What warehouses and carriers say, and what follows from it for the order.

Facts are never refused. A later kind implies the earlier ones.
"""

import itertools
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from domain.answer import Done, Refused
from domain.base import ZERO, Goal, added, plain, tidy
from domain.effect import Effect, EffectState, Step
from domain.hold import Problem
from domain.message import Milestone, MilestoneKind
from domain.order import Line, Order, Return, Shipment, known_line
from domain.settling import settle_late
from domain.sourcing import allocate, end_release, left_as_asked, settle_apart


def hear_milestone(order: Order, message: Milestone, now: datetime) -> None:
    """Raises `Misunderstood` for a line the order does not have."""
    if order.lines:
        for number in message.quantities:
            known_line(order, number)
    _HEARD[message.milestone](order, message, now)


def _picked(order: Order, message: Milestone, now: datetime) -> None:
    _progress(order, message, lambda line: line.picked)
    if message.final:
        _short_pick(order, message)


def _packed(order: Order, message: Milestone, now: datetime) -> None:
    _progress(order, message, lambda line: line.packed)


def _progress(order: Order, message: Milestone, where: Callable[[Line], Goal]) -> None:
    for number, quantity in message.quantities.items():
        if order.lines:
            goal = where(order.line(number))
            goal[message.source] = goal.get(message.source, ZERO) + quantity


def _short_pick(order: Order, message: Milestone) -> None:
    """The warehouse has let go of what it did not find; another source may have it."""
    at, release = message.source, order.effect(Step.RELEASE, message.source)
    if release is None:
        return
    asked = release.at_most
    for line in order.lines:
        earlier = line.unreleased.get(at, ZERO)
        found = max(line.picked.get(at, ZERO) - earlier, left_as_asked(line, at))
        if found < asked.get(line.line, ZERO):
            line.sources = tidy({**line.sources, at: found + earlier})
            order.offers.setdefault(at, {})[order.line_terms(line.line).item] = ZERO
            _let_go(order, release, line.line, found)
    allocate(order)


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
        id=_free_name(name, {shipment.id for shipment in order.shipments}),
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


def _free_name(wanted: str, taken: set[str]) -> str:
    names = itertools.chain([wanted], (f"{wanted}.{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in taken)


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


def _delivered(order: Order, message: Milestone, now: datetime) -> None:
    for shipment in order.shipments:
        meant = message.shipment_id in (None, shipment.id, shipment.reported_as)
        mine = meant and shipment.source == message.source
        if mine and shipment.delivered_at is None:
            shipment.delivered_at = message.occurred_at
            for line in order.lines:
                line.delivered += shipment.lines.get(line.line, ZERO)
            data = {"shipment_id": shipment.id, "delivered_at": message.occurred_at.isoformat()}
            order.tell("order.delivered", f"delivered/{shipment.id}", now, data, message.id)


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


def _returned(order: Order, message: Milestone, now: datetime) -> None:
    _receive(order, _new_return(order, message), message.quantities, message, now)


def _inspected(order: Order, message: Milestone, now: datetime) -> None:
    """Of what was received before, under its name or else at this source; what nobody reported is
    received by being inspected.
    """
    name = message.document or message.id
    here = [back for back in order.returns if back.source == message.source]
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
    unreported = {n: max(q - rest.get(n, ZERO), ZERO) for n, q in message.quantities.items()}
    _receive(order, back, tidy(unreported), message, now)
    back.inspected, back.inspected_at = tidy(message.quantities), message.occurred_at
    _credit(order, back, now)


def _credit(order: Order, back: Return, now: datetime) -> None:
    """What never left, or was credited before, is not credited; a person looks at it."""
    before = added(*(each.credited for each in order.returns))
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


def _new_return(order: Order, message: Milestone) -> Return:
    name = message.document or message.id
    back = Return(
        id=_free_name(name, {each.id for each in order.returns}),
        reported_as=name,
        source=message.source,
        received_at=message.occurred_at,
    )
    order.returns.append(back)
    return back


def _receive(
    order: Order, back: Return, quantities: Goal, message: Milestone, now: datetime
) -> None:
    for number, quantity in quantities.items():
        known_line(order, number).returned += quantity
    back.received = tidy(added(back.received, quantities))
    if quantities:
        data = {"return_id": back.id, "source": back.source, "lines": plain(quantities)}
        order.tell("order.returned", f"heard/{message.n}", now, data, message.id)


def _nothing(order: Order, message: Milestone, now: datetime) -> None:
    """Told to others by the inbox; the order has nothing to do about it."""


_HEARD: dict[MilestoneKind, Callable[[Order, Milestone, datetime], None]] = {
    MilestoneKind.ACCEPTED: _accepted,
    MilestoneKind.REJECTED: _rejected,
    MilestoneKind.PICKING: _picking,
    MilestoneKind.PICKED: _picked,
    MilestoneKind.PACKED: _packed,
    MilestoneKind.SHIPPED: _shipped,
    MilestoneKind.DELIVERED: _delivered,
    MilestoneKind.DELIVERY_EXCEPTION: _nothing,
    MilestoneKind.CANCEL_ACCEPTED: _recall_answered,
    MilestoneKind.CANCEL_REFUSED: _recall_answered,
    MilestoneKind.RETURN_RECEIVED: _returned,
    MilestoneKind.RETURN_INSPECTED: _inspected,
}

"""What arriving messages change. A message is taken in whole, once, in order, or refused whole."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from domain.answer import Done, Refused
from domain.base import ZERO, Goal, added, tidy
from domain.effect import Effect, EffectState, Step, effect_name
from domain.hold import WAIVABLE, Problem
from domain.message import (
    Amended,
    Answered,
    CancelRequested,
    HoldPlaced,
    HoldReleased,
    Message,
    Milestone,
    MilestoneKind,
    Placed,
    StockArrived,
    StockLost,
)
from domain.order import Header, Line, Misunderstood, Order, Outcome, Return, Shipment
from domain.settling import settle
from domain.sourcing import allocate, trim


def hear(order: Order, message: Message, now: datetime) -> bool:
    """Take the message in, and note what became of it. Whether it was its turn.

    One heard before is passed over; so is one that came before its predecessor, which is handed
    over again. Raises `Misunderstood`, half way through, when the order can make no sense of it.
    """
    if message.n != order.heard + 1:
        return False
    order.heard = message.n
    order.closed_at = None
    outcome = _take_in(order, message, now)
    order.outcomes.append(outcome or Outcome(n=message.n))
    return True


def refuse(order: Order, message: Message, why: str) -> None:
    """Pass over a message that could not be taken in; it becomes a dead letter."""
    order.heard = message.n
    order.outcomes.append(
        Outcome(n=message.n, status="refused", reason="not_understood", detail=why)
    )


def _take_in(order: Order, message: Message, now: datetime) -> Outcome | None:
    match message:
        case Placed():
            return _place(order, message, now)
        case CancelRequested():
            return _cancel(order, message, now)
        case Amended():
            return _amend(order, message, now)
        case HoldPlaced():
            order.place_hold(
                Problem(reason=message.reason, scope=message.scope, detail=message.detail), now
            )
        case HoldReleased():
            return _release_hold(order, message, now)
        case Milestone():
            _milestone(order, message, now)
        case Answered():
            _answered(order, message, now)
        case StockArrived():
            order.offers.setdefault(message.location, {})[message.item] = message.available
            allocate(order)
        case StockLost():
            _lose_stock(order, message, now)
    return None


def _refused(message: Message, reason: str, detail: str = "") -> Outcome:
    return Outcome(n=message.n, status="refused", reason=reason, detail=detail)


# what customers and people say


def _place(order: Order, message: Placed, now: datetime) -> Outcome | None:
    if order.lines:
        return _refused(message, "already_placed")
    order.header = Header.of(message.order)
    order.placed_at = now
    order.correlation_id = message.correlation_id
    order.patience = message.patience
    order.lines = [
        Line(
            line=new.line or "",
            item=new.item,
            unit=new.unit,
            price=new.price,
            price_unit=new.price_unit,
            ordered=new.quantity,
        )
        for new in message.order.numbered().lines
    ]
    for shipment in order.shipments:  # heard of before its order
        _count_shipment(order, shipment, now)
    order.tell("order.created", "created", now, {"reference": order.header.reference}, message.id)
    if message.duplicate_of:
        problem = Problem(reason="suspected_duplicate", detail=f"looks like {message.duplicate_of}")
        order.place_hold(problem, now)
    return None


def _cancel(order: Order, message: CancelRequested, now: datetime) -> Outcome | None:
    wanted: Goal = message.lines or {line.line: line.agreed for line in order.lines}
    cancelled: Goal = {}
    for number, quantity in wanted.items():
        line = _line(order, number)
        cancelled[number] = min(quantity, line.agreed - line.total_shipped)
        line.cancelled += cancelled[number]
    cancelled = tidy(cancelled)
    if not cancelled:
        return _refused(message, "nothing_to_cancel", "all of it has been shipped or cancelled")
    trim(order)
    data = {"lines": _plain(cancelled), "reason": message.reason, "by": message.by}
    order.tell("order.cancelled", f"heard/{message.n}", now, data, message.id)
    return Outcome(n=message.n, detail=_words("cancelled", cancelled))


def _amend(order: Order, message: Amended, now: datetime) -> Outcome | None:
    for number, quantity in message.lines.items():
        if quantity < _line(order, number).total_shipped:
            return _refused(message, "below_shipped", f"line {number} has shipped more than that")
    for number, quantity in message.lines.items():
        line = _line(order, number)
        line.ordered = quantity + line.cancelled
    allocate(order)
    data = {"lines": _plain(message.lines), "by": message.by}
    order.tell("order.amended", f"heard/{message.n}", now, data, message.id)
    return Outcome(n=message.n, detail=_words("amended", message.lines))


def _release_hold(order: Order, message: HoldReleased, now: datetime) -> Outcome | None:
    hold = next((hold for hold in order.holds if hold.id == message.hold), None)
    if hold is None:
        return _refused(message, "unknown_hold", message.hold)
    if not hold.open:
        return _refused(message, "already_released", f"by {hold.released_by}")
    if hold.reason in WAIVABLE:
        order.waived.append(f"{hold.scope}/{hold.reason}")
    order.end_hold(hold, now, message.by)
    if hold.effect and (effect := order.effects.get(hold.effect)):
        _try_again(effect)
    return None


def _try_again(effect: Effect) -> None:
    """A new key only after a definite refusal; without an answer, the old key is asked for."""
    if effect.state in (EffectState.PENDING, EffectState.UNCLEAR):
        effect.state = EffectState.UNKNOWN
    elif effect.state is EffectState.REFUSED:
        effect.state = EffectState.CONFIRMED
        effect.generation += 0 if effect.standing else 1
        if effect.step is Step.CAPTURE:
            effect.standing = {}


# what warehouses and carriers say


def _milestone(order: Order, message: Milestone, now: datetime) -> None:
    if order.lines:
        for number in message.quantities:
            _line(order, number)
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
    release = order.effect(Step.RELEASE, message.source)
    for line in order.lines:
        if release is None or line.line not in release.standing:
            continue
        found = max(line.picked.get(message.source, ZERO), line.shipped.get(message.source, ZERO))
        if found < release.standing[line.line]:
            line.sources = tidy({**line.sources, message.source: found})
            release.standing = tidy({**release.standing, line.line: found})
            item = order.line_terms(line.line).item
            order.offers.setdefault(message.source, {})[item] = ZERO
    allocate(order)


def _shipped(order: Order, message: Milestone, now: datetime) -> None:
    known = {shipment.id for shipment in order.shipments}
    wanted = message.shipment_id or message.id
    name = next(n for n in _names(wanted) if n not in known)
    shipment = Shipment(
        id=name,
        source=message.source,
        lines=tidy(message.quantities),
        document=message.document or "",
        carrier=message.carrier,
        tracking=message.tracking,
        shipped_at=message.occurred_at,
    )
    order.shipments.append(shipment)
    _count_shipment(order, shipment, now)
    data = {
        "shipment_id": shipment.id,
        "source": shipment.source,
        "carrier": shipment.carrier,
        "tracking": shipment.tracking,
        "lines": _plain(shipment.lines),
    }
    order.tell("order.shipped", f"heard/{message.n}", now, data, message.id)


def _names(wanted: str) -> "list[str]":
    return [wanted, *(f"{wanted}.{number}" for number in range(2, 1000))]


def _count_shipment(order: Order, shipment: Shipment, now: datetime) -> None:
    """What a location shipped beyond what it was asked to is looked at by a person."""
    source = shipment.source
    released = order.at_most(Step.RELEASE, source)
    for line in order.lines:
        quantity = shipment.lines.get(line.line, ZERO)
        if not quantity:
            continue
        line.shipped[source] = line.shipped.get(source, ZERO) + quantity
        asked = released.get(line.line, ZERO) + line.unreleased.get(source, ZERO)
        beyond = line.shipped[source] - asked
        if beyond > 0:
            line.unreleased[source] = line.unreleased.get(source, ZERO) + beyond
        planned = max(asked, line.sources.get(source, ZERO))
        if line.total_shipped > line.ordered or (line.sources and line.shipped[source] > planned):
            problem = Problem(
                reason="overshipped",
                scope=f"line/{line.line}",
                detail=f"{source} shipped {line.shipped[source]:f}, asked for were {planned:f}",
            )
            order.place_hold(problem, now)
    allocate(order)


def _delivered(order: Order, message: Milestone, now: datetime) -> None:
    for shipment in order.shipments:
        mine = message.shipment_id in (None, shipment.id) and shipment.source == message.source
        if mine and shipment.delivered_at is None:
            shipment.delivered_at = message.occurred_at
            for line in order.lines:
                line.delivered += shipment.lines.get(line.line, ZERO)
            data = {"shipment_id": shipment.id, "delivered_at": message.occurred_at.isoformat()}
            order.tell("order.delivered", f"delivered/{shipment.id}", now, data, message.id)


def _rejected(order: Order, message: Milestone, now: datetime) -> None:
    """The warehouse will not do it, now or after having accepted it."""
    release = order.effect(Step.RELEASE, message.source)
    if release is None:
        return
    shipped = {x.line: x.shipped.get(message.source, ZERO) for x in order.lines}
    release.standing = tidy({n: min(q, shipped.get(n, ZERO)) for n, q in release.standing.items()})
    release.state, release.since = EffectState.REFUSED, now
    order.place_hold(Problem(reason="warehouse_rejected"), now, effect=release.name)


def _recall_answered(order: Order, message: Milestone, now: datetime) -> None:
    release = order.effect(Step.RELEASE, message.source)
    if release is None or release.state is not EffectState.PENDING:
        return
    if message.milestone is MilestoneKind.CANCEL_ACCEPTED:
        settle(order, release.name, Done(standing=release.asked, ref=release.ref), now)
    else:
        settle(order, release.name, Refused(reason="recall_refused"), now)


def _accepted(order: Order, message: Milestone, now: datetime) -> None:
    release = order.effect(Step.RELEASE, message.source)
    if release and release.state is EffectState.PENDING and release.asked:
        settle(order, release.name, Done(standing=release.asked, ref=release.ref), now)


def _picking(order: Order, message: Milestone, now: datetime) -> None:
    if message.source not in order.picking:
        order.picking.append(message.source)


def _returned(order: Order, message: Milestone, now: datetime) -> None:
    back = Return(
        id=message.document or message.id,
        source=message.source,
        received=tidy(message.quantities),
        received_at=message.occurred_at,
    )
    back.id = next(n for n in _names(back.id) if n not in {each.id for each in order.returns})
    order.returns.append(back)
    for number, quantity in back.received.items():
        _line(order, number).returned += quantity
    data = {"return_id": back.id, "source": back.source, "lines": _plain(back.received)}
    order.tell("order.returned", f"heard/{message.n}", now, data, message.id)


def _inspected(order: Order, message: Milestone, now: datetime) -> None:
    """Of a return that was reported before; else the inspection reports its receipt as well."""
    wanted = message.document or message.id
    back = next((each for each in order.returns if each.id == wanted), None)
    back = back or next(
        (r for r in order.returns if r.inspected_at is None and r.source == message.source), None
    )
    if back is None or back.inspected_at is not None:
        _returned(order, message, now)
        back = order.returns[-1]
    back.inspected = tidy(added(back.inspected, message.quantities))
    back.inspected_at = message.occurred_at


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


# what systems and the ledger say


def _answered(order: Order, message: Answered, now: datetime) -> None:
    """Only an answer that is still waited for counts; otherwise the system was asked meanwhile."""
    for name, effect in order.effects.items():
        if effect.state is EffectState.PENDING and order.key(effect) == message.key:
            answer = message.answer
            if isinstance(answer, Done) and effect.asked and not answer.standing:
                answer = answer.model_copy(update={"standing": effect.asked})
            settle(order, name, answer, now)
            return


def _lose_stock(order: Order, message: StockLost, now: datetime) -> None:
    line = _line(order, message.line)
    kept = max(line.sources.get(message.location, ZERO) - message.quantity, ZERO)
    hard = order.at_most(Step.RELEASE, message.location).get(message.line, ZERO)
    if kept < hard:
        problem = Problem(
            reason="unavailable_inventory",
            scope=f"line/{message.line}",
            detail=f"{message.location} was asked for {hard:f} and has {kept:f}",
        )
        order.place_hold(problem, now)
        return
    line.sources = tidy({**line.sources, message.location: kept})
    if stock := order.effects.get(effect_name(Step.STOCK)):
        name = f"{message.line}/{message.location}"
        stock.standing = tidy({**stock.standing, name: min(stock.standing.get(name, ZERO), kept)})
    allocate(order)


def _line(order: Order, number: str) -> Line:
    try:
        return order.line(number)
    except KeyError:
        raise Misunderstood(f"the order has no line {number}") from None


def _plain(goal: dict[str, Decimal]) -> dict[str, str]:
    return {name: f"{amount:f}" for name, amount in goal.items()}


def _words(what: str, goal: dict[str, Decimal]) -> str:
    return f"{what} " + ", ".join(f"{amount:f} of line {name}" for name, amount in goal.items())

"""What arriving messages change. A message is taken in whole, once, in order, or refused whole."""

from datetime import datetime

from domain.amending import amend, cancel, is_early, new_line, replan
from domain.base import ZERO, plain, tidy
from domain.deadlines import good_until
from domain.effect import Effect, EffectState, Step
from domain.hold import WAIVABLE, Hold, Problem
from domain.message import (
    Amended,
    Answered,
    CancelRequested,
    CreditGranted,
    HoldPlaced,
    HoldReleased,
    Message,
    Milestone,
    PaymentReceived,
    Placed,
    QuoteAccepted,
    ReplanAsked,
    RetryAsked,
    ReturnAuthorised,
    StockArrived,
    StockLost,
)
from domain.milestones import count_delivered, count_shipment, hear_milestone
from domain.order import Header, Order, Outcome, known_line, refused
from domain.paperwork import fulfilment_id
from domain.returns import authorise_return, grant_credit
from domain.settling import settle_late
from domain.sourcing import allocate, position

EARLY_RELEASES = 10
"""How many releases of holds nobody has placed yet are remembered."""


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
    if isinstance(message, Milestone | StockLost):
        order.tell_backorders(f"heard/{message.n}", now)
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
            return cancel(order, message, now)
        case Amended():
            return amend(order, message, now)
        case QuoteAccepted():
            return _accept(order, message, now)
        case ReturnAuthorised():
            return authorise_return(order, message, now)
        case CreditGranted():
            return grant_credit(order, message, now)
        case PaymentReceived():
            return _paid(order, message)
        case RetryAsked():
            return _retry(order, message)
        case ReplanAsked():
            return replan(order, message, now)
        case HoldPlaced():
            return _place_hold(order, message, now)
        case HoldReleased():
            return _release_hold(order, message, now)
        case Milestone():
            if detail := hear_milestone(order, message, now):
                return Outcome(n=message.n, detail=detail)
        case Answered():
            _answered(order, message, now)
        case StockArrived():
            _find_stock(order, message)
        case StockLost():
            _lose_stock(order, message)
    return None


# what customers and people say


def _place(order: Order, message: Placed, now: datetime) -> Outcome | None:
    if order.lines:
        return refused(message, "already_placed")
    order.header = Header.of(message.order)
    order.placed_at = now
    order.early = is_early(order.header.ship_not_before, now)
    if order.header.payment.paid:
        order.receipts = {order.header.reference: order.header.payment.paid}
    order.correlation_id = message.correlation_id
    order.patience = message.patience
    order.lines = [new_line(each, each.line or "") for each in message.order.numbered().lines]
    for shipment in order.shipments:  # heard of before its order
        count_shipment(order, shipment, now)
        if shipment.delivered_at:
            count_delivered(order, shipment)
    order.tell("order.created", "created", now, {"reference": order.header.reference}, message.id)
    if message.duplicate_of:
        problem = Problem(reason="suspected_duplicate", detail=f"looks like {message.duplicate_of}")
        order.place_hold(problem, f"heard/{message.n}", now)
    return None


def _accept(order: Order, message: QuoteAccepted, now: datetime) -> Outcome | None:
    if order.header is None or order.header.kind != "quote":
        return refused(message, "not_a_quote")
    if order.accepted_at is not None:
        return refused(message, "already_accepted")
    came, end = message.received_at, good_until(order)
    if came and end and came >= end and order.quoted:
        return refused(message, "expired", f"it was good until {end:%Y-%m-%d %H:%M} UTC")
    if not any(line.agreed for line in order.lines):
        if not (came and order.lapsed_lines):
            return refused(message, "expired" if order.lapsed else "cancelled")
        _take_up_again(order, message, now)
    order.accepted_at = now
    return None


def _take_up_again(order: Order, message: QuoteAccepted, now: datetime) -> None:
    """The quote was accepted in time, and expired before that could be handed over."""
    for line in order.lines:
        line.cancelled -= order.lapsed_lines.get(line.line, ZERO)
    data = {"lines": plain(order.lapsed_lines), "added": [], "by": message.by}
    order.lapsed, order.lapsed_lines = False, {}
    allocate(order)
    order.tell("order.amended", f"heard/{message.n}", now, data, message.id)


def _place_hold(order: Order, message: HoldPlaced, now: datetime) -> Outcome | None:
    scope = _known_scope(order, message.scope)
    if scope is None:
        return refused(message, "unknown_scope", f"the order has no {message.scope}")
    problem = Problem(reason=message.reason, scope=scope, detail=message.detail)
    order.place_hold(problem, f"heard/{message.n}", now, until=message.until)
    return None


def _known_scope(order: Order, scope: str) -> str | None:
    """The scope as holds name it, if the order has it."""
    what, _, which = scope.partition("/")
    match what:
        case "order":
            known = {""}
        case "line":
            known = {name for line in order.lines for name in (line.line, line.kit) if name}
        case "fulfilment":
            which = which.removeprefix(fulfilment_id(order.id, ""))
            known = set(order.terms.sources) if order.terms else set()
            known |= {location for line in order.lines for location in line.sources}
        case "shipment":
            known = {shipment.id for shipment in order.shipments}
        case _:
            known = {back.id for back in order.returns} if what == "return" else set()
    return "/".join(filter(None, (what, which))) if which in known else None


def _release_hold(order: Order, message: HoldReleased, now: datetime) -> Outcome | None:
    """A hold that was seen in a record, before the order's worker died, may be placed again only
    after its release is heard.
    """
    hold = next((hold for hold in order.holds if hold.id == message.hold), None)
    if hold is None:
        if message.skip or message.edit:
            return refused(message, "unknown_hold", "it is not placed yet; release it again")
        early = {**order.released_early, message.hold: message.by}
        order.released_early = dict([*early.items()][-EARLY_RELEASES:])
        return Outcome(n=message.n, detail="is not placed yet")
    if not hold.open:
        return refused(message, "already_released", f"by {hold.released_by}")
    if message.skip and (wrong := _cannot_skip(order, hold)):
        return refused(message, "cannot_skip", wrong)
    if message.edit:
        edit = message.edit.model_copy(update={"n": message.n, "by": message.by})
        outcome = amend(order, edit, now)
        if outcome.status == "refused":
            return outcome
    if message.skip and hold.effect:
        order.effects[hold.effect].skipped = message.skip
    _end_hold(order, hold, now, message.by)
    return None


def _cannot_skip(order: Order, hold: Hold) -> str:
    """Only transport can be arranged by hand: all else that stands is compared with other books."""
    effect = order.effects.get(hold.effect or "")
    if effect is None or effect.step is not Step.BOOK:
        return "only a carrier's booking can be done by hand"
    return ""


def release_early(order: Order, now: datetime) -> None:
    """End the holds whose release was heard before they were placed."""
    for hold in order.open_holds:
        if (by := order.released_early.pop(hold.id, None)) is not None:
            _end_hold(order, hold, now, by)


def _end_hold(order: Order, hold: Hold, now: datetime, by: str) -> None:
    if hold.reason in WAIVABLE:
        order.waived.append(f"{hold.scope}/{hold.reason}")
    order.end_hold(hold, now, by)
    for shipment in order.shipments:
        if hold.scope == f"shipment/{shipment.id}":
            shipment.waited_since = now
    if hold.effect and (effect := order.effects.get(hold.effect)):
        _try_again(effect)


def _try_again(effect: Effect) -> None:
    """Without an answer, the old key is asked for."""
    if effect.state in (EffectState.PENDING, EffectState.UNCLEAR):
        effect.state = EffectState.UNKNOWN
    elif effect.state is EffectState.REFUSED:
        effect.state = EffectState.CONFIRMED
        if effect.step is Step.CAPTURE:
            effect.standing = {}


def _paid(order: Order, message: PaymentReceived) -> Outcome | None:
    """Before it leaves, where it is prepaid; what is on account, whenever its customer pays."""
    if order.header is None or order.header.payment.method == "card":
        return refused(message, "paid_by_card", "the gateway says what was paid")
    if message.receipt in order.receipts:
        return refused(message, "known_receipt", f"{message.receipt} is counted already")
    if order.paid + message.amount < 0:
        return refused(message, "more_than_paid", f"{order.paid:f} was paid")
    order.receipts = {**order.receipts, message.receipt: message.amount}
    return None


def _retry(order: Order, message: RetryAsked) -> Outcome | None:
    """Whatever waits to be tried again is tried now; a call under way is made anew."""
    found = [
        effect
        for name, effect in order.effects.items()
        if message.effect in ("", name) and effect.uncertain and not effect.step.ours
    ]
    if not found:
        return refused(message, "nothing_to_retry")
    for effect in found:
        effect.state = EffectState.UNKNOWN
    return Outcome(n=message.n, detail=", ".join(effect.name for effect in found))


# what systems and the ledger say


def _answered(order: Order, message: Answered, now: datetime) -> None:
    for effect in order.effects.values():
        if order.key(effect) == message.key:
            settle_late(order, effect, message.answer, now)
            return


def _find_stock(order: Order, message: StockArrived) -> None:
    """Where the item could not be found, it is believed in again once more of it has come."""
    order.offers.setdefault(message.location, {})[message.item] = message.available
    lost = order.not_found.get(message.location, {})
    if message.item in lost and (not message.came_at or message.came_at > lost[message.item]):
        del lost[message.item]
    _look_again(order, Step.CAPTURE)
    _look_again(order, Step.STOCK)
    allocate(order)


def _lose_stock(order: Order, message: StockLost) -> None:
    """The ledger has taken the reservation back. What a warehouse was asked for, it may find; so it
    stays wanted there, and the ledger's next answer says what is short.
    """
    line, at = known_line(order, message.line), message.location
    kept = max(line.sources.get(at, ZERO) - message.quantity, ZERO)
    hard = order.at_most(Step.RELEASE, at).get(line.line, ZERO) + line.unreleased.get(at, ZERO)
    line.sources = tidy({**line.sources, at: max(kept, min(line.sources.get(at, ZERO), hard))})
    if order.terms and line.line in order.terms.lines:
        order.offers.setdefault(at, {})[order.line_terms(line.line).item] = ZERO
    if stock := order.effect(Step.STOCK):
        name = position(line.line, at)
        left = max(stock.standing.get(name, ZERO) - message.quantity, ZERO)
        stock.standing = tidy({**stock.standing, name: left})
        # An answer taken in before may be the later one of the two: the ledger says what stands.
        stock.state = EffectState.UNKNOWN
    allocate(order)


def _look_again(order: Order, step: Step) -> None:
    """A call under way may have been answered before what was heard now."""
    effect = order.effect(step)
    if effect and effect.state is EffectState.SENT:
        effect.state = EffectState.UNKNOWN

"""When an order must look up by itself, and what follows when nothing has happened until then."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from domain.base import ZERO, plain, tidy
from domain.effect import EffectState, Step, effect_name
from domain.hold import Problem
from domain.order import Order
from domain.sourcing import keep_only_hard

NEVER = date(2200, 1, 1)  # whoever names a day from here on means that there is none

Due = tuple[str, datetime]


def deadlines(order: Order) -> dict[str, datetime]:
    """When to look up, whatever else happens, by what for: an effect whose answer was promised, a
    day the customer named (days begin and end at midnight UTC), a parcel, a return, a hold.
    """
    return dict(
        [*_answers(order), *_days(order), *_card(order), *_parcels(order), *_returns(order),
         *_holds(order)]
    )  # fmt: skip


def expire(order: Order, now: datetime) -> None:
    """Take note of what is due, and still is when its turn comes."""
    for name, at in deadlines(order).items():
        if at <= now and name in deadlines(order):
            _expire(order, name, now)


def _expire(order: Order, name: str, now: datetime) -> None:
    what, _, which = name.partition("/")
    match what:
        case "ship_not_before":
            order.early = False
        case "cancel_after" | "valid_until":
            _lapse(order, what, now)
        case "estimating":
            order.unestimated = True
        case "claim":
            order.renewals += 1
        case "parcel":
            shipment = next(each for each in order.shipments if each.id == which)
            since = f"since {shipment.last_word:%Y-%m-%d}"
            detail = f"nothing was heard of {shipment.tracking or which} {since}"
            problem = Problem(reason="lost_parcel", scope=f"shipment/{which}", detail=detail)
            fact = f"parcel/{which}/{shipment.watched_from.isoformat()}"
            order.place_hold(problem, fact, now)
        case "authorised":
            order.authorised = [
                each.model_copy(update={"expired": True}) if each.id == which else each
                for each in order.authorised
            ]
        case "hold":
            hold = next(each for each in order.holds if each.id == which)
            order.end_hold(hold, now, by="throughline")
        case "stock":
            order.let_go = True
            keep_only_hard(order)
        case _:
            # Whoever promised an answer and did not give it in time is a case for a person.
            fact = f"{order.effects[name].last_answer}/expired"
            order.place_hold(Problem(reason="no_answer"), fact, now, effect=name)


def _lapse(order: Order, why: str, now: datetime) -> None:
    """What did not leave by the customer's last day is cancelled; so is a quote nobody took."""
    order.lapsed = True
    order.lapsed_lines = cancelled = tidy(
        {line.line: line.agreed - line.total_shipped for line in order.lines}
    )
    for line in order.lines:
        line.cancelled += cancelled.get(line.line, ZERO)
        line.sources = dict(line.shipped)
    data = {"lines": plain(cancelled), "reason": why, "by": "throughline"}
    order.tell("order.cancelled", "lapsed", now, data)


def good_until(order: Order) -> datetime | None:
    """When a quote expires, or did, if it ever does."""
    header = order.header
    days = (header.valid_until, header.cancel_after) if header else ()
    ends = [_midnight(day + timedelta(days=1)) for day in days if day and day < NEVER]
    return min(ends, default=None)


def _answers(order: Order) -> Iterator[Due]:
    held = {hold.effect for hold in order.open_holds}
    for name, effect in order.effects.items():
        if effect.state is EffectState.PENDING and effect.since and name not in held:
            yield name, effect.since + order.patience.answer
    estimate = order.effect(Step.ESTIMATE)
    if estimate and estimate.uncertain and estimate.since and not order.unestimated:
        yield "estimating", estimate.since + order.patience.estimate


def _days(order: Order) -> Iterator[Due]:
    header = order.header
    if header is None:
        return
    if order.early and header.ship_not_before and header.ship_not_before < NEVER:
        yield "ship_not_before", _midnight(header.ship_not_before)
    if order.lapsed or order.all_shipped:
        return
    if header.cancel_after and header.cancel_after < NEVER:
        yield "cancel_after", _midnight(header.cancel_after + timedelta(days=1))
    if order.quoted and header.valid_until and header.valid_until < NEVER:
        yield "valid_until", _midnight(header.valid_until + timedelta(days=1))


def _card(order: Order) -> Iterator[Due]:
    """Claims on a card end by themselves; before that, another one is made."""
    claim = order.effects.get(effect_name(Step.AUTHORISE, current_claim(order)))
    if claim and claim.since and not claim.uncertain and claim.standing and not order.all_shipped:
        yield "claim", claim.since + order.patience.authorisation


def current_claim(order: Order) -> str:
    """The subject of the claim on the card that is in force."""
    return str(order.renewals) if order.renewals else ""


def _parcels(order: Order) -> Iterator[Due]:
    scopes = {hold.scope for hold in order.open_holds}
    for shipment in order.watched:
        if f"shipment/{shipment.id}" not in scopes:
            assert order.patience.delivery is not None
            yield f"parcel/{shipment.id}", shipment.watched_from + order.patience.delivery


def _returns(order: Order) -> Iterator[Due]:
    for each in order.authorised:
        if each.open and each.expires and each.expires < NEVER:
            yield f"authorised/{each.id}", _midnight(each.expires + timedelta(days=1))


def _holds(order: Order) -> Iterator[Due]:
    for hold in order.open_holds:
        if hold.until and hold.until.date() < NEVER:
            yield f"hold/{hold.id}", hold.until
    parked = [hold.since for hold in order.open_holds if hold.scope == "order"]
    if parked and order.patience.held_stock and not order.let_go:
        yield "stock", min(parked) + order.patience.held_stock


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)

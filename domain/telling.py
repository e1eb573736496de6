"""What came in for an order and what happened to it, for somebody who answers a customer."""

from collections.abc import Mapping
from typing import Any, assert_never

from domain.answer import Done
from domain.base import Goal
from domain.message import (
    Amended,
    Answered,
    CancelRequested,
    CreditGranted,
    HoldPlaced,
    HoldReleased,
    Message,
    Milestone,
    MilestoneKind,
    PaymentReceived,
    Placed,
    QuoteAccepted,
    ReplanAsked,
    RetryAsked,
    ReturnAuthorised,
    Skipped,
    StockArrived,
    StockLost,
)

_DAYS = {
    "ship_not_before": "not before {}",
    "cancel_after": "cancelled after {}",
    "valid_until": "valid until {}",
}
_SAID = {
    MilestoneKind.ACCEPTED: "will ship",
    MilestoneKind.REJECTED: "will not ship",
    MilestoneKind.PICKING: "is picking",
    MilestoneKind.PICKED: "has picked",
    MilestoneKind.PACKED: "has packed",
    MilestoneKind.SHIPPED: "has shipped",
    MilestoneKind.DELIVERED: "has delivered",
    MilestoneKind.DELIVERY_EXCEPTION: "has trouble delivering",
    MilestoneKind.CANCEL_ACCEPTED: "agrees to cancel",
    MilestoneKind.CANCEL_REFUSED: "cannot cancel any more",
    MilestoneKind.RETURN_RECEIVED: "has got back",
    MilestoneKind.RETURN_INSPECTED: "has inspected",
}


def said(message: Message) -> str:
    """One sentence. No personal data but names of those who sent it."""
    match message:
        case Placed():
            what = "quote asked for" if message.order.kind == "quote" else "order placed"
            return f"{what} as {message.order.reference} by {message.order.channel}"
        case CancelRequested():
            what = lines(message.lines) or "all that has not left"
            return _signed(f"{what} cancelled", message.by, message.reason)
        case Amended():
            return _signed(_changed(message), message.by)
        case QuoteAccepted():
            return _signed("quote accepted", message.by)
        case ReturnAuthorised():
            return _signed(_may_return(message), message.by, message.reason)
        case CreditGranted():
            return _signed(_credit(message), message.by)
        case PaymentReceived():
            verb = "paid" if message.amount > 0 else "given back"
            what = f"{abs(message.amount):f} {verb}, receipt {message.receipt}"
            return f"{what}, noted by {message.by}" if message.by else what
        case RetryAsked():
            return _signed(f"{message.effect or 'everything that waits'} tried again", message.by)
        case ReplanAsked():
            return _signed("planned anew", message.by)
        case HoldPlaced():
            until = f" until {message.until:%Y-%m-%d %H:%M}Z" if message.until else ""
            what = f"{message.scope.replace('/', ' ')} held{until}"
            return _signed(what, message.by, _and(message.reason, message.detail))
        case HoldReleased():
            return _signed(_released(message), message.by, _and(message.skip, message.note))
        case Milestone():
            return _told(message)
        case Answered():
            ended_as = "done" if isinstance(message.answer, Done) else "refused"
            _, _, named = message.key.partition("/")
            about = f" for {named.partition('/')[0]}" if named else ""
            return f"late answer{about}: {ended_as}"
        case StockArrived():
            return f"{message.available:f} of {message.item} can be had at {message.location}"
        case StockLost():
            what = lines({message.line: message.quantity})
            return f"{what} is not there at {message.location}"
        case Skipped():
            return "a message nobody could read"
    assert_never(message)


def ended(outcome: Mapping[str, Any] | None) -> str:
    """What became of it, if that is not what it says; empty while nobody knows."""
    if not outcome or outcome.get("status") != "refused":
        return ""
    return f"refused: {_and(str(outcome.get('reason', '')), str(outcome.get('detail', '')))}"


def happened(kind: str, data: Mapping[str, Any]) -> str:
    """An event, by its name in the contract: `throughline.order.shipped.v1`."""
    name = kind.removeprefix("throughline.").removesuffix(".v1")
    what = name.removeprefix("order.").replace("_", " ").replace(".", " ")
    goods = data.get("lines")
    if isinstance(goods, Mapping):
        what = f"{what}: {_lines(goods)}" if goods else what
    match name:
        case "order.held" | "order.hold_released":
            what = f"{what}: {str(data.get('scope', '')).replace('/', ' ')}, {data.get('reason')}"
        case "order.invoiced" | "order.credited":
            what = f"{name.removeprefix('order.')} {data.get('total')}, number {data.get('number')}"
        case "order.return_authorised":
            what = f"{what}, as {data.get('return_id')}"
        case "order.released":
            what = f"{what}, to {data.get('source')}"
        case "order.shipped" | "order.returned":
            what = f"{what}, {data.get('source')}"
        case _:
            pass
    by, reason = str(data.get("by") or ""), str(data.get("reason") or "")
    return _signed(what, by, reason if name == "order.cancelled" else "")


def lines(goal: Goal) -> str:
    """`5 of line 1, 3 of line 2`"""
    return ", ".join(f"{quantity:f} of line {line}" for line, quantity in goal.items())


def _lines(goods: Mapping[str, Any]) -> str:
    return ", ".join(f"{quantity} of line {line}" for line, quantity in goods.items())


def _signed(what: str, by: str, why: str = "") -> str:
    return f"{what}{f' by {by}' if by else ''}{f': {why}' if why else ''}"


def _and(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _changed(message: Amended) -> str:
    """An address is personal data: only that it changed is said."""
    parts = [f"line {line} changed to {quantity:f}" for line, quantity in message.lines.items()]
    parts += [f"{each.quantity:f} of {each.item} added" for each in message.add]
    parts += ["another address"] if message.ship_to else []
    for name, sentence in _DAYS.items():
        if (day := getattr(message, name)) is not None:
            parts.append(sentence.format(day))
    return _and(*parts) or "nothing changed"


def _may_return(message: ReturnAuthorised) -> str:
    days = "" if message.days is None else f" for {message.days} days"
    until = f" until {message.expires}" if message.expires else days
    kept = f", {message.restocking:f} % kept" if message.restocking else ""
    return f"{lines(message.lines)} may come back{until}{kept}, agreed"


def _credit(message: CreditGranted) -> str:
    reason = message.reason.replace("_", " ")
    each = {line: f" at {amount:f} each" for line, amount in message.per_unit.items()}
    what = ", ".join(
        f"{quantity:f} of line {line}{each.get(line, '')}"
        for line, quantity in message.lines.items()
    )
    about = f" (shipment {message.shipment})" if message.shipment else ""
    freight = f" and {message.freight:f} of the freight" if message.freight else ""
    return f"{what}{freight} credited, {reason}{about},"


def _released(message: HoldReleased) -> str:
    changed = f" with {_changed(message.edit)}" if message.edit else ""
    by_hand = ", done by hand," if message.skip else ""
    return f"hold {message.hold} released{changed}{by_hand}"


def _told(message: Milestone) -> str:
    goods = lines(message.quantities)
    parcel = _and(message.carrier, message.tracking)
    what = f"{message.source} {_SAID[message.milestone]} {goods}".rstrip()
    return f"{what} ({parcel})" if parcel else what

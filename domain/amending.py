"""What people change about an order while it is on its way: quantities, lines, dates, address.

What can still change is what has not left; what a warehouse was asked for already, it is asked to
let go of, and may refuse.
"""

from datetime import date, datetime

from domain.base import Goal, plain, tidy
from domain.effect import EffectState, Step
from domain.kits import in_parts, is_part
from domain.message import Amended, CancelRequested, ReplanAsked
from domain.order import Order, Outcome, refused
from domain.order_in import MOST_LINES, LineIn
from domain.order_parts import Line
from domain.sourcing import allocate, keep_only_hard, trim
from domain.words import words


def new_line(wanted: LineIn, number: str) -> Line:
    return Line(
        line=number,
        item=wanted.item,
        unit=wanted.unit,
        price=wanted.price,
        price_unit=wanted.price_unit,
        discount=wanted.discount,
        ordered=wanted.quantity,
    )


def cancel(order: Order, message: CancelRequested, now: datetime) -> Outcome:
    wanted: Goal = {line.line: line.agreed for line in order.lines}
    if message.lines:
        if wrong := _not_by_line(order, message.lines):
            return refused(message, *wrong)
        wanted = in_parts(order, message.lines)
    cancelled: Goal = {}
    for number, quantity in wanted.items():
        line = order.line(number)
        cancelled[number] = min(quantity, line.agreed - line.total_shipped)
        line.cancelled += cancelled[number]
    cancelled = tidy(cancelled)
    if not cancelled:
        return refused(message, "nothing_to_cancel", "all of it has been shipped or cancelled")
    trim(order)
    data = {"lines": plain(cancelled), "reason": message.reason, "by": message.by}
    order.tell("order.cancelled", f"heard/{message.n}", now, data, message.id)
    return Outcome(n=message.n, detail=words("cancelled", cancelled))


def amend(order: Order, message: Amended, now: datetime) -> Outcome:
    if wrong := _impossible(order, message, now):
        return refused(message, *wrong)
    lines = in_parts(order, message.lines)
    for number, quantity in lines.items():
        line = order.line(number)
        line.ordered = quantity + line.cancelled
    added: Goal = {}
    named = {each.line for each in message.add}
    for each in message.add:
        number = each.line or _next_number(order, named)
        order.lines.append(new_line(each, number))
        added[number] = each.quantity
    _amend_header(order, message, now)
    if order.quoted:
        look_anew(order)
    allocate(order)
    told = plain({**lines, **added})
    data = {"lines": told, "added": list(added), "by": message.by, **_told(message)}
    order.tell("order.amended", f"heard/{message.n}", now, data, message.id)
    return Outcome(n=message.n, detail=words("amended", {**lines, **added}))


def replan(order: Order, message: ReplanAsked, now: datetime) -> Outcome | None:
    """Take another look at where everything not asked for yet shall come from; at what a warehouse
    could not find, too: it may have turned up.
    """
    capture = order.effect(Step.CAPTURE)
    if order.quoted or capture is None or capture.state is not EffectState.CONFIRMED:
        return refused(message, "nothing_to_plan", "it is not captured yet")
    order.not_found.clear()
    keep_only_hard(order)
    look_anew(order)
    return None


def _impossible(order: Order, message: Amended, now: datetime) -> tuple[str, str] | None:
    """Why the order cannot be changed like this; all of it, before any of it is."""
    if not any(line.agreed for line in order.lines):
        return "cancelled", "nothing is left of the order"
    if wrong := _not_by_line(order, message.lines):
        return wrong
    for number, quantity in in_parts(order, message.lines).items():
        if quantity < order.line(number).total_shipped:
            return "below_shipped", f"line {number} has shipped more than that"
    taken = {line.line for line in order.lines} | {line.kit for line in order.lines}
    for each in message.add:
        if each.line in taken:
            return "line_exists", f"the order has a line {each.line}"
        taken.add(each.line or "")
    if len({line.kit or line.line for line in order.lines}) + len(message.add) > MOST_LINES:
        return "too_many_lines", f"an order has at most {MOST_LINES} lines"
    if message.ship_to and order.shipments:
        return "already_shipped", "some of it went to the old address; order the rest anew"
    if message.ship_to and any(each.at_most for each in order.effects_of(Step.RELEASE)):
        return "already_released", "a warehouse has the address; cancel what it has not shipped"
    return _wrong_days(order, message, now)


def _wrong_days(order: Order, message: Amended, now: datetime) -> tuple[str, str] | None:
    header = order.header
    assert header is not None
    if message.valid_until and not order.quoted:
        return "not_a_quote", "only a quote is valid until a day"
    if message.cancel_after and order.lapsed:
        return "dates", "its last day is over; what is wanted yet is another order"
    first = message.ship_not_before or header.ship_not_before
    last = message.cancel_after or header.cancel_after
    if first and last and last < first:
        return "dates", "cancel_after lies before ship_not_before"
    for day in (message.cancel_after, message.valid_until):
        if day and day < now.date():
            return "dates", f"{day} is over"
    return None


def _amend_header(order: Order, message: Amended, now: datetime) -> None:
    assert order.header is not None
    changed = {
        name: value
        for name in ("ship_to", "ship_not_before", "cancel_after", "valid_until")
        if (value := getattr(message, name)) is not None
    }
    if not changed:
        return
    order.header = order.header.model_copy(update=changed)
    order.early = is_early(order.header.ship_not_before, now)
    if message.ship_to:
        for effect in order.effects.values():
            if effect.step in (Step.ESTIMATE, Step.ERP, Step.BOOK):
                effect.stale = bool(effect.at_most)
                if effect.state is EffectState.REFUSED:
                    effect.state = EffectState.CONFIRMED  # tried again with the new one


def is_early(first_day: date | None, now: datetime) -> bool:
    return first_day is not None and first_day > now.date()


def look_anew(order: Order) -> None:
    """With today's data: prices only of a quote, what there is of every order."""
    capture = order.effect(Step.CAPTURE)
    if capture and not capture.uncertain:
        capture.standing = {}


def _not_by_line(order: Order, lines: Goal) -> tuple[str, str] | None:
    for number in lines:
        if is_part(order, number):
            return "part_of_a_kit", f"line {number} goes with its kit"
        if all(number not in (line.line, line.kit) for line in order.lines):
            return "unknown_line", f"the order has no line {number}"
    return None


def _next_number(order: Order, named: set[str | None]) -> str:
    """The next that no line has, nor any of those `named` to be added."""
    taken = {line.line for line in order.lines} | {line.kit for line in order.lines} | named
    return next(str(n) for n in range(len(order.lines) + 1, 10**6) if str(n) not in taken)


def _told(message: Amended) -> dict[str, str]:
    """Days are told; an address is personal data, and only that it changed is."""
    days = {
        name: value.isoformat()
        for name in ("ship_not_before", "cancel_after", "valid_until")
        if (value := getattr(message, name)) is not None
    }
    return {**days, **({"ship_to": "changed"} if message.ship_to else {})}

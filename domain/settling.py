"""What answers change: how a call ended, and what follows from that for the order itself."""

from collections.abc import Sequence
from datetime import datetime

from domain.amounts import credit_note, invoice
from domain.answer import Answer, Captured, Done, Pending, Refused, Unclear
from domain.base import ZERO, Goal, plain, tidy
from domain.deadlines import current_claim
from domain.effect import Action, Effect, EffectState, Step, effect_name
from domain.hold import WAIVABLE, Problem
from domain.kits import explode, in_parts
from domain.order import Order
from domain.plan import targets
from domain.refunds import refunds
from domain.sourcing import (
    allocate,
    end_release,
    forget_unreserved,
    next_carrier,
    start_releases_anew,
    trim,
    use_up_offers,
)
from domain.terms import LineTerms, Terms

_AWAITED = (EffectState.SENT, EffectState.PENDING)
_OF_THE_PRICE = frozenset({"price_mismatch", "no_price"})


def intend(order: Order, action: Action, now: datetime) -> None:
    """Note that a call is about to be made."""
    effect = order.effects.setdefault(
        action.effect, Effect(step=action.step, subject=action.subject)
    )
    if action.step is Step.COLLECT and not effect.at_most:
        effect.under = effect_name(Step.AUTHORISE, current_claim(order))
    if action.step is Step.REFUND and not effect.at_most:
        effect.under = refunds(order)[action.subject].under
    effect.overtaken = effect.overtaken or effect.uncertain
    effect.possible = effect.at_most if effect.uncertain else {}
    effect.system, effect.answered = action.system, False
    effect.state, effect.asked, effect.since = EffectState.SENT, action.goal, now


def settle(order: Order, name: str, answer: Answer | None, now: datetime) -> None:
    """Take down how a call ended; `None` when nobody knows.

    What was heard of the effect since the call was made is newer than the call's answer, which then
    changes nothing.
    """
    effect = order.effects[name]
    effect.answers += 1
    if effect.state not in _AWAITED:
        return
    effect.since = now
    match answer:
        case Done():
            _confirm(order, effect, answer, now)
        case Captured():
            _capture(order, effect, answer, now)
        case Pending():
            effect.state = EffectState.UNKNOWN if effect.answered else EffectState.PENDING
        case Refused():
            _refuse(order, effect, answer, now)
        case Unclear():
            effect.state = EffectState.UNCLEAR
            _hold(order, effect, Problem(reason="unexpected_answer", detail=answer.detail), now)
        case None:
            effect.state = EffectState.UNKNOWN
    if effect.step in (Step.RELEASE, Step.BOOK):
        start_releases_anew(order)
    if effect.step in (Step.CAPTURE, Step.STOCK) and effect.state is EffectState.CONFIRMED:
        order.tell_backorders(effect.last_answer, now)


def settle_late(order: Order, effect: Effect, answer: Done | Refused, now: datetime) -> None:
    """Take down an answer that came by message, if one is waited for. When it may be about another
    call than the last, it is not believed: the system is asked.
    """
    if effect.state is EffectState.SENT:
        effect.answered = True
    if effect.state is not EffectState.PENDING:
        return
    if effect.overtaken:
        effect.state = EffectState.UNKNOWN
        return
    if isinstance(answer, Done) and not answer.standing:
        answer = answer.model_copy(update={"standing": effect.asked})
    settle(order, effect.name, answer, now)


def _confirm(order: Order, effect: Effect, answer: Done, now: datetime) -> None:
    effect.state = EffectState.CONFIRMED
    effect.ref, effect.amounts = answer.ref or effect.ref, answer.amounts or effect.amounts
    if effect.step is Step.ESTIMATE:
        order.unestimated = False
    effect.overtaken = effect.overtaken and not effect.step.ours
    order.end_holds_of(effect.name, now)
    if effect.doubted or effect.asked.get("open", ZERO) > effect.standing.get("open", ZERO):
        effect.doubted, effect.checked_at = False, now
    if effect.step is Step.STOCK:
        use_up_offers(order, effect.standing, answer.standing)
    _stand(order, effect, answer.standing, now)
    effect.refused_by = ()
    if not effect.standing:
        effect.stale = False
        _end_generation(order, effect)
        effect.amounts = {}


def _stand(order: Order, effect: Effect, standing: Goal, now: datetime) -> None:
    """Take down what stands, and tell of it if that is news."""
    standing = tidy(standing)
    if standing != effect.standing:
        effect.standing = standing
        effect.version += 1
        _tell(order, effect, now)


def _capture(order: Order, effect: Effect, answer: Captured, now: datetime) -> None:
    """Take over today's data; what must be decided first becomes holds, all of it at once."""
    order.offers = _copied(answer.offers)
    open_problems = [x for x in answer.problems if not _decided(order, effect, x)]
    _end_solved(order, effect, open_problems, now)
    if effect.version == 0:
        order.terms = answer.terms
    if open_problems:
        effect.state = EffectState.REFUSED
        for problem in open_problems:
            order.place_hold(problem, effect.last_answer, now, effect=effect.name)
        return
    before = set(order.terms.lines) if effect.version and order.terms else set[str]()
    if effect.version:
        _keep_what_was_agreed(order, answer.terms)
    _accept_waived_prices(order, answer.asked, before)
    explode(order, answer.kits)
    standing = in_parts(order, answer.standing)
    effect.state, effect.standing = EffectState.CONFIRMED, tidy(standing)
    effect.version += 1
    effect.overtaken = False
    allocate(order)
    _kill_unfilled(order, effect, now)


def _decided(order: Order, effect: Effect, problem: Problem) -> bool:
    """Somebody accepted it, or it is about the price of a line that has been agreed to by now: that
    one stays, whatever is paid today.
    """
    if problem.reason in WAIVABLE and f"{problem.scope}/{problem.reason}" in order.waived:
        return True
    if problem.reason not in _OF_THE_PRICE or order.quoted or not effect.version:
        return False
    return order.terms is not None and problem.scope.removeprefix("line/") in order.terms.lines


def _end_solved(order: Order, effect: Effect, problems: Sequence[Problem], now: datetime) -> None:
    """What is as wrong as it was stays held as it is: somebody may be looking at that hold."""
    found = {(each.reason, each.scope, each.detail) for each in problems}
    for hold in order.open_holds:
        if hold.effect == effect.name and (hold.reason, hold.scope, hold.detail) not in found:
            order.end_hold(hold, now, by="throughline")


def _keep_what_was_agreed(order: Order, fresh: Terms) -> None:
    """Prices, units and who pays stay as they were captured first: some of it is invoiced by now.
    What is new are sources and where they are, lines that were added, and the prices of a quote.
    """
    assert order.terms is not None
    sources = {**order.terms.sources, **fresh.sources}
    lines = {**fresh.lines, **order.terms.lines}
    if order.quoted:
        parts = {line.line for line in order.lines if line.kit}
        lines = {**lines, **{n: x for n, x in fresh.lines.items() if n not in parts}}
    order.terms = order.terms.model_copy(update={"sources": sources, "lines": lines})


def _accept_waived_prices(order: Order, asked: dict[str, LineTerms], before: set[str]) -> None:
    """A price off contract that somebody accepted is the line's price, unless it has one."""
    assert order.terms is not None
    lines = dict(order.terms.lines)
    for line in order.lines:
        if line.line in before and not order.quoted:
            continue
        if line.line in asked and f"line/{line.line}/price_mismatch" in order.waived:
            lines[line.line] = asked[line.line]
    order.terms = order.terms.model_copy(update={"lines": lines})


def _kill_unfilled(order: Order, effect: Effect, now: datetime) -> None:
    """Fill or kill: unless all of it can be reserved at first, nothing is wanted."""
    assert order.header is not None
    stock = order.effect(Step.STOCK)
    started = stock is not None and stock.version > 0
    short = any(line.backordered for line in order.lines)
    if order.header.fulfilment != "fill_or_kill" or started or not short:
        return
    killed = tidy({x.line: x.agreed - x.total_shipped for x in order.lines})
    for line in order.lines:
        line.cancelled += killed.get(line.line, ZERO)
    trim(order)
    data = {"lines": plain(killed), "reason": "fill_or_kill", "by": "throughline"}
    order.tell("order.cancelled", f"killed/{effect.name}/{effect.version}", now, data)


def _refuse(order: Order, effect: Effect, answer: Refused, now: datetime) -> None:
    reason = answer.reason if effect.asked else "compensation_refused"
    detail = answer.detail if effect.asked else f"{answer.reason} {answer.detail}".strip()
    effect.state = EffectState.REFUSED
    if answer.standing is not None:
        _stand(order, effect, answer.standing, now)
    elif effect.step.ours and effect.overtaken:
        # An earlier statement may have come through: what stands has to be looked at.
        effect.state = EffectState.UNCLEAR
    effect.overtaken = effect.overtaken and not effect.step.ours
    if effect.state is EffectState.REFUSED and reason == "unavailable_inventory":
        order.offers = _copied(answer.offers)
        forget_unreserved(order)
        allocate(order)
        _kill_unfilled(order, effect, now)
        if targets(order)[effect.name].goal != effect.asked:
            # Another split of what is there, not a refusal anybody need look at.
            effect.state = EffectState.CONFIRMED
            order.end_holds_of(effect.name, now)
            return
    if effect.state is EffectState.REFUSED and not effect.standing:
        effect.stale = False
        _end_generation(order, effect)
        if effect.step is Step.BOOK and effect.asked and _another_carrier(order, effect, now):
            return
    _hold(order, effect, Problem(reason=reason, detail=detail), now)


def _another_carrier(order: Order, booking: Effect, now: datetime) -> bool:
    """Whether somebody else can be asked, who has not refused yet. After the last one a person
    decides, and then all are asked anew.
    """
    booking.refused_by = (*booking.refused_by, booking.system)
    if next_carrier(order, booking.subject) is None:
        booking.refused_by = ()
        return False
    booking.state = EffectState.CONFIRMED
    order.end_holds_of(booking.name, now)
    return True


def _end_generation(order: Order, effect: Effect) -> None:
    if effect.step is Step.RELEASE:
        end_release(order, effect)
    else:
        effect.end_generation()


def _copied(offers: dict[str, Goal]) -> dict[str, Goal]:
    return {location: dict(offer) for location, offer in offers.items()}


def _hold(order: Order, effect: Effect, problem: Problem, now: datetime) -> None:
    """One hold for what the effect waits for; the one before is about what is over."""
    for hold in order.open_holds:
        if hold.effect == effect.name and hold.reason != problem.reason:
            order.end_hold(hold, now, by="throughline")
    order.place_hold(problem, effect.last_answer, now, effect=effect.name)


def _tell(order: Order, effect: Effect, now: datetime) -> None:
    fact = f"{effect.name}/{effect.version}"
    standing = plain(effect.standing)
    match effect.step:
        case Step.STOCK if standing:
            order.tell("order.allocated", fact, now, {"positions": standing})
        case Step.RELEASE if standing:
            data = {"source": effect.subject, "reference": effect.ref, "lines": standing}
            order.tell("order.released", fact, now, data)
        case Step.INVOICE if standing:
            shipment = next(each for each in order.shipments if each.id == effect.subject)
            bill = invoice(order, shipment).model_dump(mode="json")
            data = {"invoice_id": effect.subject, "number": effect.ref, **bill}
            order.tell("order.invoiced", fact, now, data)
        case Step.CREDIT_NOTE if standing:
            back = next(each for each in order.returns if each.id == effect.subject)
            bill = credit_note(order, back).model_dump(mode="json")
            data = {"return_id": effect.subject, "number": effect.ref, **bill}
            order.tell("order.credited", fact, now, data)
        case _:
            pass

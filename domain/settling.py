"""What answers change: how a call ended, and what follows from that for the order itself."""

from datetime import datetime

from domain.amounts import credit_note, invoice
from domain.answer import Answer, Captured, Done, Pending, Refused, Unclear
from domain.base import tidy
from domain.effect import Action, Effect, EffectState, Step
from domain.hold import WAIVABLE, Problem
from domain.order import Order
from domain.sourcing import allocate, forget_unreserved


def intend(order: Order, action: Action, now: datetime) -> None:
    """Note that a call is about to be made."""
    effect = order.effects.setdefault(
        action.effect, Effect(step=action.step, subject=action.subject)
    )
    effect.system = action.system
    effect.state, effect.asked, effect.since = EffectState.SENT, action.goal, now


def settle(order: Order, name: str, answer: Answer | None, now: datetime) -> None:
    """Take down how a call ended; `None` when nobody knows."""
    effect = order.effects[name]
    effect.since = now
    match answer:
        case Done():
            _confirm(order, effect, answer, now)
        case Captured():
            _capture(order, effect, answer, now)
        case Pending():
            effect.state = EffectState.PENDING
        case Refused():
            _refuse(order, effect, answer, now)
        case Unclear():
            effect.state = EffectState.UNCLEAR
            problem = Problem(reason="unexpected_answer", detail=answer.detail)
            order.place_hold(problem, now, effect=name)
        case None:
            effect.state = EffectState.UNKNOWN


def _confirm(order: Order, effect: Effect, answer: Done, now: datetime) -> None:
    before = effect.standing
    effect.state = EffectState.CONFIRMED
    effect.standing, effect.ref = tidy(answer.standing), answer.ref or effect.ref
    effect.amounts = answer.amounts or effect.amounts
    order.end_holds_of(effect.name, now)
    if effect.standing != before:
        effect.version += 1
        _tell(order, effect, now)
    if not effect.standing:
        effect.generation += 1
        effect.amounts = {}


def _capture(order: Order, effect: Effect, answer: Captured, now: datetime) -> None:
    """Take over today's data; what must be decided first becomes holds, all of it at once."""
    order.end_holds_of(effect.name, now)
    order.terms = answer.terms
    order.offers = dict(answer.offers)
    open_problems = [
        problem
        for problem in answer.problems
        if problem.reason not in WAIVABLE or f"{problem.scope}/{problem.reason}" not in order.waived
    ]
    if open_problems:
        effect.state = EffectState.REFUSED
        for problem in open_problems:
            order.place_hold(problem, now, effect=effect.name)
        return
    effect.state, effect.standing = EffectState.CONFIRMED, tidy(answer.standing)
    effect.version += 1
    _accept_waived_prices(order)
    allocate(order)


def _accept_waived_prices(order: Order) -> None:
    """A price off contract that somebody accepted is the line's price."""
    assert order.terms is not None
    lines = dict(order.terms.lines)
    for line in order.lines:
        if line.price is not None and f"line/{line.line}/price_mismatch" in order.waived:
            lines[line.line] = lines[line.line].model_copy(update={"price": line.price})
    order.terms = order.terms.model_copy(update={"lines": lines})


def _refuse(order: Order, effect: Effect, answer: Refused, now: datetime) -> None:
    effect.state = EffectState.REFUSED
    if answer.standing is not None:
        effect.standing = tidy(answer.standing)
    if effect.step is Step.STOCK and answer.offers:
        order.offers = dict(answer.offers)
        forget_unreserved(order)
        allocate(order)
        # Another split of what is there, not a refusal anybody need look at.
        return
    reason = answer.reason if effect.asked else "compensation_refused"
    detail = answer.detail if effect.asked else f"{answer.reason} {answer.detail}".strip()
    order.place_hold(Problem(reason=reason, detail=detail), now, effect=effect.name)


def _tell(order: Order, effect: Effect, now: datetime) -> None:
    fact = f"{effect.name}/{effect.version}"
    standing = {name: f"{amount:f}" for name, amount in effect.standing.items()}
    match effect.step:
        case Step.STOCK:
            waiting = {x.line: f"{x.backordered:f}" for x in order.lines if x.backordered}
            if standing:
                order.tell("order.allocated", fact, now, {"positions": standing})
            if waiting:
                order.tell("order.backordered", f"{fact}/backordered", now, {"lines": waiting})
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

"""What should hold, what does, and therefore what to do: going forward and going back alike."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from domain.amounts import (
    amount_due,
    authorised_goal,
    credit_goal,
    invoice_total,
    invoiced_quantities,
    taken_under,
)
from domain.base import ZERO, Goal, tidy
from domain.deadlines import current_claim
from domain.effect import Action, Effect, EffectState, Step, effect_name
from domain.order import Order
from domain.order_parts import Shipment
from domain.refunds import refunds
from domain.sourcing import all_left, left_as_asked, next_carrier, position

_PRICED = frozenset({Step.CAPTURE, Step.ESTIMATE})
_PREPARED = _PRICED | {Step.CREDIT, Step.AUTHORISE}

AFTER: dict[Step, frozenset[Step]] = {
    Step.ESTIMATE: frozenset({Step.CAPTURE}),
    Step.CREDIT: _PRICED,
    Step.AUTHORISE: _PRICED,
    Step.STOCK: _PREPARED,
    Step.ERP: _PREPARED | {Step.STOCK},
    Step.RELEASE: _PREPARED | {Step.STOCK, Step.ERP},
    Step.COLLECT: frozenset({Step.AUTHORISE}),
}
"""Going forward, a step waits for these whatever they are about."""

AFTER_SAME: dict[Step, frozenset[Step]] = {
    Step.BOOK: frozenset({Step.RELEASE}),
    Step.INVOICE: frozenset({Step.CONFIRM, Step.TAX}),
    Step.COLLECT: frozenset({Step.INVOICE}),
    Step.CREDIT_NOTE: frozenset({Step.RETURN_TAX}),
    Step.REFUND: frozenset({Step.CREDIT_NOTE}),
}
"""And for these about the same fulfilment, shipment or return."""

BACK_AFTER: dict[Step, frozenset[Step]] = {
    Step.ERP: frozenset({Step.RELEASE}),
    Step.AUTHORISE: frozenset({Step.RELEASE, Step.COLLECT}),
}
"""Going back, a step waits for these. Our own credit and stock go back at once, behind nobody."""

PARKED = frozenset(Step) - {
    Step.CAPTURE, Step.CONFIRM, Step.TAX, Step.INVOICE, Step.COLLECT,
    Step.RETURN_TAX, Step.CREDIT_NOTE, Step.REFUND,
}  # fmt: skip
"""What a hold on the order keeps from growing. What follows from goods that moved goes on."""


@dataclass(frozen=True, slots=True)
class Target:
    """What should stand at one system. Thought out anew at every look at the order, kept nowhere:
    no model that checks what comes from outside.
    """

    step: Step
    subject: str = ""
    system: str = ""
    goal: Goal = field(default_factory=dict)


def targets(order: Order) -> dict[str, Target]:
    """What should stand at every system, given the quantities. The one place that says so."""
    should = {
        name: Target(step=effect.step, subject=effect.subject, system=effect.system)
        for name, effect in order.effects.items()
    }
    for target in _wanted(order):
        name = effect_name(target.step, target.subject)
        old = order.effects.get(name)
        # Whoever has it keeps it: it is amended and taken back where it stands.
        system = old.system if old and (old.at_most or old.uncertain) else target.system
        goal = _wanted_of(old, tidy(target.goal))
        should[name] = Target(target.step, target.subject, system, goal)
    return should


def _wanted_of(effect: Effect | None, goal: Goal) -> Goal:
    """Nothing for now of what is made anew; no more of what somebody does by hand."""
    if effect is None:
        return goal
    if effect.stale:
        return {}
    if effect.skipped:
        return {n: min(q, goal[n]) for n, q in effect.standing.items() if goal.get(n)}
    return goal


def _wanted(order: Order) -> Iterator[Target]:
    if not order.lines:
        return
    captured = order.standing(Step.CAPTURE)
    asked = {x.line: x.ordered if x.agreed else captured.get(x.line, ZERO) for x in order.lines}
    yield Target(step=Step.CAPTURE, goal=asked)
    capture = order.effect(Step.CAPTURE)
    unknown = len(order.known_lines) < len(order.lines)
    if order.terms is None or (unknown and not (capture and capture.version)):
        return
    if order.quoted:
        return
    erp = order.terms.systems.get("erp", "")
    yield from _estimate(order)
    yield from _claims(order)
    yield Target(step=Step.ERP, system=erp, goal={x.line: x.agreed for x in order.known_lines})
    yield from _fulfilments(order)
    for shipment in order.shipments:
        if order.terms.lines.keys() >= shipment.lines.keys():
            yield from _paperwork(order, shipment, erp)
    yield from _returns(order, erp)


def _estimate(order: Order) -> Iterator[Target]:
    """Tax as far as it can be known before anything ships. Asked again only when the order grows:
    of less, it is a share.
    """
    assert order.terms
    known, invoiced = order.standing(Step.ESTIMATE), invoiced_quantities(order)
    if not order.terms.tax_exempt:
        goal = dict(known)
        if any(line.agreed > invoiced.get(line.line, ZERO) for line in order.known_lines):
            goal = {x.line: max(x.agreed, known.get(x.line, ZERO)) for x in order.known_lines}
        tax = order.terms.systems.get("tax", "")
        yield Target(step=Step.ESTIMATE, system=tax, goal=goal)


def _claims(order: Order) -> Iterator[Target]:
    """Our own books, and the money promised for the order."""
    assert order.header
    assert order.terms
    if order.header.payment.method == "account":
        yield Target(step=Step.CREDIT, subject=order.terms.account, goal=credit_goal(order))
    if order.header.payment.method == "card":
        yield from _card(order)
    # Goods a warehouse may still ship stay reserved until it has let go of them.
    stock: Goal = {}
    released = {at: order.at_most(Step.RELEASE, at) for at in _locations(order)}
    for line in order.lines:
        for location, may in released.items():
            hard = may.get(line.line, ZERO)
            kept = max(line.sources.get(location, ZERO), hard + line.unreleased.get(location, ZERO))
            stock[position(line.line, location)] = kept
    yield Target(step=Step.STOCK, goal=stock)


def _card(order: Order) -> Iterator[Target]:
    """One claim is in force. Of an older one, only what was taken from it stays."""
    assert order.terms
    payment = order.terms.systems.get("payment", "")
    rest, current = authorised_goal(order)["amount"], current_claim(order)
    for old in ("", *(str(n) for n in range(1, order.renewals))):
        if old != current:
            taken = taken_under(order, effect_name(Step.AUTHORISE, old))
            rest -= taken
            yield Target(step=Step.AUTHORISE, subject=old, system=payment, goal={"amount": taken})
    goal = {"amount": max(rest, ZERO)}
    yield Target(step=Step.AUTHORISE, subject=current, system=payment, goal=goal)


def _fulfilments(order: Order) -> Iterator[Target]:
    """What each warehouse shall ship, and the transport for what it has said yes to."""
    assert order.terms
    parts = _not_in_parts(order)
    for location in _locations(order):
        source = order.terms.sources.get(location)
        if source is None:
            continue
        may = order.at_most(Step.RELEASE, location)
        over = all_left(order, location)
        goal: Goal = {}
        for line in order.lines:
            wanted = line.sources.get(location, ZERO) - line.unreleased.get(location, ZERO)
            # What left beyond what was asked for is not asked for afterwards; nor is anything added
            # to a release that has left: the next one begins when its transport is settled.
            enough = over or line.line in parts or wanted <= left_as_asked(line, location)
            most = may.get(line.line, ZERO) if enough else wanted
            goal[line.line] = max(min(wanted, most), ZERO)
        yield Target(step=Step.RELEASE, subject=location, system=source.wms, goal=goal)
        booked = order.standing(Step.RELEASE, location)
        tms = next_carrier(order, location) or source.tms
        yield Target(step=Step.BOOK, subject=location, system=tms, goal=booked)


def _locations(order: Order) -> list[str]:
    """Where anything is to come from, or may still come from."""
    wanted = [location for line in order.lines for location in sorted(line.sources)]
    asked = [effect.subject for effect in order.effects_of(Step.RELEASE)]
    return list(dict.fromkeys(wanted + asked))


def _not_in_parts(order: Order) -> set[str]:
    """The lines of which no more is released: it is too early, or not all that shall go together is
    there.
    """
    assert order.header
    if order.early:
        return {line.line for line in order.lines}
    short = {line.line for line in order.lines if line.backordered}
    match order.header.fulfilment:
        case "complete" if short:
            return {line.line for line in order.lines}
        case "line_complete":
            return short
        case _:
            return set()


def _paperwork(order: Order, shipment: Shipment, erp: str) -> Iterator[Target]:
    assert order.header
    assert order.terms
    about = shipment.id
    tax = order.terms.systems.get("tax", "")
    yield Target(step=Step.CONFIRM, subject=about, system=erp, goal=shipment.lines)
    yield Target(step=Step.TAX, subject=about, system=tax, goal=shipment.lines)
    yield Target(step=Step.INVOICE, subject=about, system=erp, goal=shipment.lines)
    if order.header.payment.method == "card" and order.standing(Step.INVOICE, about):
        payment = order.terms.systems.get("payment", "")
        amount = {"amount": invoice_total(order, shipment)}
        yield Target(step=Step.COLLECT, subject=about, system=payment, goal=amount)


def _returns(order: Order, erp: str) -> Iterator[Target]:
    assert order.header
    assert order.terms
    for back in order.returns:
        tax = order.terms.systems.get("tax", "")
        credited = back.credited
        yield Target(step=Step.RETURN_TAX, subject=back.id, system=tax, goal=credited)
        yield Target(step=Step.CREDIT_NOTE, subject=back.id, system=erp, goal=credited)
    if order.header.payment.method == "card":
        payment = order.terms.systems.get("payment", "")
        for subject, refund in refunds(order).items():
            amount = {"amount": refund.amount}
            yield Target(step=Step.REFUND, subject=subject, system=payment, goal=amount)


def unmet(
    order: Order, upto: Step = Step.REFUND, wanted: Mapping[str, Target] | None = None
) -> dict[str, Target]:
    """The targets not met yet: those wanting more as far as `upto`, those wanting less always.

    `wanted`: the order's `targets`, where they have been thought out already.
    """
    missing = {}
    for name, target in (targets(order) if wanted is None else wanted).items():
        effect = order.effects.get(name)
        if not _met(effect, target.goal) and (
            target.step.rank <= upto.rank
            or not grows(effect, target.goal)
            or _less_now(effect, target.goal) is not None
        ):
            missing[name] = target
    return missing


def plan(
    order: Order, upto: Step = Step.REFUND, wanted: Mapping[str, Target] | None = None
) -> list[Action]:
    """What can be done now, side by side, towards meeting every target; `wanted` as in `unmet`."""
    missing = unmet(order, upto, wanted)
    growing = {
        name: target
        for name, target in missing.items()
        if grows(order.effects.get(name), target.goal)
    }
    more = {target.step for target in growing.values()}
    more |= {each.step for each in order.effects.values() if each.stale}
    if order.unestimated:
        more.discard(Step.ESTIMATE)
    held = {hold.effect for hold in order.open_holds}
    less = {
        target.step
        for name, target in missing.items()
        if name not in growing or _may_be_more(order.effects.get(name), target.goal)
    }
    actions = []
    for name, target in missing.items():
        effect = order.effects.get(name) or Effect(step=target.step, subject=target.subject)
        goal = target.goal
        if name in growing:
            waits = _waits_forward(order, target, more, growing) or parked(order, target)
            waits = waits or target.step.rank > upto.rank or _awaited(effect, goal, held)
            if waits and (less_now := _less_now(effect, goal)) is not None:
                waits, goal = False, less_now
        else:
            waits = bool(BACK_AFTER.get(target.step, frozenset()) & less)
            # A claim on a card is let go when the one that replaces it stands.
            waits = waits or (target.step is Step.AUTHORISE and Step.AUTHORISE in more)
            waits = waits or (bool(goal) and target.step in _TAXED and _being_estimated(order))
            waits = waits or _moves_only(order, effect, target, missing)
        if not waits and not _awaited(effect, goal, held):
            actions.append(
                Action(
                    effect=name,
                    key=order.key(effect),
                    step=target.step,
                    subject=target.subject,
                    system=target.system,
                    goal=goal,
                    ask=effect.uncertain,
                )
            )
    return actions


_TAXED = frozenset({Step.CREDIT, Step.AUTHORISE})


def _being_estimated(order: Order) -> bool:
    """The tax is asked for anew, and unknown meanwhile: no claim is lowered and raised again."""
    estimate = order.effect(Step.ESTIMATE)
    if estimate is None or not estimate.version or order.unestimated:
        return False
    return estimate.stale or not estimate.standing


def parked(order: Order, target: Target) -> bool:
    """Whether somebody wants it looked at before it grows."""
    scopes = order.parked
    if "order" in scopes and target.step in PARKED:
        return True
    if target.step in (Step.RETURN_TAX, Step.CREDIT_NOTE):
        return f"return/{target.subject}" in scopes
    if target.step in (Step.RELEASE, Step.BOOK):
        return f"fulfilment/{target.subject}" in scopes or _of_a_parked_line(target, scopes)
    return target.step in (Step.TAX, Step.INVOICE) and _of_a_parked_line(target, scopes)


def grows(effect: Effect | None, goal: Goal) -> bool:
    """Whether more should stand than may do. What moved on to receivables is no growth."""
    if effect and effect.doubted:
        return True
    has = effect.at_most if effect and not effect.uncertain else {}
    return any(q > has.get(name, ZERO) for name, q in goal.items() if name != "invoiced")


def _may_be_more(effect: Effect | None, goal: Goal) -> bool:
    """Nobody knows, and for all we know more stands than should."""
    if effect is None or not effect.uncertain:
        return False
    return any(q > goal.get(name, ZERO) for name, q in effect.at_most.items())


def _less_now(effect: Effect | None, goal: Goal) -> Goal | None:
    """Stock not wanted any more goes back at once, though more of other goods has to wait."""
    if effect is None or effect.step is not Step.STOCK or effect.uncertain:
        return None
    less = tidy({name: min(q, goal.get(name, ZERO)) for name, q in effect.standing.items()})
    return less if less != effect.standing else None


def _met(effect: Effect | None, goal: Goal) -> bool:
    if effect is None:
        return not goal
    return not (effect.uncertain or effect.doubted) and effect.standing == goal


def _awaited(effect: Effect, goal: Goal, held: set[str | None]) -> bool:
    """Somebody else's turn: the call is under way, its answer is to come, or a person's is."""
    match effect.state:
        case EffectState.SENT:
            return True
        case EffectState.REFUSED:
            # Its hold may have ended as moot, before the same was wanted again.
            return effect.asked == goal and effect.name in held
        case EffectState.PENDING | EffectState.UNCLEAR:
            return effect.asked == goal
        case _:
            return False


def _waits_forward(
    order: Order, target: Target, more: set[Step], growing: dict[str, Target]
) -> bool:
    if target.step is Step.CONFIRM:
        # What the ERP has booked can be confirmed, whatever else is being added to the order.
        booked = order.standing(Step.ERP)
        return any(
            line.total_shipped > booked.get(line.line, ZERO)
            for line in order.lines
            if line.line in target.goal
        )
    if target.step is Step.RELEASE and amount_due(order) > 0:
        return True
    same = AFTER_SAME.get(target.step, frozenset())
    return bool(AFTER.get(target.step, frozenset()) & more) or any(
        effect_name(step, target.subject) in growing for step in same
    )


def _moves_only(order: Order, effect: Effect, target: Target, missing: dict[str, Target]) -> bool:
    """Credit that only moves from open to invoiced is moved once, when no invoice is on its way."""
    if target.step is not Step.CREDIT or effect.uncertain:
        return False
    # Final tax is seldom what was estimated: that difference is no hurry.
    estimated = order.effect(Step.ESTIMATE)
    unsure = sum(estimated.amounts.values(), ZERO) if estimated else ZERO
    gives_back = sum(target.goal.values()) + unsure < sum(effect.standing.values())
    invoicing = any(each.step in (Step.TAX, Step.INVOICE) for each in missing.values())
    return invoicing and not gives_back


def _of_a_parked_line(target: Target, scopes: set[str]) -> bool:
    return any(f"line/{line}" in scopes for line in target.goal)

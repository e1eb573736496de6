"""Which location delivers how much of which line. Quantities in line units, offers in stock units.

Rule: one source that can deliver all that is open is preferred; otherwise each line is filled from
the sources that already deliver for this order, then from those that can give most of it. Suppliers
are asked by the same rule, for what our own locations cannot give.
"""

from decimal import ROUND_DOWN, Decimal

from domain.base import ZERO, Goal, tidy
from domain.catalog import LocationKind
from domain.effect import Effect, EffectState, Step
from domain.order import Order
from domain.order_parts import Line


def allocate(order: Order) -> None:
    """Give what is open to sources that offer it; what nobody offers stays backordered."""
    trim(order)
    if order.terms is None or order.let_go:
        return
    known = order.terms.sources
    left = {at: _findable(order, at) for at in order.offers if at in known}
    for theirs in (False, True):
        _fill(
            order,
            {
                at: offer
                for at, offer in left.items()
                if (known[at].kind is LocationKind.SUPPLIER) is theirs
            },
        )
    start_releases_anew(order)


def _findable(order: Order, location: str) -> Goal:
    """What a location offers, but for what it could not find: our books may still show that."""
    lost = order.not_found.get(location, {})
    return {item: q for item, q in order.offers[location].items() if item not in lost}


def _fill(order: Order, left: dict[str, Goal]) -> None:
    """Give what is open yet to these sources."""
    open_lines = [x for x in order.known_lines if x.backordered]
    whole = next((loc for loc in sorted(left) if _covers(order, open_lines, left[loc])), None)
    used = {location for each in order.lines for location in each.sources}
    for line in open_lines:
        for location in [whole] if whole else _preferred(order, line, left, used):
            give = min(line.backordered, _can_give(order, line, left[location]))
            if give > 0:
                _take(order, line, left[location], give)
                line.sources = tidy(
                    {**line.sources, location: line.sources.get(location, ZERO) + give}
                )
                used.add(location)


def trim(order: Order) -> None:
    """Take from sources what is no longer agreed; first from those not asked to deliver yet."""
    released = _released(order)
    for line in order.lines:

        def asked(at: str, line: Line = line) -> tuple[Decimal, str]:
            return released.get(at, {}).get(line.line, ZERO), at

        for location, quantity in line.shipped.items():
            line.sources[location] = max(line.sources.get(location, ZERO), quantity)
        excess = sum(line.sources.values(), ZERO) - line.agreed
        for location in sorted(line.sources, key=asked):
            give_up = min(excess, line.sources[location] - line.shipped.get(location, ZERO))
            if give_up > 0:
                line.sources[location] -= give_up
                excess -= give_up
        line.sources = tidy(line.sources)


def keep_only_hard(order: Order) -> None:
    """Keep of each line's sources only what is released there or shipped."""
    released = _released(order)
    for line in order.lines:
        hard = {
            at: max(_hard(line, at, released), line.shipped.get(at, ZERO)) for at in line.sources
        }
        line.sources = tidy({at: min(q, hard[at]) for at, q in line.sources.items()})


def forget_unreserved(order: Order) -> None:
    """Keep of each line's sources only what is reserved there, released to it or shipped."""
    reserved, released = order.standing(Step.STOCK), _released(order)
    for line in order.lines:
        line.sources = tidy(
            {
                location: min(
                    quantity,
                    max(
                        reserved.get(position(line.line, location), ZERO),
                        _hard(line, location, released),
                        line.shipped.get(location, ZERO),
                    ),
                )
                for location, quantity in line.sources.items()
            }
        )


def use_up_offers(order: Order, before: Goal, now: Goal) -> None:
    """What was reserved is on offer no more; what was given back is, for all we know."""
    for name in {**before, **now}:
        line, _, location = name.partition("/")
        terms = order.line_terms(line)
        taken = (now.get(name, ZERO) - before.get(name, ZERO)) * terms.stock_factor
        offer = order.offers.get(location, {})
        if terms.item in offer:
            offer[terms.item] = max(offer[terms.item] - taken, ZERO)


def start_releases_anew(order: Order) -> None:
    """A release of which all has left is over: no warehouse adds to it. What is wanted there beyond
    it is another release, with transport of its own.
    """
    for release in order.effects_of(Step.RELEASE):
        at, booking = release.subject, order.effect(Step.BOOK, release.subject)
        if release.uncertain or (booking and booking.uncertain):
            continue
        more = any(line.sources.get(at, ZERO) > line.shipped.get(at, ZERO) for line in order.lines)
        if more and all_left(order, at):
            release.standing, release.state = {}, EffectState.CONFIRMED
            end_release(order, release)
            if booking and booking.standing:
                booking.standing, booking.state = {}, EffectState.CONFIRMED
                booking.end_generation()


def all_left(order: Order, source: str) -> bool:
    """Whether a release stands at the source, and all of it has left."""
    standing = order.standing(Step.RELEASE, source)
    return bool(standing) and all(
        left_as_asked(line, source) >= standing.get(line.line, ZERO) for line in order.lines
    )


def end_release(order: Order, release: Effect) -> None:
    """What has left under its key is settled, and not to be counted for the next one."""
    release.end_generation()
    for line in order.lines:
        if gone := line.shipped.get(release.subject):
            settle_apart(line, release.subject, gone - line.unreleased.get(release.subject, ZERO))


def settle_apart(line: Line, source: str, quantity: Decimal) -> None:
    """Goods that left, and no release that stands is about. To have left is to have been picked."""
    line.unreleased[source] = line.unreleased.get(source, ZERO) + quantity
    line.picked[source] = max(line.picked.get(source, ZERO), line.shipped.get(source, ZERO))


def left_as_asked(line: Line, source: str) -> Decimal:
    """What a location shipped of what it was asked for."""
    return line.shipped.get(source, ZERO) - line.unreleased.get(source, ZERO)


def next_carrier(order: Order, location: str) -> str | None:
    """The first who has not refused yet to carry for this location; `None` after the last."""
    source = order.terms.sources.get(location) if order.terms else None
    booking = order.effect(Step.BOOK, location)
    refused = booking.refused_by if booking else ()
    return next((tms for tms in source.carriers if tms not in refused), None) if source else None


def position(line: str, location: str) -> str:
    """Names what one location is to deliver of one line, in goals for the ledger."""
    return f"{line}/{location}"


def _released(order: Order) -> dict[str, Goal]:
    """What each source may have been asked to ship."""
    return {each.subject: each.at_most for each in order.effects_of(Step.RELEASE)}


def _hard(line: Line, source: str, released: dict[str, Goal]) -> Decimal:
    """What a location may deliver whatever is decided now."""
    return released.get(source, {}).get(line.line, ZERO) + line.unreleased.get(source, ZERO)


def _preferred(order: Order, line: Line, left: dict[str, Goal], used: set[str]) -> list[str]:
    return sorted(left, key=lambda loc: (loc not in used, -_can_give(order, line, left[loc]), loc))


def _covers(order: Order, lines: list[Line], offer: Goal) -> bool:
    rest = dict(offer)
    for line in lines:
        if _can_give(order, line, rest) < line.backordered:
            return False
        _take(order, line, rest, line.backordered)
    return bool(lines)


def _can_give(order: Order, line: Line, offer: Goal) -> Decimal:
    """In the line's unit; only whole ones of a unit that holds several."""
    terms = order.line_terms(line.line)
    units = max(offer.get(terms.item, ZERO), ZERO) / terms.stock_factor
    return units if terms.stock_factor == 1 else units.to_integral_value(ROUND_DOWN)


def _take(order: Order, line: Line, offer: Goal, quantity: Decimal) -> None:
    terms = order.line_terms(line.line)
    offer[terms.item] = offer.get(terms.item, ZERO) - quantity * terms.stock_factor

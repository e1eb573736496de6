"""What an order waits for, as its state tells it; who looks at an order wants to know nothing else
first. How often a call failed, and why, is noted elsewhere, by the effect's name.
"""

from collections.abc import Iterator
from datetime import datetime

from domain.amounts import amount_due
from domain.base import ZERO, Fact
from domain.deadlines import deadlines
from domain.effect import EffectState, Step
from domain.order import Order
from domain.sourcing import left_as_asked


class Awaited(Fact):
    """One thing an order waits for.

    `what` is an effect's name, `hold/<id>`, `milestone/<source>`, `stock/<item>`,
    `inspection/<return>`, `payment`, `delivery/<shipment>`, `return/<authorisation>`, or a day that
    the customer named. `system` is who shall give it, if it is
    a system; `deadline` is until when, if there is one.
    """

    what: str
    system: str = ""
    since: datetime | None = None
    deadline: datetime | None = None


def awaited(order: Order) -> list[Awaited]:
    """Everything it waits for; nothing when it is closed."""
    if order.closed:
        return []
    return [
        *_people(order), *_answers(order), *_days(order), *_warehouses(order), *_stock(order),
        *_customers(order),
    ]  # fmt: skip


def _people(order: Order) -> Iterator[Awaited]:
    for hold in order.open_holds:
        yield Awaited(what=f"hold/{hold.id}", since=hold.since)


def _answers(order: Order) -> Iterator[Awaited]:
    due = deadlines(order)
    for name, effect in order.effects.items():
        if effect.uncertain and effect.state is not EffectState.UNCLEAR:
            yield Awaited(
                what=name, system=effect.system, since=effect.since, deadline=due.get(name)
            )


def _days(order: Order) -> Iterator[Awaited]:
    if order.early:
        day = deadlines(order).get("ship_not_before")
        yield Awaited(what="ship_not_before", since=order.placed_at, deadline=day)


def _warehouses(order: Order) -> Iterator[Awaited]:
    for effect in order.effects_of(Step.RELEASE):
        gone = {line.line: left_as_asked(line, effect.subject) for line in order.lines}
        if any(q > gone.get(line, ZERO) for line, q in effect.standing.items()):
            what = f"milestone/{effect.subject}"
            yield Awaited(what=what, system=effect.system, since=effect.since)
    for back in order.returns:
        if back.inspected_at is None:
            source = order.terms.sources.get(back.source) if order.terms else None
            yield Awaited(
                what=f"inspection/{back.id}",
                system=source.wms if source else "",
                since=back.received_at,
            )


def _customers(order: Order) -> Iterator[Awaited]:
    due = deadlines(order)
    if amount_due(order) > 0:
        yield Awaited(what="payment", since=order.placed_at)
    for shipment in order.watched:
        at = due.get(f"parcel/{shipment.id}")
        yield Awaited(what=f"delivery/{shipment.id}", since=shipment.shipped_at, deadline=at)
    for each in order.authorised:
        if each.open:
            at = due.get(f"authorised/{each.id}")
            yield Awaited(what=f"return/{each.id}", since=each.at, deadline=at)


def _stock(order: Order) -> Iterator[Awaited]:
    looked = order.effect(Step.STOCK) or order.effect(Step.CAPTURE)
    for item in order.wanted_items:
        yield Awaited(what=f"stock/{item}", since=looked.since if looked else None)

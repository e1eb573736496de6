"""What an order waits for, as its state tells it; who looks at an order wants to know nothing else
first. How often a call failed, and why, is noted elsewhere, by the effect's name.
"""

from collections.abc import Iterator
from datetime import datetime

from domain.amounts import amount_due
from domain.base import ZERO, Fact
from domain.deadlines import deadlines, good_until
from domain.effect import Effect, EffectState, Step
from domain.order import Order
from domain.sourcing import left_as_asked


class Awaited(Fact):
    """One thing an order waits for.

    `what` is an effect's name, `hold/<id>`, `milestone/<source>`, `stock/<item>`,
    `inspection/<return>`, `payment`, `delivery/<shipment>`, `shipment/<id>` (delivered, they say),
    `return/<authorisation>`, `acceptance` of a quote, or a day that the customer named. `system` is
    who shall give it, if it is a system; `deadline` is until when, if there is one. `text` says it
    in a sentence.
    """

    what: str
    text: str
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


def tried(text: str, attempts: int, last_error: str) -> str:
    """The sentence, with how often a call failed since, and how it did last."""
    noted = ", ".join(
        filter(
            None,
            (
                f"{attempts} attempts" if attempts > 1 else "",
                f"last error: {last_error}" if last_error else "",
            ),
        )
    )
    return f"{text} ({noted})" if noted else text


def _people(order: Order) -> Iterator[Awaited]:
    for hold in order.open_holds:
        about = "" if hold.scope == "order" else f", {hold.scope.replace('/', ' ')},"
        why = hold.reason.replace("_", " ")
        detail = f" ({hold.detail})" if hold.detail else ""
        text = f"Held{about} by {hold.owner}: {why}{detail}. To end it: {hold.clears_on}"
        yield Awaited(what=f"hold/{hold.id}", text=text, since=hold.since)


def _answers(order: Order) -> Iterator[Awaited]:
    due = deadlines(order)
    for name, effect in order.effects.items():
        if effect.uncertain and effect.state is not EffectState.UNCLEAR:
            yield Awaited(
                what=name,
                text=_call(effect),
                system=effect.system,
                since=effect.since,
                deadline=due.get(name),
            )


_CALLS: dict[Step, tuple[str, str]] = {
    Step.CAPTURE: ("Items and prices are being looked up", ""),
    Step.ESTIMATE: ("{system} has been asked what the tax will be", ""),
    Step.CREDIT: ("Credit of {subject} is being taken", "Credit of {subject} is being given back"),
    Step.AUTHORISE: (
        "{system} has been asked to authorise the card",
        "{system} has been asked to let go of the card's authorisation",
    ),
    Step.STOCK: ("Goods are being reserved", "Reserved goods are being given back"),
    Step.ERP: (
        "{system} has been asked to book the sales order",
        "{system} has been asked to cancel the sales order",
    ),
    Step.RELEASE: (
        "{subject} has been asked to ship it",
        "{subject} has been asked not to ship it",
    ),
    Step.BOOK: (
        "{system} has been asked to carry what {subject} ships",
        "{system} has been asked to cancel the transport from {subject}",
    ),
    Step.CONFIRM: ("{system} has been told of shipment {subject}", ""),
    Step.TAX: ("{system} has been asked for the tax of shipment {subject}", ""),
    Step.INVOICE: ("{system} has been asked to invoice shipment {subject}", ""),
    Step.COLLECT: ("{system} has been asked to take the money for shipment {subject}", ""),
    Step.RETURN_TAX: ("{system} has been asked for the tax of return {subject}", ""),
    Step.CREDIT_NOTE: ("{system} has been asked to credit return {subject}", ""),
    Step.REFUND: ("{system} has been asked to give money back for {subject}", ""),
}
"""What is asked for, and what when it is taken back."""


def _call(effect: Effect) -> str:
    make, undo = _CALLS[effect.step]
    text = make if effect.asked or not undo else undo
    text = text.format(system=effect.system, subject=effect.subject)
    return f"{text}, and has promised an answer" if effect.state is EffectState.PENDING else text


def _days(order: Order) -> Iterator[Awaited]:
    if order.early:
        day = deadlines(order).get("ship_not_before")
        first = order.header.ship_not_before if order.header else None
        text = f"The customer wants nothing shipped before {first}"
        yield Awaited(what="ship_not_before", text=text, since=order.placed_at, deadline=day)


def _warehouses(order: Order) -> Iterator[Awaited]:
    for effect in order.effects_of(Step.RELEASE):
        gone = {line.line: left_as_asked(line, effect.subject) for line in order.lines}
        if any(q > gone.get(line, ZERO) for line, q in effect.standing.items()):
            yield Awaited(
                what=f"milestone/{effect.subject}",
                text=f"{effect.subject} is to ship it, and has not told that all of it has left",
                system=effect.system,
                since=effect.since,
            )
    for name, arrival in order.arrived.items():
        source, _, shipment = name.partition("/")
        if not any(x.source == source and x.reported_as == shipment for x in order.shipments):
            text = f"{source} says {shipment or 'it'} was delivered, and has not told that it left"
            yield Awaited(what=f"shipment/{shipment}", text=text, since=arrival.at)
    for back in order.returns:
        if back.inspected_at is None:
            known = order.terms.sources.get(back.source) if order.terms else None
            yield Awaited(
                what=f"inspection/{back.id}",
                text=f"Return {back.id} has come to {back.source}, and is to be inspected there",
                system=known.wms if known else "",
                since=back.received_at,
            )


def _customers(order: Order) -> Iterator[Awaited]:
    due = deadlines(order)
    priced = order.effect(Step.CAPTURE)
    if order.quoted and priced and priced.standing and any(x.agreed for x in order.lines):
        yield Awaited(
            what="acceptance",
            text="The customer is to accept the quote",
            since=priced.since,
            deadline=good_until(order),
        )
    if (owed := amount_due(order)) > 0:
        text = f"A payment of {owed:f} is to come in"
        yield Awaited(what="payment", text=text, since=order.placed_at)
    for shipment in order.watched:
        at = due.get(f"parcel/{shipment.id}")
        words = ("Shipment", shipment.id, "is on its way", shipment.carrier, shipment.tracking)
        text = " ".join(filter(None, words))
        yield Awaited(
            what=f"delivery/{shipment.id}", text=text, since=shipment.shipped_at, deadline=at
        )
    for each in order.authorised:
        if each.open:
            at = due.get(f"authorised/{each.id}")
            text = f"The customer is to send return {each.id} back"
            yield Awaited(what=f"return/{each.id}", text=text, since=each.at, deadline=at)


def _stock(order: Order) -> Iterator[Awaited]:
    looked = order.effect(Step.STOCK) or order.effect(Step.CAPTURE)
    for item, quantity in order.wanted_items.items():
        text = f"No source has the {quantity:f} of {item} that are missing yet"
        yield Awaited(what=f"stock/{item}", text=text, since=looked.since if looked else None)

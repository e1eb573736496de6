"""The order: what was asked for, what is known of it, and how much of it has got how far.

Quantities are in each line's own unit. The order is data: `hearing` says what messages change,
`settling` what answers change, `plan` what is to be done about it, `status` what it is called.
"""

import itertools
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, Field

from domain.base import ZERO, Fact, Goal, added, plain, tidy
from domain.effect import Effect, EffectState, Step, effect_key, effect_name
from domain.event import Event
from domain.hold import Hold, Problem, hold_id
from domain.message import Heard
from domain.order_in import OrderIn, PaymentIn
from domain.order_parts import Arrival, Authorised, Line, Return, Shipment
from domain.party import Address
from domain.patience import Patience
from domain.terms import LineTerms, Terms

RULES = 1
"""The version of the rules in `domain/` by which runs that begin now decide; a run keeps its own.
It is raised, with the older rules kept beside, when running orders would decide otherwise.
"""


class Header(Fact):
    """What the channel said of the order as a whole."""

    company: str | None = None
    channel: str
    reference: str
    customer: str
    purchase_order: str | None = None
    currency: str
    ship_to: Address
    bill_to: str | None = None
    payment: PaymentIn = PaymentIn()
    freight: Decimal | None = None
    ship_method: str | None = None
    fulfilment: Literal["partial", "complete", "line_complete", "fill_or_kill"] = "partial"
    ship_not_before: date | None = None
    cancel_after: date | None = None
    valid_until: date | None = None
    requested_date: date | None = None
    kind: Literal["order", "quote"] = "order"
    notes: str | None = None
    attributes: dict[str, Any] = {}

    @classmethod
    def of(cls, order: OrderIn) -> "Header":
        return cls.model_validate(order.model_dump(exclude={"lines"}))


class Outcome(Fact):
    """What became of message number `n`: `done`, or `refused` for a reason."""

    n: int
    status: Literal["done", "refused"] = "done"
    reason: str = ""
    detail: str = ""


class Order(BaseModel):
    """The whole state. It can be stored at any moment and gone on with from there.

    `rules`: those of the run that has it. `heard` is the number of the last message heard.
    `offers` is what sources were last known to have, by location and item, in stock units.
    `not_found`: the items that a location, asked for them, could not find, and since when.
    `arrived`: what was delivered of shipments not told of yet, by source and shipment.
    `changed_at` is when something was last heard.
    `picking`: the sources that pick. `early`, `lapsed`: it may not ship yet; its last day is over,
    when `lapsed_lines` were cancelled. `unestimated`: it goes on without an estimate of its tax,
    which took too long. `let_go`: its goods went back while it is held. `renewals` of the claim on
    its card. `receipts` are what was paid for it beforehand or on its invoices, and given back.
    `news` and `outcomes` are for the next record.
    """

    id: str
    revision: int = 0
    rules: int = RULES
    heard: int = 0
    correlation_id: str = ""
    header: Header | None = None
    placed_at: datetime | None = None
    accepted_at: datetime | None = None
    early: bool = False
    lapsed: bool = False
    lapsed_lines: Goal = {}
    unestimated: bool = False
    let_go: bool = False
    renewals: int = 0
    lines: list[Line] = []
    terms: Terms | None = None
    offers: dict[str, Goal] = {}
    not_found: dict[str, dict[str, datetime]] = {}
    shipments: list[Shipment] = []
    arrived: dict[str, Arrival] = {}
    authorised: list[Authorised] = []
    returns: list[Return] = []
    receipts: Goal = {}
    effects: dict[str, Effect] = {}
    holds: list[Hold] = []
    waived: list[str] = []
    released_early: dict[str, str] = {}
    backorders_told: Goal = {}
    picking: list[str] = []
    news: list[Event] = []
    outcomes: list[Outcome] = []
    closed_at: datetime | None = None
    changed_at: datetime | None = None
    patience: Patience = Field(default_factory=Patience)

    # what is known

    @property
    def closed(self) -> bool:
        return self.closed_at is not None

    @property
    def quoted(self) -> bool:
        """Priced only: nobody has accepted it yet, nor sent goods for it."""
        is_quote = self.header is not None and self.header.kind == "quote"
        return is_quote and self.accepted_at is None and not self.shipments

    @property
    def known_lines(self) -> list[Line]:
        """The lines that capture has found; one that was added since may not be among them."""
        known = self.terms.lines if self.terms else {}
        return [line for line in self.lines if line.line in known]

    @property
    def priced(self) -> bool:
        """Whether all that is agreed has a price; what was cancelled may never have had one."""
        known = self.terms.lines if self.terms else {}
        return self.terms is not None and all(x.line in known for x in self.lines if x.agreed)

    @property
    def all_shipped(self) -> bool:
        return all(line.total_shipped >= line.agreed for line in self.lines)

    @property
    def all_inspected(self) -> bool:
        return all(back.inspected_at is not None for back in self.returns)

    @property
    def watched(self) -> list[Shipment]:
        """Parcels somebody waits for, if anybody does."""
        if self.patience.delivery is None:
            return []
        return [each for each in self.shipments if each.under_way]

    @property
    def nothing_to_come(self) -> bool:
        """Shipped, delivered, back as agreed, inspected, and nothing is held."""
        back = self.all_inspected and not any(each.open for each in self.authorised)
        return self.all_shipped and back and not (self.watched or self.open_holds)

    @property
    def paid(self) -> Decimal:
        """What came in for the order, but from a card, less what was given back."""
        return sum(self.receipts.values(), ZERO)

    @property
    def open_holds(self) -> list[Hold]:
        return [hold for hold in self.holds if hold.open]

    @property
    def parked(self) -> set[str]:
        """The scopes that somebody wants looked at; with a kit, each of its parts."""
        scopes = {hold.scope for hold in self.open_holds if hold.effect is None}
        parts = (line.line for line in self.lines if f"line/{line.kit}" in scopes)
        return scopes.union(f"line/{part}" for part in parts)

    @property
    def wanted_items(self) -> Goal:
        """What the order waits for, by item, in stock units."""
        if self.terms is None or self.closed or self.quoted or not self.standing(Step.CAPTURE):
            return {}
        lines = [line for line in self.known_lines if line.backordered]
        return added(
            *(
                {
                    self.terms.lines[x.line].item: x.backordered
                    * self.terms.lines[x.line].stock_factor
                }
                for x in lines
            )
        )

    def line(self, number: str) -> Line:
        """Raises KeyError for a line the order does not have."""
        for line in self.lines:
            if line.line == number:
                return line
        raise KeyError(number)

    def line_terms(self, number: str) -> LineTerms:
        """Of an order that has been captured."""
        assert self.terms is not None, "asked for before capture"
        return self.terms.lines[number]

    def effect(self, step: Step, subject: str = "") -> Effect | None:
        return self.effects.get(effect_name(step, subject))

    def effects_of(self, step: Step) -> Iterator[Effect]:
        return (effect for effect in self.effects.values() if effect.step is step)

    def standing(self, step: Step, subject: str = "") -> Goal:
        effect = self.effect(step, subject)
        return effect.standing if effect else {}

    def at_most(self, step: Step, subject: str = "") -> Goal:
        effect = self.effect(step, subject)
        return effect.at_most if effect else {}

    def key(self, effect: Effect) -> str:
        return effect_key(self.id, effect)

    # what any change may need

    def resume(self) -> None:
        """Enter from a stored state: whatever was on its way then has an unknown outcome now."""
        self.revision += 1
        for effect in self.effects.values():
            if effect.state is EffectState.SENT:
                effect.state = EffectState.UNKNOWN

    def tell(
        self,
        kind: str,
        fact: str,
        at: datetime,
        data: dict[str, Any] | None = None,
        cause: str = "",
    ) -> None:
        """News, named after the fact behind it: an answer or a message, never a decision."""
        event = Event(
            id=f"{self.id}/{fact}",
            kind=kind,
            at=at,
            cause=cause,
            data={"order_id": self.id, **(data or {})},
        )
        self.news.append(event)

    def tell_backorders(self, fact: str, now: datetime) -> None:
        """News of what no source is to deliver, whenever that has changed, by `fact`.

        Not while the order is being captured, at first or anew: nobody has looked for sources yet.
        """
        capture = self.effect(Step.CAPTURE)
        if capture is None or capture.uncertain or not capture.standing:
            return
        waiting = tidy({line.line: line.backordered for line in self.known_lines})
        if waiting == self.backorders_told:
            return
        self.backorders_told = waiting
        if waiting:
            data = {"lines": plain(waiting)}
            self.tell("order.backordered", f"{fact}/backordered", now, data)

    def place_hold(
        self,
        problem: Problem,
        fact: str,
        now: datetime,
        effect: str | None = None,
        until: datetime | None = None,
    ) -> None:
        """Park a scope, unless it is parked for the same reason already.

        `fact` (an answer, a message) is what it follows from and is named after: whoever saw it
        may release it, even if the record he saw it in has to be made again.
        """
        same = (problem.scope, problem.reason, effect)
        if any((hold.scope, hold.reason, hold.effect) == same for hold in self.open_holds):
            return
        hold = Hold(
            id=hold_id(self.id, problem, fact),
            reason=problem.reason,
            scope=problem.scope,
            detail=problem.detail,
            effect=effect,
            since=now,
            until=until,
        )
        self.holds.append(hold)
        data = {"hold_id": hold.id, "reason": hold.reason, "scope": hold.scope}
        self.tell("order.held", f"held/{hold.id}", now, data)

    def end_hold(self, hold: Hold, now: datetime, by: str) -> None:
        """Keep it as released; of those, only the latest hundred."""
        released = hold.model_copy(update={"released_at": now, "released_by": by})
        self.holds = [released if each.id == hold.id else each for each in self.holds]
        ended = [each.id for each in self.holds if not each.open][:-100]
        self.holds = [each for each in self.holds if each.id not in ended]
        data = {"hold_id": hold.id, "reason": hold.reason, "scope": hold.scope, "by": by}
        self.tell("order.hold_released", f"released/{hold.id}", now, data)

    def end_holds_of(self, effect: str, now: datetime) -> None:
        for hold in self.open_holds:
            if hold.effect == effect:
                self.end_hold(hold, now, by="throughline")

    def close(self, now: datetime) -> None:
        self.closed_at = now
        self.tell("order.closed", f"closed/{self.heard}", now)


class Entry(Fact):
    """One record of an order, and when in its life it was made, by which run on which engine.

    `based_on` is the revision of the state this run went out from.
    """

    order: Order
    run: str
    engine: str = ""
    based_on: int = 0
    history_length: int


class Recorded(Fact):
    """What a record did, for whoever reads the history; or the newer state it found."""

    did: str = ""
    ahead: Order | None = None


class Misunderstood(Exception):
    """A message that says something this order cannot make sense of."""


def refused(message: Heard, reason: str, detail: str = "") -> Outcome:
    return Outcome(n=message.n, status="refused", reason=reason, detail=detail)


def free_name(wanted: str, taken: set[str], first: int | None = None) -> str:
    """The name, or else the next one like it: x.2 after x; with `first`, the number it ends in is
    counted up.
    """
    if first is not None:
        stem = wanted.removesuffix(str(first))
        return next(n for i in itertools.count(first) if (n := f"{stem}{i}") not in taken)
    names = itertools.chain([wanted], (f"{wanted}.{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in taken)


def known_line(order: Order, number: str) -> Line:
    """The line a message speaks of. Raises `Misunderstood` when the order has none such."""
    try:
        return order.line(number)
    except KeyError:
        raise Misunderstood(f"the order has no line {number}") from None


def workflow_id(order_id: str) -> str:
    """The workflow of an order, by whose name loops and activities start and signal it."""
    return f"order-{order_id}"

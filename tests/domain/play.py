"""One order played against its surroundings, the way its workflow moves it, tick by tick."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from domain.amounts import amount_due
from domain.answer import Answer
from domain.base import ZERO, Fact, Goal, tidy
from domain.effect import Action, EffectState, Step
from domain.hearing import hear, refuse
from domain.hold import PAYMENT_DIFFERENCE
from domain.looking import look_up
from domain.message import (
    HoldReleased,
    Milestone,
    MilestoneKind,
    MilestoneLine,
    PaymentReceived,
)
from domain.order import Misunderstood, Order
from domain.paperwork import document
from domain.party import Address
from domain.plan import plan, targets, unmet
from domain.settling import intend, settle
from domain.sourcing import position
from domain.status import TRANSITIONS, Status, order_status
from domain.story import details
from domain.view import awaited
from tests.domain import laws
from tests.domain.world import LOCATIONS, Inbox, Outside, later


@dataclass
class Flight:
    """A call under way: answered already at the other side, or not there yet."""

    action: Action
    how: str
    arrived: bool
    ship_to: Address | None = None
    answer: Answer | None = None


class Play:
    def __init__(self, order: Order, outside: Outside) -> None:
        self.order = order
        self.outside = outside
        self.outside.estimates = True
        self.inbox = Inbox()
        self.flights: dict[str, Flight] = {}
        self.minute = 0
        self.urgent = False
        self.statuses: list[Status] = [order_status(order)]
        self.bills: dict[str, Fact] = {}
        self.told: dict[str, str] = {}
        self.trace: list[tuple[int, str, object]] = []

    # the workflow's moves

    def tick(
        self,
        how: Callable[[], str] = lambda: "done",
        *,
        hear_all: bool = True,
        land: Callable[[], bool] = lambda: True,
        arrives: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take in, interrupt what is overtaken, intend, record, call."""
        self.minute += 1
        now = later(self.minute)
        for name, flight in list(self.flights.items()):
            if land():
                if not flight.arrived:
                    flight.answer = self.outside.do(flight.action, flight.how, flight.ship_to)
                self._note(name, flight.answer)
                settle(self.order, name, flight.answer, now)
                del self.flights[name]
        while (hear_all or self.urgent) and (message := self.inbox.take()):
            self._note("hears", message)
            if isinstance(message, Milestone) and message.final:
                # From now on, more is not asked for in ignorance of what was found.
                self.outside.picked_out.pop(message.source, None)
            before = self.order.model_copy(deep=True)
            try:
                assert hear(self.order, message, now)
            except Misunderstood as error:
                self.order = before
                refuse(self.order, message, str(error))
            assert not hear(self.order, message, now), "heard twice"
        self.urgent = False
        look_up(self.order, now)
        laws.check_deadlines(self.order, now)
        wanted = targets(self.order)
        for name, flight in list(self.flights.items()):
            over = self.order.effects[name].state is not EffectState.SENT
            unwanted = flight.action.goal != wanted[name].goal
            if (over or unwanted) and not flight.action.step.ours:
                settle(self.order, name, None, now)
                del self.flights[name]
        for action in plan(self.order):
            if action.effect in self.flights:
                continue
            intend(self.order, action, now)
            flight = Flight(action, how(), arrives(), self._written(action))
            if flight.arrived:
                flight.answer = self.outside.do(action, flight.how, flight.ship_to)
            self.flights[action.effect] = flight
            self._note(flight.how, action)
        self._record()

    def replace_engine(self) -> None:
        """The worker dies, or the server: what is stored is all there is."""
        self._note("the engine is replaced")
        self.flights.clear()
        self.order = Order.model_validate_json(self.order.model_dump_json())
        self.order.resume()

    @property
    def story(self) -> str:
        """What happened, for whoever reads a failure."""
        return "\n".join(f"{minute}: {what} {about!r}" for minute, what, about in self.trace)

    def _note(self, what: str, about: object = "") -> None:
        self.trace.append((self.minute, what, about))

    def _written(self, action: Action) -> Address | None:
        """Where its document says that the goods go, if it does."""
        written = document(self.order, action, later(self.minute))
        assert written.goal == action.goal
        assert written.order_id == self.order.id
        return getattr(written, "ship_to", None)

    def _record(self) -> None:
        """What the world sees; and what it may never see."""
        self._check_news()
        laws.check_lines(self.order)
        laws.check_holds(self.order)
        laws.check_credits(self.order)
        laws.check_claims(self.order)
        self._check_bills()
        assert details(self.order)
        awaited(self.order)
        status = order_status(self.order)
        before = self.statuses[-1]
        assert status in TRANSITIONS[before] | {before}, f"{before} to {status}"
        self.statuses.append(status)

    def _check_news(self) -> None:
        for event in self.order.news:
            said = event.model_dump_json()
            assert self.told.setdefault(event.id, said) == said, "two facts under one id"
        self.order.news.clear()
        self.order.outcomes.clear()

    def _check_bills(self) -> None:
        for name, bill in laws.posted(self.order).items():
            assert self.bills.setdefault(name, bill) == bill, "a posted bill changed"

    # what the world does

    def say(
        self,
        kind: MilestoneKind,
        source: str,
        lines: Goal | None = None,
        *,
        final: bool = False,
        shipment_id: str | None = None,
        document: str = "",
    ) -> None:
        """A warehouse tells of something, by message."""
        told = tuple(MilestoneLine(line=x, quantity=q) for x, q in (lines or {}).items())
        self.inbox.put(
            Milestone(
                id=f"{kind}",
                milestone=kind,
                source=source,
                occurred_at=later(self.minute),
                final=final,
                shipment_id=shipment_id,
                document=document or None,
                lines=told,
            )
        )

    def ship(self, source: str, lines: Goal) -> None:
        if lines:
            self.outside.ship(source, lines)
            self.say(MilestoneKind.SHIPPED, source, lines)

    def pick(self, source: str, lines: Goal, *, pack: bool = False) -> None:
        picked = self.outside.picked.setdefault(source, {})
        for line, quantity in lines.items():
            picked[line] = picked.get(line, ZERO) + quantity
        self.say(MilestoneKind.PACKED if pack else MilestoneKind.PICKED, source, lines)

    def pick_short(self, source: str, lines: Goal) -> None:
        """Of all that was released there, the warehouse found this, and will find no more."""
        if not lines:
            return
        self.pick(source, lines)
        self.inbox.waiting[-1] = self.inbox.waiting[-1].model_copy(update={"final": True})
        self.outside.let_go(source, kept=self.outside.picked[source])

    def bring_back(
        self, source: str, line: str, quantity: Decimal, document: str, shipment: str | None = None
    ) -> None:
        """Goods that had been shipped come back."""
        gone = self.outside.ledger.shipped.get(position(line, source), ZERO)
        if gone:
            self.say(
                MilestoneKind.RETURN_RECEIVED,
                source,
                {line: min(gone, quantity)},
                shipment_id=shipment,
                document=document,
            )

    def inspect(self, source: str, line: str, quantity: Decimal, document: str) -> None:
        gone = self.outside.ledger.shipped.get(position(line, source), ZERO)
        if gone:
            self.say(
                MilestoneKind.RETURN_INSPECTED,
                source,
                {line: min(gone, quantity)},
                document=document,
            )

    def answer_pending(self, *, refuse: bool = False, tersely: bool = False) -> None:
        self.inbox.put(*self.outside.answer(refuse=refuse, tersely=tersely))

    def release_holds(self) -> None:
        for hold in self.order.open_holds:
            self.inbox.put(HoldReleased(id="release", hold=hold.id, by="sam"))

    def fill_up(self) -> None:
        """Every location gets more than enough of everything."""
        for location in LOCATIONS:
            for item in ("BOLT", "NUT", "BOX", "PIN"):
                self.inbox.put(self.outside.ledger.arrive(location, item, 1000 + ZERO))

    def pay(self) -> None:
        """What is to come in is paid, what came in too much is given back."""
        due = amount_due(self.order)
        if due and not any(isinstance(each, PaymentReceived) for each in self.inbox.waiting):
            receipt = f"receipt-{self.inbox.count}"
            self.inbox.put(PaymentReceived(id="pay", receipt=receipt, amount=due))

    def settle_down(self, rounds: int = 40) -> None:
        """The world behaves, and people pay and release holds, until nothing changes any more."""
        self.outside.no_carrier = False
        for _ in range(rounds):
            if self.settled:
                return
            self.answer_pending()
            if amount_due(self.order) > 0 or PAYMENT_DIFFERENCE in self.reasons:
                self.pay()
            self.release_holds()
            self.tick()

    @property
    def reasons(self) -> set[str]:
        return {hold.reason for hold in self.order.open_holds}

    def ship_everything(self, rounds: int = 12) -> None:
        for _ in range(rounds):
            for location in LOCATIONS:
                self.ship(location, self.outside.released(location)[1])
            self.settle_down()
            if self.order.all_shipped and self.settled:
                return

    def wind_up(self) -> None:
        """Parcels arrive, what was to come back does and is looked at, what nobody sent expires."""
        for shipment in self.order.shipments:
            if shipment.under_way:
                self.say(MilestoneKind.DELIVERED, shipment.source, shipment_id=shipment.id)
        for back in self.order.returns:
            if back.inspected_at is None:
                name = back.reported_as
                self.say(MilestoneKind.RETURN_INSPECTED, back.source, back.received, document=name)
        for agreed in self.order.authorised:
            if agreed.open and not agreed.expires:
                rest = {n: q - agreed.received.get(n, ZERO) for n, q in agreed.lines.items()}
                rest = {n: q for n, q in rest.items() if q > 0}
                self.say(MilestoneKind.RETURN_INSPECTED, LOCATIONS[0], rest, document=agreed.id)
        self.settle_down()

    # what must be so

    @property
    def settled(self) -> bool:
        return not (
            unmet(self.order)
            or self.order.open_holds
            or self.inbox.waiting
            or self.flights
            or self.outside.waiting
        )

    def check_settled(self) -> None:
        """Every target is met, at the other side as well, and nothing is left beside them."""
        assert unmet(self.order) == {}
        assert self.order.open_holds == []
        assert not self.outside.wrong, self.outside.wrong
        for name, target in targets(self.order).items():
            found = self._found(target.step, name)
            assert found == ([target.goal] if target.goal else []), name
            effect = self.order.effects.get(name)
            assert effect is None or not effect.uncertain
        self._check_addresses()
        for line in self.order.lines:
            for location, quantity in line.sources.items():
                stands = self.outside.ledger.reserved.get(position(line.line, location), ZERO)
                assert stands == quantity

    def _check_addresses(self) -> None:
        """Whatever stands knows where the goods go now."""
        for effect in self.order.effects.values():
            if (
                effect.step in (Step.ESTIMATE, Step.ERP, Step.RELEASE, Step.BOOK)
                and effect.standing
            ):
                assert self.order.header
                known = self.outside.address.get(self.order.key(effect))
                assert known == self.order.header.ship_to, effect.name

    def _found(self, step: Step, name: str) -> list[Goal]:
        match step:
            case Step.CAPTURE:
                return [goal] if (goal := self.order.standing(step)) else []
            case Step.STOCK:
                return [tidy(self.outside.ledger.reserved)] if self.outside.ledger.reserved else []
            case Step.CREDIT:
                return [goal] if (goal := self.outside.stands.get(name, {})) else []
            case _:
                prefix = f"{self.order.id}/{name}/"
                outside, stands = self.outside, self.outside.stands
                effect = self.order.effects.get(name)
                now = self.order.key(effect) if effect else ""
                return [
                    goal
                    for key, goal in stands.items()
                    if goal and key.startswith(prefix) and (key == now or not outside.over(key))
                ]

"""One order played against its surroundings, the way its workflow moves it, tick by tick."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from domain.amounts import Bill, invoice
from domain.answer import Answer
from domain.base import ZERO, Goal, tidy
from domain.effect import Action, EffectState, Step
from domain.hearing import hear, refuse
from domain.looking import look_up
from domain.message import HoldReleased, Milestone, MilestoneKind, MilestoneLine
from domain.order import Misunderstood, Order
from domain.paperwork import document
from domain.plan import plan, targets, unmet
from domain.settling import intend, settle
from domain.sourcing import position
from domain.status import TRANSITIONS, Status, order_status, quantities
from tests.domain.world import LOCATIONS, Inbox, Outside, later


@dataclass
class Flight:
    """A call under way: answered already at the other side, or not there yet."""

    action: Action
    how: str
    arrived: bool
    answer: Answer | None = None


class Play:
    def __init__(self, order: Order, outside: Outside) -> None:
        self.order = order
        self.outside = outside
        self.inbox = Inbox()
        self.flights: dict[str, Flight] = {}
        self.minute = 0
        self.urgent = False
        self.statuses: list[Status] = [order_status(order)]
        self.bills: dict[str, Bill] = {}
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
                    flight.answer = self.outside.do(flight.action, flight.how)
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
            flight = Flight(action, how(), arrives())
            self._check_document(action)
            if flight.arrived:
                flight.answer = self.outside.do(action, flight.how)
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

    def _check_document(self, action: Action) -> None:
        written = document(self.order, action, later(self.minute))
        assert written.goal == action.goal
        assert written.order_id == self.order.id

    def _record(self) -> None:
        """What the world sees; and what it may never see."""
        self._check_news()
        self._check_lines()
        self._check_bills()
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

    def _check_lines(self) -> None:
        for line in self.order.lines:
            agreed = max(line.ordered - line.cancelled, line.total_shipped)
            assert ZERO <= line.cancelled <= line.ordered
            assert line.agreed == agreed
            assert sum(line.sources.values(), ZERO) + line.backordered == agreed
            assert all(line.sources[loc] >= gone for loc, gone in line.shipped.items())
            here = [s.lines.get(line.line, ZERO) for s in self.order.shipments]
            assert line.total_shipped == sum(here, ZERO)
            assert line.delivered <= line.total_shipped
            counted = quantities(self.order, line)
            assert counted.invoiced <= counted.shipped <= counted.packed <= counted.picked
            assert counted.backordered + counted.shipped <= agreed
            came = [back.received.get(line.line, ZERO) for back in self.order.returns]
            seen = [back.inspected.get(line.line, ZERO) for back in self.order.returns]
            assert line.returned == sum(came, ZERO) >= sum(seen, ZERO)
        stock, wanted = self.order.effect(Step.STOCK), targets(self.order)
        if stock and not stock.uncertain:
            most = wanted[stock.name].goal
            assert all(q <= most.get(name, ZERO) for name, q in stock.standing.items())

    def _check_bills(self) -> None:
        for shipment in self.order.shipments:
            if self.order.standing(Step.INVOICE, shipment.id):
                bill = invoice(self.order, shipment)
                assert self.bills.setdefault(shipment.id, bill) == bill, "a posted invoice changed"

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

    def bring_back(self, source: str, line: str, quantity: Decimal, document: str) -> None:
        """Goods that had been shipped come back."""
        gone = self.outside.ledger.shipped.get(position(line, source), ZERO)
        if gone:
            self.say(
                MilestoneKind.RETURN_RECEIVED,
                source,
                {line: min(gone, quantity)},
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
            for item in ("BOLT", "NUT", "BOX"):
                self.inbox.put(self.outside.ledger.arrive(location, item, 1000 + ZERO))

    def settle_down(self, rounds: int = 40) -> None:
        """The world behaves, and people release holds, until nothing changes any more."""
        for _ in range(rounds):
            if self.settled:
                return
            self.answer_pending()
            self.release_holds()
            self.tick()

    def ship_everything(self, rounds: int = 12) -> None:
        for _ in range(rounds):
            for location in LOCATIONS:
                self.ship(location, self.outside.released(location)[1])
            self.settle_down()
            if self.order.all_shipped and self.settled:
                return

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
        for line in self.order.lines:
            for location, quantity in line.sources.items():
                stands = self.outside.ledger.reserved.get(position(line.line, location), ZERO)
                assert stands == quantity

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

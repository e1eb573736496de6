"""Lives by lot on a real server: whatever is said to an order, and in whatever order, it ends, and
everybody's books agree.
"""

import asyncio
import random
from decimal import Decimal

import pytest

from adapters.memory import Fault, Partner
from domain.amounts import amount_due
from domain.answer import Done, Refused
from domain.effect import EffectState, Step
from domain.hold import PAYMENT_DIFFERENCE
from domain.message import (
    Amended,
    Answered,
    CreditGranted,
    CreditReason,
    PaymentReceived,
    ReplanAsked,
    RetryAsked,
    ReturnAuthorised,
)
from domain.order import Order
from domain.order_in import LineIn, PaymentIn
from domain.plan import unmet
from domain.status import order_status
from domain.view import awaited
from tests.domain import laws
from tests.workflows.world import EAST, HOME, WEST, World

CARRIERS = ("tms-1", "tms-2")
DAILY, NIGHTLY = 2, 200
FAULTS: tuple[Fault, ...] = ("outage", "timeout_after_success", "refuse", "pending")
WHATS = (
    "amend", "amend", "cancel", "cancel all", "add a line", "another address", "replan", "retry",
    "hold", "ship", "ship", "ship", "deliver", "return", "credit", "allow", "trouble", "trouble",
    "answer",
)  # fmt: skip
PAYMENTS = (
    PaymentIn(),
    PaymentIn(),
    PaymentIn(method="card", token="tok_1"),
    PaymentIn(method="prepaid", paid=Decimal(20)),
)
PLACES = {"1": EAST, "2": WEST}


def seeds() -> list[object]:
    daily: list[object] = [*range(DAILY)]
    return daily + [pytest.param(n, marks=pytest.mark.nightly) for n in range(DAILY, NIGHTLY)]


class Life:
    """One order, and all the people and places around it."""

    def __init__(self, world: World, lots: random.Random) -> None:
        self.world = world
        self.lots = lots
        self.said = 0

    @property
    def partners(self) -> list[Partner]:
        assert self.world.memory
        return [*self.world.memory.partners.values()]

    async def live(self) -> None:
        lots = self.lots
        payment = lots.choice(PAYMENTS)
        fulfilment = lots.choice(["partial", "partial", "complete"])
        await self.world.place(payment=payment, fulfilment=fulfilment)
        if lots.random() < 0.5:
            await self.world.until(lambda order: bool(order.standing(Step.ERP)))
        for what in lots.choices(WHATS, k=lots.randint(3, 10)):
            await self.happen(what)
            await asyncio.sleep(lots.choice([0, 0, 0.01, 0.1]))

    def name(self) -> str:
        self.said += 1
        return self.world.id(f"life-{self.said}")

    async def happen(self, what: str) -> None:
        lots, world = self.lots, self.world
        line, number = lots.choice(["1", "2"]), Decimal(lots.randint(1, 6))
        match what:
            case "amend":
                await world.say(Amended(id=self.name(), lines={line: number}))
            case "cancel":
                await world.cancel({line: int(number)}, name=self.name())
            case "cancel all":
                if lots.random() < 0.3:
                    await world.cancel(name=self.name())
            case "add a line":
                pin = LineIn(line="3", item="BOLT", quantity=number)
                await world.say(Amended(id=self.name(), add=(pin,)))
            case "another address":
                home = HOME.model_copy(update={"line1": f"{number} Main St"})
                await world.say(Amended(id=self.name(), ship_to=home))
            case "replan":
                await world.say(ReplanAsked(id=self.name()))
            case "retry":
                await world.say(RetryAsked(id=self.name()))
            case "hold":
                await world.hold(lots.choice(["order", f"line/{line}", f"fulfilment/{EAST}"]))
            case "ship":
                await self.ship(some=lots.random() < 0.5)
            case "deliver":
                await world.tell("delivered", PLACES[line], {}, self.name())
            case "return":
                await self.bring_back(line)
            case "credit" | "allow":
                allowance = {line: Decimal("0.5")} if what == "allow" else {}
                reason = CreditReason.ALLOWANCE if allowance else CreditReason.SHORTAGE
                lines = {line: Decimal(1)}
                await world.say(
                    CreditGranted(id=self.name(), reason=reason, lines=lines, per_unit=allowance)
                )
            case "trouble":
                lots.choice(self.partners).fail(lots.choice(FAULTS))
            case "answer":
                await self.answer()

    async def ship(self, *, some: bool) -> None:
        """What a warehouse has been asked for, in whole or in part. What has left in whole can be
        changed no more.
        """
        order = await self.world.state()
        if order is None or (some and unmet(order)):
            return
        place = self.lots.choice([EAST, WEST])
        key, rest = self.released(order, place)
        if not rest:
            return
        if some:
            line, quantity = self.lots.choice(list(rest.items()))
            rest = {line: Decimal(self.lots.randint(1, int(quantity)))}
        else:
            self.world.partner(f"wms-{place.lower()}").fixed.add(key)
        await self.world.tell("shipped", place, rest, self.name())

    def released(self, order: Order, place: str) -> tuple[str, dict[str, Decimal]]:
        """What stands in the warehouse's own book, and has not left."""
        assert self.world.memory
        release = order.effect(Step.RELEASE, place)
        if release is None:
            return "", {}
        key = order.key(release)
        done = self.world.memory.wms[f"wms-{place.lower()}"].releases.stands.get(key)
        asked = done.standing if done else {}
        rest = {}
        for line, quantity in asked.items():
            own = order.line(line)
            gone = own.shipped.get(place, Decimal(0)) - own.unreleased.get(place, Decimal(0))
            if quantity > gone:
                rest[line] = quantity - gone
        return key, rest

    async def bring_back(self, line: str) -> None:
        order = await self.world.state()
        if order is None or not order.line(line).total_shipped:
            return
        document = self.name()
        if self.lots.random() < 0.5:
            agreed = ReturnAuthorised(id=document, lines={line: Decimal(1)})
            await self.world.say(agreed)
            document = f"{self.world.order}-R1"
        await self.world.tell(
            "return_inspected", PLACES[line], {line: 1}, self.name(), document=document
        )

    async def answer(self) -> None:
        """Systems that promised an answer give it."""
        order = await self.world.state()
        for effect in order.effects.values() if order else ():
            if order and effect.state is EffectState.PENDING:
                key = order.key(effect)
                try:
                    answer = self.world.partner(effect.system).settle(key)
                except LookupError:  # it has been answered meanwhile
                    continue
                assert isinstance(answer, Done | Refused)
                await self.world.say(Answered(id=self.name(), key=key, answer=answer))

    # people see to it

    async def end(self) -> Order:
        """Whatever an order waits for is done, until it is over."""
        for partner in self.partners:
            partner.recover()
        async with asyncio.timeout(20):
            while True:
                await asyncio.sleep(0.05)
                if await self.world.unapplied():
                    continue  # what was done is not seen yet
                order = await self.world.known()
                if order.closed:
                    return order
                await self.see_to(order)

    async def see_to(self, order: Order) -> None:
        world = self.world
        reasons = {hold.reason for hold in order.open_holds}
        if (due := amount_due(order)) and (due > 0 or PAYMENT_DIFFERENCE in reasons):
            name = self.name()
            await world.say(PaymentReceived(id=name, receipt=name, amount=due))
        for hold in order.open_holds:
            if hold.reason != PAYMENT_DIFFERENCE:
                await world.release(hold.id)
        await self.answer()
        for agreed in order.authorised:
            if agreed.open:
                await world.tell(
                    "return_inspected", EAST, agreed.lines, self.name(), document=agreed.id
                )
        if not unmet(order) and not order.open_holds:
            for place in (EAST, WEST):
                key, rest = self.released(order, place)
                if rest:
                    world.partner(f"wms-{place.lower()}").fixed.add(key)
                    await world.tell("shipped", place, rest, self.name())


@pytest.mark.parametrize("seed", seeds())
async def test_any_life_ends_and_all_books_agree(running: World, seed: int) -> None:
    life = Life(running, random.Random(seed))
    await life.live()
    try:
        order = await life.end()
    except TimeoutError:
        order = await running.known()
        raise AssertionError(f"{order_status(order)}, waits for {awaited(order)}") from None
    await running.assert_agreed()
    laws.check_credits(order)
    laws.check_claims(order)
    laws.check_money(order)
    assert await running.sql("select kind, reason from dead_letter") == []

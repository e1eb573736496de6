"""One order through one cell of the matrix in domain/trouble.py: what befalls it, what people do
about it, and what must be seen meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

from activities.calls import TRIES
from adapters.memory import Fault, MemoryStanding, Partner
from domain.answer import Done, Refused
from domain.base import ZERO
from domain.diagram import WHAT
from domain.effect import Effect, EffectState, Step, effect_key
from domain.hold import Hold
from domain.message import Amended, Answered
from domain.order import Order
from domain.order_in import PaymentIn
from domain.plan import unmet
from domain.status import order_status
from domain.trouble import Cell, Change, Course, Trouble, course, waiting_for
from tests.replay.plays import BOLTS, CARD
from tests.workflows.world import EAST, HOME, World

ACCOUNT = PaymentIn(method="account")
QUANTITIES: Mapping[Change, int] = {
    Change.MADE: 5,
    Change.AMENDED_UP: 7,
    Change.AMENDED_DOWN: 3,
    Change.WITHDRAWN: 5,
    Change.MADE_ANEW: 5,
}
"""What is shipped in the end; of that, two come back."""

ELSEWHERE = HOME.model_copy(update={"line1": "2 Main St"})

RETURN = "RMA-1"
FOREVER = 10_000
LATE_REFUSAL = "blocked_customer"
SOON = timedelta(milliseconds=300)

Planned = Sequence[tuple[Fault, int, str]]
"""What goes wrong how often at which operations."""

PENDING: Planned = (("pending", 1, "*"),)
FAULTS: Mapping[Trouble, Planned] = {
    Trouble.OUTAGE: (("outage", FOREVER, "*"),),
    # Away afterwards, so that nobody finds out before it has been looked at.
    Trouble.TIME_OUT: (("timeout_after_success", 1, "*"), ("outage", FOREVER, "find")),
    Trouble.THROTTLE: (("throttle", FOREVER, "*"),),
    Trouble.REFUSED: (("refuse", 1, "*"),),
    Trouble.NOT_UNDERSTOOD: (("malformed", TRIES, "*"),),
    Trouble.ANSWERED_LATER: PENDING,
    Trouble.REFUSED_LATER: PENDING,
    Trouble.ANSWERED_TOO_LATE: PENDING,
    Trouble.DONE_UNTOLD: PENDING,
    Trouble.LOST_UNTOLD: PENDING,
}
OVERDUE = frozenset({Trouble.ANSWERED_TOO_LATE, Trouble.DONE_UNTOLD, Trouble.LOST_UNTOLD})
"""These are waited for until the answer is overdue."""


async def nothing() -> None:
    """Befalls an order that has no trouble."""


async def play(
    world: World,
    change: Change,
    payment: PaymentIn,
    befall: Callable[[], Awaitable[None]] = nothing,
) -> Order:
    """Released, changed, shipped, and returned in part. `befall` comes just before the change."""
    if change is Change.MADE:
        await befall()
    today = datetime.now(UTC).date()
    readdressed = change in (Change.WITHDRAWN, Change.MADE_ANEW)
    not_before = today + timedelta(days=2) if readdressed else None
    await world.place(lines=BOLTS, payment=payment, ship_not_before=not_before)
    await world.settles("allocated" if readdressed else "released")
    if change is Change.TAKEN_BACK:
        await befall()
        await world.cancel()
        return await world.ends("cancelled")
    quantity = QUANTITIES[change]
    if change in (Change.AMENDED_UP, Change.AMENDED_DOWN):
        await befall()
        await world.amend({"1": quantity})
        await world.until(partial(is_ready, quantity))
    if readdressed:
        await befall()
        new = Amended(id=world.id("new"), ship_to=ELSEWHERE, ship_not_before=today, by="test")
        await world.say(new)
        await world.settles("released")
    await world.ship(EAST, quantity=quantity)
    await world.ends("closed")
    await world.tell("return_received", EAST, {"1": 2}, document=RETURN)
    await world.tell("return_inspected", EAST, {"1": 2}, document=RETURN)
    return await world.ends("closed")


def is_ready(quantity: int, order: Order) -> bool:
    return order.line("1").agreed == quantity and not unmet(order)


def payment_of(step: Step) -> PaymentIn:
    """By card where the step is about cards; else on account, so that credit is at stake."""
    return CARD if WHAT[step][1] == "payment" else ACCOUNT


def left_behind(order: Order) -> tuple[int, int]:
    """What must be left of a hundred bolts, and of those be reserved."""
    line = order.lines[0]
    return 100 - int(line.total_shipped) + int(line.returned), 0


@dataclass
class Disturbed:
    """An order in a cell; on the way it is asserted what the cell's row says. `theirs` is the
    reason with which its system refuses.
    """

    world: World
    cell: Cell
    theirs: str = LATE_REFUSAL
    before: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    @property
    def course(self) -> Course:
        return course(self.cell, self.theirs)

    async def run(self) -> Order:
        """Through the trouble to the end."""
        self._be_impatient()
        payment = payment_of(self.cell.step)
        async with asyncio.TaskGroup() as both:
            both.create_task(self.get_over())
            both.create_task(play(self.world, self.cell.change, payment, self.befall))
        return await self.world.known()

    async def run_given_up(self) -> Order:
        """Into the trouble, and cancelled there; for what comes before anything has left."""
        self._be_impatient()
        await self.befall()
        await self.world.place(lines=BOLTS, payment=payment_of(self.cell.step))
        await self.strikes()
        if self.cell.trouble is Trouble.DONE_UNTOLD:
            self._settle(await self._pending())
        await self.world.cancel()
        await self.world.reaches("cancelled")
        self._recover()
        return await self.world.ends("cancelled")

    def _be_impatient(self) -> None:
        if self.cell.trouble in OVERDUE:
            self.world.patience = self.world.patience.model_copy(update={"answer": SOON})

    async def befall(self) -> None:
        """At whatever system the step goes to."""
        for key in await self._keys():
            for partner in self._partners:
                for fault, times, operation in FAULTS[self.cell.trouble]:
                    partner.fail(fault, times=times, operation=operation, key=key)

    async def _keys(self) -> list[str]:
        """What stands already, or else whatever it may be about."""
        order = await self.world.state()
        effects = list(order.effects_of(self.cell.step)) if order else []
        if order and effects:
            self.before = self._may_stand(order)
            anew = self.cell.change is Change.MADE_ANEW
            for effect in effects:
                effect.generation += anew
            return [order.key(effect) for effect in effects]
        subjects = ("", EAST, self.world.id(f"shipped-{EAST}"), RETURN)
        new = (Effect(step=self.cell.step, subject=subject) for subject in subjects)
        return [effect_key(self.world.order, effect) for effect in new]

    @property
    def _partners(self) -> list[Partner]:
        assert self.world.memory
        return list(self.world.memory.partners.values())

    @property
    def lookups(self) -> int:
        """How often anybody was asked what stands."""
        return sum(partner.lookups for partner in self._partners)

    def _may_stand(self, order: Order) -> dict[tuple[str, str], Decimal]:
        """Of the steps that wait for this one."""
        steps = waiting_for(self.cell.step, self.cell.change)
        waiting = (effect for effect in order.effects.values() if effect.step in steps)
        return {(e.name, part): q for e in waiting for part, q in e.at_most.items() if q}

    def _assert_waited_for(self, order: Order) -> None:
        """Nothing that builds on the step is begun; nothing that it builds on is undone."""
        now, before = self._may_stand(order), self.before
        if self.cell.change in (Change.AMENDED_DOWN, Change.TAKEN_BACK):
            assert now == before
        assert all(quantity <= before.get(what, ZERO) for what, quantity in now.items())

    async def get_over(self) -> None:
        """What people and systems do about it."""
        hold = await self.strikes()
        match self.cell.trouble:
            case Trouble.ANSWERED_LATER | Trouble.ANSWERED_TOO_LATE:
                await self._answer()
            case Trouble.DONE_UNTOLD:
                self._settle(await self._pending())
            case Trouble.LOST_UNTOLD:
                self._settle(await self._pending(), refused="lost")
            case _:
                self._recover()
        if hold and self.cell.trouble is not Trouble.ANSWERED_TOO_LATE:
            await self.world.release(hold.id)

    async def strikes(self) -> Hold | None:
        """Until the order waits, or is held, as its row says."""
        match self.cell.trouble:
            case Trouble.OUTAGE | Trouble.TIME_OUT | Trouble.THROTTLE:
                await self._waits()
                return None
            case Trouble.ANSWERED_LATER:
                await self._pending()
                return None
            case Trouble.REFUSED_LATER:
                await self._answer(refused=LATE_REFUSAL)
        return await self._held()

    async def _waits(self) -> None:
        """And shows for whom."""
        waiting = self.world.adapters.books.waiting
        async with asyncio.timeout(30):
            while not (found := await waiting.of_order(self.world.order)):
                await asyncio.sleep(0.02)
        order = await self.world.known()
        effect = self._effect(order)
        assert [(each.what, each.system) for each in found] == [(effect.name, effect.system)]
        assert order_status(order) == self.course.waits
        self._assert_waited_for(order)
        assert not order.open_holds

    async def _held(self) -> Hold:
        """For the reason, and by the effect, that the row says."""
        order = await self.world.until(lambda order: bool(order.open_holds))
        effect = self._effect(order)
        if self.cell.trouble is Trouble.REFUSED:
            self.theirs = self._refusal_of(effect)
        (hold,) = order.open_holds
        assert (hold.reason, hold.effect) == (self.course.hold, effect.name)
        assert order_status(order) == self.course.held
        self._assert_waited_for(order)
        return hold

    async def _pending(self) -> Effect:
        """An answer is promised."""
        order = await self.world.until(
            lambda order: any(
                effect.state is EffectState.PENDING for effect in order.effects.values()
            )
        )
        effect, row = self._effect(order), self.course
        assert effect.state is EffectState.PENDING
        assert order_status(order) == (row.held if order.open_holds else row.waits)
        self._assert_waited_for(order)
        return effect

    def _recover(self) -> None:
        for partner in self._partners:
            partner.recover()

    async def _answer(self, *, refused: str = "") -> None:
        """The system says at last, by message, what became of it."""
        effect = await self._pending()
        answer = self._settle(effect, refused=refused)
        key = effect_key(self.world.order, effect)
        await self.world.say(Answered(id=self.world.id("answer"), key=key, answer=answer))

    def _settle(self, effect: Effect, *, refused: str = "") -> Done | Refused:
        """The system has decided; nobody is told yet."""
        partner = self.world.partner(effect.system)
        answer = partner.settle(effect_key(self.world.order, effect), refused=refused)
        assert isinstance(answer, Done | Refused)
        return answer

    def _effect(self, order: Order) -> Effect:
        """The only one of its step."""
        (effect,) = order.effects_of(self.cell.step)
        return effect

    def _refusal_of(self, effect: Effect) -> str:
        """The reason with which its system refuses what is asked of it."""
        prefix = f"{self.world.order}/{effect.name}/"
        for kind in self.world.partner(effect.system)._kinds:
            assert isinstance(kind, MemoryStanding)
            if any(key.startswith(prefix) for key in kind._asked):
                return kind._rules.refused
        raise AssertionError(f"{effect.system} was never asked for {effect.name}")

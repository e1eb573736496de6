"""Every trouble with every change of every step at another company's system.

The cells are those of domain/trouble.py. Each is played on real servers: the order waits, is held
and ends where its row says, which is where an order without trouble ends; everything is done once.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import get_args

import pytest

from activities.books import BookActivities
from adapters.memory import Fault
from domain.amounts import credited_total, invoiced_total
from domain.effect import Effect, Step
from domain.order import Order
from domain.order_in import PaymentIn
from domain.plan import PARKED, unmet
from domain.trouble import (
    NEVER,
    OUTSIDE,
    WAYS,
    Cell,
    Change,
    Trouble,
    cells,
    course,
    keys_used,
    possible,
)
from stack.testing import fresh_database
from tests.faults.cells import ACCOUNT, FAULTS, Disturbed, left_behind, payment_of, play
from tests.replay import endings
from tests.replay.plays import CARD
from tests.workflows.world import World
from workflows.order import ACTIVITIES


def often() -> Iterator[Cell]:
    """Every step once; together they have every trouble, and every change."""
    troubles, used = list(Trouble), {Change.MADE}
    for n, step in enumerate(OUTSIDE):
        fresh = (each for each in reversed(Change) if possible(step, each) and each not in used)
        used.add(change := next(fresh, Change.MADE))
        yield Cell(step=step, change=change, trouble=troubles[n % len(troubles)])


OFTEN = list(often())
"""What every run plays; the rest is for the night."""


class Undisturbed:
    """How an order without trouble ends: played once, when it is first asked for."""

    def __init__(self, temporal: str, postgres: str, template: str) -> None:
        self._temporal, self._postgres, self._template = temporal, postgres, template
        self._known: dict[tuple[Change, str], endings.Ending] = {}

    async def ending(self, change: Change, payment: PaymentIn) -> endings.Ending:
        which = change, payment.method
        if which not in self._known:
            with fresh_database(self._postgres, self._template) as database:
                async with World.open(self._temporal, database) as world, world.worker():
                    order = await play(world, change, payment)
                    assert not order.holds
                    self._known[which] = await endings.ending(world)
        return self._known[which]


@pytest.fixture(scope="session")
def undisturbed(temporal: str, postgres_url: str, database_template: str) -> Undisturbed:
    return Undisturbed(temporal, postgres_url, database_template)


def by_night(*, often: bool) -> tuple[pytest.MarkDecorator, ...]:
    return () if often else (pytest.mark.nightly,)


@pytest.mark.parametrize(
    "cell",
    [pytest.param(x, marks=by_night(often=x in OFTEN), id=str(x)) for x in cells()],
)
async def test_in_trouble(running: World, cell: Cell, undisturbed: Undisturbed) -> None:
    disturbed = Disturbed(running, cell)
    async with asyncio.TaskGroup() as both:
        other = both.create_task(undisturbed.ending(cell.change, payment_of(cell.step)))
        order = await disturbed.run()

    row = disturbed.course
    assert [hold.reason for hold in order.holds] == ([row.hold] if row.hold else [])
    (effect,) = order.effects_of(cell.step)
    assert effect.generation == keys_used(cell)
    assert bool(disturbed.lookups) == WAYS[cell.trouble].asks
    by = "throughline" if cell.trouble is Trouble.ANSWERED_TOO_LATE else "test"
    assert all(hold.released_by == by for hold in order.holds)
    assert await running.adapters.books.waiting.of_order(running.order) == []
    await assert_lawful(running, order)
    ending = await endings.ending(running)
    assert ending["status"] == row.ends
    assert alike(ending) == alike(other.result())


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(x, marks=by_night(often=x.trouble is Trouble.TIME_OUT), id=str(x))
        for x in cells()
        if x.change is Change.MADE and x.step in PARKED
    ],
)
async def test_in_trouble_and_cancelled(running: World, cell: Cell) -> None:
    """Nothing is left of it anywhere, and nobody is asked any more."""
    disturbed = Disturbed(running, cell)

    order = await disturbed.run_given_up()

    row = disturbed.course
    assert [hold.reason for hold in order.holds] == ([row.hold] if row.hold else [])
    assert all(hold.released_by == "throughline" for hold in order.holds)
    await assert_lawful(running, order)
    assert not [effect.name for effect in order.effects.values() if stands(effect)]


def stands(effect: Effect) -> bool:
    """Somewhere, beside our own note of what was asked for."""
    return effect.step.kept and effect.step is not Step.CAPTURE and bool(effect.standing)


async def assert_lawful(world: World, order: Order) -> None:
    """All books agree, nothing is open, and what was there less what has gone is what is left."""
    assert not unmet(order)
    await world.assert_agreed()
    assert await world.stock() == {"BOLT": left_behind(order), "NUT": (100, 0)}
    assert order.header
    owed = invoiced_total(order) - credited_total(order)
    on_account = order.header.payment.method == "account"
    assert await world.credit() == (0, int(owed) if on_account else 0)


def alike(ending: endings.Ending) -> endings.Ending:
    """What trouble leaves as it is: all but holds, and under which of its keys a thing stands."""
    events = Counter(each.partition(" ")[0] for each in ending["events"])
    return {
        **ending,
        "holds": [],
        "events": {n: c for n, c in events.items() if n not in ("held", "hold_released")},
        "book": [(system, key.rpartition("/")[0], goal) for system, key, goal in ending["book"]],
    }


TIMES = {**dict.fromkeys(Change, 1), Change.MADE: 0, Change.WITHDRAWN: 2, Change.MADE_ANEW: 2}
"""How often what stands is changed in an order with this change."""


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("change", "payment"),
    [
        pytest.param(
            change,
            payment,
            id=f"{change}-{payment.method}",
        )
        for change in Change
        for payment in (ACCOUNT, CARD)
    ],
)
async def test_what_never_happens_does_not(
    undisturbed: Undisturbed, change: Change, payment: PaymentIn
) -> None:
    """And what is said to happen does: each step stands as often as the table lets it."""
    book = (await undisturbed.ending(change, payment))["book"]
    done = Counter(key.partition("/")[0] for _, key, _ in book)
    for step in OUTSIDE:
        if done[step]:
            more = TIMES[change] if possible(step, change) else 0
            assert done[step] == 1 + more, step


def test_no_cell_is_missing() -> None:
    """Every call on another company's system, every change, every fault that a system knows: played
    or, for a reason, impossible.
    """
    played = {(cell.step, cell.change, cell.trouble) for cell in cells()}
    ours = {step for step, call in ACTIVITIES.items() if call in vars(BookActivities).values()}
    outside = [step for step in ACTIVITIES if step not in ours]
    for step, change, trouble in product(outside, Change, Trouble):
        reason = NEVER.get(step, {}).get(change, "")
        assert ((step, change, trouble) in played) != bool(reason), (step, change, trouble)
    assert len(played) == len(cells())
    assert FAULTS.keys() == WAYS.keys() == set(Trouble)
    assert {fault for planned in FAULTS.values() for fault, *_ in planned} == set(get_args(Fault))


def test_every_run_has_every_step_trouble_and_change() -> None:
    assert {cell.step for cell in OFTEN} == set(OUTSIDE)
    assert {cell.trouble for cell in OFTEN} == set(Trouble)
    assert {cell.change for cell in OFTEN} == set(Change)
    assert {WAYS[cell.trouble].hold for cell in OFTEN} == {way.hold for way in WAYS.values()}
    assert {course(cell).ends for cell in OFTEN} == {course(cell).ends for cell in cells()}

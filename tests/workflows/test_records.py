"""Which record of an order counts: the newer one of its run, on its engine."""

import pytest

from adapters.postgres.records import Ahead, Elsewhere, HeldBy, Saved
from domain.errors import Replaced
from domain.order import Entry, Order
from tests.workflows.world import World


@pytest.fixture
async def placed(world: World) -> World:
    await world.place()
    return world


async def entry(
    world: World,
    revision: int,
    *,
    run: str = "a",
    length: int = 10,
    heard: int = 1,
    based_on: int = 0,
) -> Entry:
    order = Order(id=world.order, revision=revision, heard=heard)
    engine = await world.engine.namespace_id()
    return Entry(order=order, run=run, engine=engine, based_on=based_on, history_length=length)


async def test_within_a_run_the_newer_one_counts(placed: World) -> None:
    save = placed.adapters.books.records.save
    second = await entry(placed, 2)
    assert isinstance(await save(second, taking_from=None), Saved)
    assert isinstance(await save(second, taking_from=None), Saved), "made again after a kill"

    with pytest.raises(Replaced):
        await save(await entry(placed, 3, length=9), taking_from=None)
    assert (await placed.known()).revision == 2

    # A task that is done again may need fewer records, but knows no less.
    assert isinstance(await save(await entry(placed, 1), taking_from=None), Saved)


async def test_a_run_that_has_heard_less_is_behind_whatever_its_length(placed: World) -> None:
    """As one on an engine that was brought back from a backup, and went on there."""
    save = placed.adapters.books.records.save
    await save(await entry(placed, 2, heard=4), taking_from=None)

    with pytest.raises(Replaced):
        await save(await entry(placed, 9, length=99, heard=3), taking_from=None)


async def test_another_run_takes_an_order_only_from_the_one_it_names(placed: World) -> None:
    save = placed.adapters.books.records.save
    await save(await entry(placed, 2), taking_from=None)

    assert await save(await entry(placed, 3, run="b"), taking_from=None) == HeldBy("a")
    assert await save(await entry(placed, 3, run="b"), taking_from="z") == HeldBy("a")
    taking = await entry(placed, 3, run="b", based_on=2)
    assert isinstance(await save(taking, taking_from="a"), Saved)
    with pytest.raises(Replaced):
        await save(await entry(placed, 9, length=99), taking_from="b")


async def test_a_run_with_an_older_state_is_given_the_stored_one(placed: World) -> None:
    save = placed.adapters.books.records.save
    await save(await entry(placed, 5), taking_from=None)

    ahead = await save(await entry(placed, 5, run="b"), taking_from="a")

    assert isinstance(ahead, Ahead)
    assert ahead.order.revision == 5
    assert isinstance(await save(await entry(placed, 6), taking_from=None), Saved), "nothing taken"


async def test_what_the_run_before_recorded_meanwhile_is_not_written_over(placed: World) -> None:
    """As when orders are rebuilt while a worker is still at work on their old runs."""
    save = placed.adapters.books.records.save
    await save(await entry(placed, 5), taking_from=None)
    rebuilt = await entry(placed, 7, run="b", based_on=5)
    await save(await entry(placed, 6), taking_from=None)

    ahead = await save(rebuilt, taking_from="a")

    assert isinstance(ahead, Ahead)
    assert ahead.order.revision == 6
    again = await entry(placed, 8, run="b", based_on=6)
    assert isinstance(await save(again, taking_from="a"), Saved)


async def test_a_task_done_again_is_given_again_what_it_went_on_from(placed: World) -> None:
    """The worker was killed after it had taken the order over; its history does not say so."""
    save = placed.adapters.books.records.save
    await save(await entry(placed, 5), taking_from=None)
    await save(await entry(placed, 7, run="b", based_on=5), taking_from="a")

    again = await entry(placed, 2, run="b", heard=0, based_on=0)
    ahead = await save(again, taking_from=None)

    assert isinstance(ahead, Ahead)
    assert ahead.order.revision == 7
    going_on = await entry(placed, 9, run="b", based_on=7, length=14)
    assert isinstance(await save(going_on, taking_from=None), Saved)


async def test_another_engine_has_no_say(placed: World) -> None:
    records = placed.adapters.books.records
    ours = await entry(placed, 2)
    await records.move_engine("another")

    assert isinstance(await records.save(ours, taking_from=None), Elsewhere)
    assert await placed.state() is None


async def test_a_statement_behind_the_fence_is_refused(placed: World) -> None:
    """Of another run, or older than one already seen: a worker that woke up late."""
    await placed.adapters.books.records.save(await entry(placed, 2), taking_from=None)
    for run, n, passes in (("a", 5, True), ("b", 9, False), ("a", 4, False), ("a", 5, True)):
        ((may,),) = await placed.sql("select may_pass(%s, 'stock', %s, %s)", placed.order, run, n)
        assert may is passes

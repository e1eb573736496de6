"""What people and warehouses decide of an order's lines, on real servers."""

from datetime import UTC, datetime, timedelta
from functools import partial

from domain.effect import Step
from domain.order import Order
from tests.replay.plays import line
from tests.workflows.world import EAST, World


async def test_an_order_goes_on_without_the_line_it_was_held_for(running: World) -> None:
    await running.place(lines=(line("1", "BOLT", 5), line("2", "WIDGET", 1)))
    await running.held("unknown_item")
    await running.cancel({"2": 1})
    await running.settles("released")
    await running.ship(EAST)
    await running.ends("closed")
    await running.assert_agreed()


async def test_a_warehouse_is_asked_again_only_for_what_came_since(running: World) -> None:
    """Our books still have ninety at EAST, and offer them to whoever waits."""
    await running.place(lines=(line("1", "BOLT", 60),))
    await running.settles("released")
    running.let_go(EAST, "1", 10)
    await running.tell("picked", EAST, {"1": 10}, final=True)
    order = await running.until(lambda order: order.heard > 2 and released(10, order))
    assert order.lines[0].backordered == 50

    await running.receive("BOLT", EAST, 50)
    await running.until(partial(released, 60))
    await running.ship(EAST, quantity=60)
    await running.ends("closed")
    await running.assert_agreed()


def released(quantity: int, order: Order) -> bool:
    return order.standing(Step.RELEASE, EAST) == {"1": quantity}


async def test_a_quote_is_not_accepted_late_because_nobody_was_at_work(world: World) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    await world.place(kind="quote", valid_until=yesterday)
    await world.accept()
    async with world.worker():
        await world.ends("expired")

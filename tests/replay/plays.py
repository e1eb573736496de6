"""Orders whose systems do as they are told: shipped, changed, cancelled, held by people, returned.

Each play tells one order of its world what happens to it, up to its end, and asserts what must be
seen on the way. It knows nothing of the machinery it runs on, which other tests disturb.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial

from domain.catalog import Item
from domain.effect import Step
from domain.hold import Problem, hold_id
from domain.order import Order
from domain.order_in import LineIn, PaymentIn
from domain.party import Customer
from tests.workflows.world import EAST, HOME, WEST, World

CARD = PaymentIn(method="card", token="tok_1")


def line(number: str, item: str, quantity: int, price: int | None = None) -> LineIn:
    return LineIn(
        line=number,
        item=item,
        quantity=Decimal(quantity),
        price=None if price is None else Decimal(price),
    )


BOLTS = (line("1", "BOLT", 5),)


async def shipped(world: World) -> None:
    await world.place(lines=BOLTS)
    await world.settles("released")
    await world.ship(EAST)
    await world.ends("closed")


async def split(world: World) -> None:
    await world.place()
    await world.settles("released")
    await world.ship(EAST)
    await world.reaches("partially_shipped")
    await world.ship(WEST)
    await world.ends("closed")


async def renewed_at_every_wait(world: World) -> None:
    await split(replace(world, patience=world.patience.model_copy(update={"renew_always": True})))


async def shipped_in_parts(world: World) -> None:
    await world.place(lines=BOLTS)
    await world.settles("released")
    await world.ship(EAST, "-a", 2)
    order = await world.until(lambda order: invoices(order) == 1)
    assert len(order.shipments) == 1
    await world.ship(EAST, "-b", 3)
    order = await world.ends("closed")
    assert [shipment.lines for shipment in order.shipments] == [{"1": 2}, {"1": 3}]


async def step_by_step(world: World) -> None:
    await world.place(lines=BOLTS)
    await world.settles("released")
    await world.tell("accepted", EAST, {})
    await world.tell("picking", EAST, {})
    await world.reaches("picking")
    await world.tell("picked", EAST, {"1": 5})
    await world.tell("packed", EAST, {"1": 5})
    await world.reaches("packed")
    await world.ship(EAST)
    await world.ends("closed")


async def told_before_it_was_placed(world: World) -> None:
    await world.ship(EAST)
    await world.place(lines=BOLTS)
    await world.ends("closed")


async def delivered_after_the_close(world: World) -> None:
    await shipped(world)
    await world.tell("delivered", EAST, {})
    order = await world.ends("closed")
    assert order.lines[0].delivered == 5
    assert (await world.events())["closed"] == 2


async def shipped_again_after_the_close(world: World) -> None:
    await shipped(world)
    await world.ship(EAST, "-late", 1)
    await world.release(await world.held("overshipped"))
    order = await world.ends("closed")
    assert order.lines[0].total_shipped == 6


# changed


async def amended_up(world: World) -> None:
    await world.place(lines=BOLTS)
    await world.settles("released")
    await world.amend({"1": 7})
    await world.until(lambda order: order.standing(Step.BOOK, EAST) == {"1": 7})
    await world.ship(EAST, quantity=7)
    await world.ends("closed")


async def amended_down(world: World) -> None:
    await world.place(lines=BOLTS)
    await world.settles("released")
    await world.amend({"1": 2})
    await world.until(lambda order: order.standing(Step.BOOK, EAST) == {"1": 2})
    await world.ship(EAST, quantity=2)
    await world.ends("closed")


async def amended_there_and_back(world: World) -> None:
    await world.place(lines=BOLTS)
    await world.settles("released")
    for quantity in (3, 5):
        await world.amend({"1": quantity}, f"-{quantity}")
        await world.until(partial(is_booked, {"1": quantity}))
    await world.ship(EAST)
    await world.ends("closed")
    assert (await world.events())["released"] == 3


# cancelled


async def cancelled_when_held(world: World) -> None:
    await world.place(lines=(line("1", "WIDGET", 5),))
    await world.held("unknown_item")
    await world.cancel()
    await world.ends("cancelled")


async def cancelled_over_the_limit(world: World) -> None:
    await limit_credit(world, 10)
    await world.place()
    await world.held("credit_limit")
    await world.cancel()
    await world.ends("cancelled")


async def cancelled_backordered(world: World) -> None:
    await world.place(lines=(line("1", "BOLT", 120),), fulfilment="complete")
    await world.until(lambda order: order.standing(Step.ERP) == {"1": 120})
    await world.cancel()
    await world.ends("cancelled")


async def cancelled_when_released(world: World) -> None:
    await world.place()
    await world.settles("released")
    await world.cancel()
    await world.ends("cancelled")


async def cancelled_in_part(world: World) -> None:
    await world.place()
    await world.settles("released")
    await world.cancel({"1": 2, "2": 3})
    await world.until(lambda order: order.standing(Step.BOOK, EAST) == {"1": 3})
    await world.ship(EAST, quantity=3)
    await world.ends("closed")


async def cancelled_after_a_shipment(world: World) -> None:
    await world.place()
    await world.settles("released")
    await world.ship(EAST)
    await world.reaches("partially_shipped")
    await world.cancel()
    await world.ends("closed")


# held by rules and people


async def of_an_unknown_customer(world: World) -> None:
    await world.place(customer="NEWCO", lines=BOLTS)
    hold = await world.held("unknown_customer")
    await world.adapters.books.master.put_customers(
        Customer(
            id="NEWCO",
            name="New Company",
            currency="USD",
            credit_limit=Decimal(1000),
            payment_terms="NET30",
            address=HOME,
        )
    )
    await world.release(hold)
    await ship_bolts(world)


async def of_an_unknown_item(world: World) -> None:
    await world.place(lines=(*BOLTS, line("2", "WIDGET", 1)))
    hold = await world.held("unknown_item")
    await world.adapters.books.master.put_items(
        Item(id="WIDGET", description="Widget", unit="EA", currency="USD", price=Decimal(3))
    )
    await world.receive("WIDGET", EAST, 10)
    await world.release(hold)
    await world.settles("released")
    await world.tell("shipped", EAST, {"1": 5, "2": 1})
    await world.ends("closed")


async def at_another_price(world: World) -> None:
    await world.place(lines=(line("1", "BOLT", 5, price=9),))
    await world.release(await world.held("price_mismatch"))
    await ship_bolts(world)
    opened, invoiced = await world.credit()
    assert opened == 0
    assert 45 <= invoiced < 50  # at nine each, with whatever tax there is


async def released_before_it_is_held(world: World) -> None:
    """As when the record in which the hold was seen is made again, after a worker's death."""
    problem = Problem(reason="price_mismatch", scope="line/1")
    await world.place(lines=(line("1", "BOLT", 5, price=9),))
    await world.release(hold_id(world.order, problem, "capture//answers/1"))
    order = await world.settles("released")
    assert [hold.released_by for hold in order.holds] == ["test"]
    await ship_bolts(world)


async def like_another(world: World) -> None:
    twin = replace(world, order=f"{world.order}-twin")
    await twin.place(lines=BOLTS)
    await twin.settles("released")
    await twin.cancel()
    await twin.ends("cancelled")

    await world.place(lines=BOLTS)
    hold = await world.held("suspected_duplicate")
    assert not await world.book()
    await world.release(hold)
    await ship_bolts(world)


async def held_by_hand(world: World) -> None:
    """What has been released goes on; nothing more is."""
    await world.place(lines=BOLTS)
    await world.settles("released")
    await world.hold()
    hold = await world.held("manual")
    await world.amend({"1": 7})
    await world.until(lambda order: order.lines[0].agreed == 7)
    await world.ship(EAST, "-a", 4)
    order = await world.until(lambda order: invoices(order) == 1)
    assert order.standing(Step.RELEASE, EAST) == {"1": 5}
    await world.release(hold)
    await world.until(lambda order: order.standing(Step.RELEASE, EAST) == {"1": 7})
    await world.ship(EAST, "-b", 3)
    await world.ends("closed")


async def over_the_limit(world: World) -> None:
    await limit_credit(world, 10)
    await world.place(lines=BOLTS)
    hold = await world.held("credit_limit")
    assert not await world.book()
    await limit_credit(world, 100)
    await world.release(hold)
    await ship_bolts(world)


# stock


async def backordered(world: World) -> None:
    await world.place(lines=(line("1", "BOLT", 120),))
    await world.until(lambda order: order.standing(Step.BOOK, EAST) == {"1": 100})
    await world.receive("BOLT", EAST, 50)
    await world.until(lambda order: order.standing(Step.BOOK, EAST) == {"1": 120})
    await world.ship(EAST, quantity=120)
    await world.ends("closed")
    assert await world.stock() == {"BOLT": (30, 0), "NUT": (100, 0)}


async def backordered_whole(world: World) -> None:
    """Nothing goes before all of it is there."""
    await world.place(lines=(line("1", "BOLT", 120),), fulfilment="complete")
    await world.until(lambda order: order.standing(Step.ERP) == {"1": 120})
    await world.receive("BOLT", EAST, 20)
    order = await world.settles("released")
    assert order.standing(Step.RELEASE, EAST) == {"1": 120}
    await world.ship(EAST, quantity=120)
    await world.ends("closed")


async def counted_short(world: World) -> None:
    """Reserved goods are not there; the warehouse says what it found, and more comes."""
    await world.place(lines=(line("1", "BOLT", 60),))
    await world.settles("released")
    await world.move("adjustment", "BOLT", EAST, -90)
    world.let_go(EAST, "1", 10)
    await world.tell("picked", EAST, {"1": 10}, final=True)
    order = await world.until(partial(is_booked, {"1": 10}))
    assert order.lines[0].backordered == 50
    await world.receive("BOLT", EAST, 80)
    await world.until(lambda order: order.standing(Step.BOOK, EAST) == {"1": 60})
    await world.ship(EAST, quantity=60)
    await world.ends("closed")
    assert await world.stock() == {"BOLT": (30, 0), "NUT": (100, 0)}


async def overshipped(world: World) -> None:
    await world.place(lines=BOLTS)
    await world.settles("released")
    await world.ship(EAST, quantity=6)
    await world.release(await world.held("overshipped"))
    await world.ends("closed")
    assert await world.stock() == {"BOLT": (94, 0), "NUT": (100, 0)}


# cards and returns


async def by_card(world: World) -> None:
    await world.place(payment=CARD)
    await world.settles("released")
    await world.ship(EAST)
    await world.until(lambda order: collected(order) == 1)
    await world.ship(WEST)
    await world.ends("closed")
    assert await world.credit() == (0, 0)


async def cancelled_by_card(world: World) -> None:
    await world.place(payment=CARD)
    await world.settles("released")
    await world.cancel()
    await world.ends("cancelled")


async def returned_after_the_close(world: World) -> None:
    await split(world)
    await take_back(world)
    await world.ends("closed")
    opened, invoiced = await world.credit()
    assert opened == 0
    assert 60 <= invoiced < 70  # for six of eight, with whatever tax there is


async def returned_by_card(world: World) -> None:
    await by_card(world)
    await take_back(world)
    await world.ends("closed")


# parts of plays


async def ship_bolts(world: World) -> None:
    await world.settles("released")
    await world.ship(EAST)
    await world.ends("closed")


async def take_back(world: World) -> None:
    """Two bolts come back, and are found in order: the order is open while nobody has looked."""
    await world.tell("return_received", EAST, {"1": 2}, document="RMA-1")
    await world.until(lambda order: bool(order.returns) and not order.closed)
    await world.tell("return_inspected", EAST, {"1": 2}, document="RMA-1")
    await world.ends("closed")
    assert (await world.stock())["BOLT"] == (97, 0)


def is_booked(goal: Mapping[str, int], order: Order) -> bool:
    return order.standing(Step.BOOK, EAST) == goal


def invoices(order: Order) -> int:
    return sum(bool(effect.standing) for effect in order.effects_of(Step.INVOICE))


def collected(order: Order) -> int:
    return sum(bool(effect.standing) for effect in order.effects_of(Step.COLLECT))


async def limit_credit(world: World, most: int) -> None:
    await world.sql("update customer set credit_limit = %s", most)

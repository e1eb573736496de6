"""Orders quoted, told their days, made of kits, changed at length, held for a while: whatever
else can be asked for and decided before the goods leave.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from domain.catalog import Item, Price
from domain.effect import Step
from domain.order import Order
from domain.order_in import LineIn
from domain.plan import unmet
from domain.status import order_status
from tests.replay.plays import BOLTS, line, ship_bolts
from tests.workflows.world import ACME, BOLT, EAST, HOME, WEST, World

OVER, FAR = date(2020, 1, 1), date(2100, 1, 1)
"""No play can wait for a day to end."""
ALL_THERE = {"BOLT": (100, 0), "NUT": (100, 0)}
MANY_BOLTS = (line("1", "BOLT", 120), line("2", "NUT", 3))

# quotes


async def quoted_and_accepted(world: World) -> None:
    """Nothing is reserved for a quote."""
    await world.place(kind="quote", lines=BOLTS)
    await world.settles("quoted")
    assert await world.stock() == ALL_THERE
    await world.accept()
    await ship_bolts(world)


async def quoted_anew(world: World) -> None:
    """More of it is cheaper."""
    await world.adapters.books.master.put_prices(
        Price(item="BOLT", customer="ACME", currency="USD", price=Decimal(9), min_quantity=7)
    )
    await world.place(kind="quote", lines=BOLTS, valid_until=date(2099, 1, 1))
    await world.settles("quoted")
    await world.amend({"1": 7}, valid_until=FAR)
    order = await world.until(lambda order: is_quoted(order) and order.line_terms("1").price == 9)
    assert order.header
    assert order.header.valid_until == FAR
    await world.accept()
    await world.settles("released")
    await world.ship(EAST, quantity=7)
    await world.ends("closed")


async def quoted_until_yesterday(world: World) -> None:
    await world.place(kind="quote", lines=BOLTS, valid_until=OVER)
    await world.ends("expired")
    assert await world.stock() == ALL_THERE


# days, and what goes together


async def not_before_its_day(world: World) -> None:
    """Reserved at once, and released when it may leave."""
    await world.place(lines=BOLTS, ship_not_before=FAR)
    order = await world.settles("allocated")
    assert not any(order.effects_of(Step.RELEASE))
    await world.amend(ship_not_before=OVER)
    await ship_bolts(world)


async def after_its_last_day(world: World) -> None:
    """What did not leave by then is cancelled."""
    await world.ship(EAST, quantity=2)
    await world.place(lines=BOLTS, cancel_after=OVER)
    order = await world.ends("closed")
    assert order.lines[0].cancelled == 3
    assert await world.stock() == {"BOLT": (98, 0), "NUT": (100, 0)}


async def filled_or_killed(world: World) -> None:
    await world.place(lines=MANY_BOLTS, fulfilment="fill_or_kill")
    await world.ends("cancelled")
    assert await world.stock() == ALL_THERE


async def complete_by_line(world: World) -> None:
    """A line goes when all of it is there; the other one waits for nobody."""
    await world.place(lines=MANY_BOLTS, fulfilment="line_complete")
    order = await world.until(lambda order: order.standing(Step.BOOK, WEST) == {"2": 3})
    assert not order.at_most(Step.RELEASE, EAST)
    await world.receive("BOLT", EAST, 20)
    await world.until(lambda order: order.standing(Step.BOOK, EAST) == {"1": 120})
    await world.ship(WEST)
    await world.ship(EAST, quantity=120)
    await world.ends("closed")


async def complete_from_two_places(world: World) -> None:
    """Neither warehouse is asked before all of it is there."""
    await world.place(lines=MANY_BOLTS, fulfilment="complete")
    order = await world.until(lambda order: order.standing(Step.ERP) == {"1": 120, "2": 3})
    assert not any(order.effects_of(Step.RELEASE))
    await world.receive("BOLT", EAST, 20)
    await world.settles("released")
    await world.ship(EAST, quantity=120)
    await world.ship(WEST)
    await world.ends("closed")


# what nobody knows yet


async def in_an_unknown_unit(world: World) -> None:
    boxes = LineIn(line="1", item="BOLT", quantity=Decimal(2), unit="BOX")
    await world.place(lines=(boxes,))
    hold = await world.held("unknown_unit")
    in_boxes = BOLT.model_copy(update={"units": {"BOX": Decimal(20)}})
    await world.adapters.books.master.put_items(in_boxes)
    await world.release(hold)
    await world.settles("released")
    await world.ship(EAST, quantity=2)
    await world.ends("closed")
    assert await world.stock() == {"BOLT": (60, 0), "NUT": (100, 0)}


async def in_another_currency(world: World) -> None:
    """The customer's is changed, and then there is a contract price in it."""
    master = world.adapters.books.master
    await master.put_prices(Price(item="BOLT", customer="ACME", currency="EUR", price=Decimal(9)))
    await world.place(lines=BOLTS, currency="EUR")
    hold = await world.held("currency_mismatch")
    await master.put_customers(ACME.model_copy(update={"currency": "EUR"}))
    await world.release(hold)
    await ship_bolts(world)


async def without_a_price(world: World) -> None:
    master = world.adapters.books.master
    await master.put_items(
        Item(id="WIDGET", description="Widget", unit="EA", currency="EUR", price=Decimal(3))
    )
    await world.receive("WIDGET", EAST, 10)
    await world.place(lines=(line("1", "WIDGET", 5),))
    hold = await world.held("no_price")
    await master.put_prices(Price(item="WIDGET", customer="ACME", currency="USD", price=Decimal(4)))
    await world.release(hold)
    await ship_bolts(world)


async def to_an_invalid_address(world: World) -> None:
    """The tax engine does not find it; with another one the order goes on by itself."""
    await world.place(lines=BOLTS, ship_to=HOME.model_copy(update={"postal_code": ""}))
    await world.held("invalid_address")
    await world.amend(ship_to=HOME)
    await ship_bolts(world)


# kits


async def of_a_kit(world: World) -> None:
    """Its parts come from two warehouses."""
    await place_kits(world)
    await world.settles("released")
    await world.tell("shipped", EAST, {"1.2": 6})
    await world.tell("shipped", WEST, {"1.1": 3})
    await world.ends("closed")
    assert await world.stock() == {"BOLT": (94, 0), "NUT": (97, 0)}


async def of_a_kit_amended_and_cancelled_in_part(world: World) -> None:
    """A part goes with its kit."""
    await place_kits(world)
    await world.settles("released")
    await world.amend({"1": 4})
    await world.until(lambda order: order.standing(Step.BOOK, EAST) == {"1.2": 8})
    await world.cancel({"1": 2})
    await world.until(lambda order: order.standing(Step.BOOK, EAST) == {"1.2": 4})
    await world.until(lambda order: order.standing(Step.BOOK, WEST) == {"1.1": 2})
    await world.tell("shipped", EAST, {"1.2": 4})
    await world.tell("shipped", WEST, {"1.1": 2})
    await world.ends("closed")


# changed at length


async def ordered_more_after_a_shipment(world: World) -> None:
    """No warehouse adds to what has left: it is another release, with transport of its own."""
    await world.place()
    await world.settles("released")
    await world.ship(EAST)
    await world.reaches("partially_shipped")
    await world.amend({"1": 8})
    await world.until(lambda order: order.standing(Step.BOOK, EAST) == {"1": 3})
    await world.ship(EAST, "-more", 3)
    await world.ship(WEST)
    await world.ends("closed")
    releases = [key for _, key, _ in await world.book() if key.startswith("release/EAST")]
    assert releases == ["release/EAST/1", "release/EAST/2"]


async def a_line_is_added(world: World) -> None:
    await world.place(lines=BOLTS)
    await world.settles("released")
    await world.amend(add=(line("2", "NUT", 3),))
    await world.until(lambda order: order.standing(Step.BOOK, WEST) == {"2": 3})
    await world.ship(EAST)
    await world.ship(WEST)
    await world.ends("closed")


async def sent_elsewhere(world: World) -> None:
    """What was told of the old address is taken back, and told anew."""
    away = HOME.model_copy(update={"line1": "2 Side St"})
    await world.place(lines=BOLTS, ship_not_before=FAR)
    await world.settles("allocated")
    await world.amend(ship_to=away)
    await world.until(
        lambda order: order.effects["erp/"].generation == 2 and not unmet(order),
    )
    await world.amend(name="-day", ship_not_before=OVER)
    await ship_bolts(world)
    orders = [(key, goal) for _, key, goal in await world.book() if key.startswith("erp/")]
    assert orders == [("erp//1", {"1": "5"}), ("erp//1", {}), ("erp//2", {"1": "5"})]


async def replanned(world: World) -> None:
    """All of it can come from one place meanwhile."""
    await world.place(lines=MANY_BOLTS, ship_not_before=FAR)
    await world.until(lambda order: order.standing(Step.ERP) == {"1": 120, "2": 3})
    await world.receive("BOLT", EAST, 200)
    await world.settles("allocated")
    await world.receive("NUT", EAST, 50)
    await world.replan()
    await world.until(
        lambda order: {*order.standing(Step.STOCK)} == {"1/EAST", "2/EAST"} and not unmet(order)
    )
    await world.amend(ship_not_before=OVER)
    await world.settles("released")
    await world.tell("shipped", EAST, {"1": 120, "2": 3})
    await world.ends("closed")


# held for a while


async def held_until_a_moment(world: World) -> None:
    """Nobody releases it."""
    await world.place(lines=BOLTS)
    await world.settles("released")
    await world.hold(until=datetime.now(UTC) + timedelta(seconds=1))
    await world.amend({"1": 7})
    await world.until(lambda order: order.standing(Step.BOOK, EAST) == {"1": 7})
    await world.ship(EAST, quantity=7)
    order = await world.ends("closed")
    assert [hold.released_by for hold in order.holds] == ["throughline"]


async def released_with_an_edit(world: World) -> None:
    await world.place(lines=BOLTS)
    await world.settles("released")
    await world.hold()
    await world.release(await world.held("manual"), edit=world.amendment({"1": 2}))
    await world.until(lambda order: order.standing(Step.BOOK, EAST) == {"1": 2})
    await world.ship(EAST, quantity=2)
    await world.ends("closed")


async def held_for_longer_than_its_goods(world: World) -> None:
    """They go back to whoever else wants them, and are taken anew when it goes on."""
    soon = {"held_stock": timedelta(milliseconds=300)}
    await world.place(lines=BOLTS, ship_not_before=FAR, patience=soon)
    await world.settles("allocated")
    await world.hold()
    hold = await world.held("manual")
    await world.until(lambda order: order.let_go and not order.at_most(Step.STOCK))
    assert await world.stock() == ALL_THERE
    await world.release(hold)
    await world.settles("allocated")
    await world.amend(ship_not_before=OVER)
    await ship_bolts(world)


# parts of plays


def is_quoted(order: Order) -> bool:
    return order_status(order) == "quoted" and not unmet(order)


async def place_kits(world: World) -> None:
    """Three sets of a nut and two bolts: lines 1.1 and 1.2."""
    parts = {"BOLT": Decimal(2), "NUT": Decimal(1)}
    await world.adapters.books.master.put_items(
        Item(id="SET", description="Set", unit="EA", currency="USD", price=Decimal(25), kit=parts)
    )
    await world.place(lines=(line("1", "SET", 3),))

"""Orders after their goods have left: parcels, returns, credit, and money paid and taken."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.amounts import amount_due
from domain.effect import Step
from domain.order import Order
from domain.order_in import PaymentIn
from tests.replay.plays import BOLTS, CARD, collected, invoices, line, shipped
from tests.workflows.world import EAST, WEST, World

SOON, LATE = timedelta(milliseconds=300), timedelta(hours=1)

# parcels


async def lost_and_credited(world: World) -> None:
    """Nobody hears of the parcel."""
    await send(world, SOON)
    await world.held("lost_parcel")
    await world.until(lambda order: invoices(order) == 1)
    await world.grant("lost", {"1": 5}, shipment="PARCEL")
    order = await world.ends("closed")
    assert order.shipments[0].lost
    assert credits(order) == 1


async def delivered_after_an_exception(world: World) -> None:
    await send(world, LATE)
    await world.tell("delivery_exception", EAST, {}, shipment_id="PARCEL")
    await world.held("delivery_exception")
    await world.tell("delivered", EAST, {}, shipment_id="PARCEL")
    order = await world.ends("closed")
    assert order.lines[0].delivered == 5


async def come_back_undelivered(world: World) -> None:
    """Nobody waits for the parcel any more."""
    await send(world, LATE)
    await world.tell("delivery_exception", EAST, {}, shipment_id="PARCEL")
    await world.held("delivery_exception")
    await world.tell("return_received", EAST, {"1": 5}, shipment_id="PARCEL")
    await world.until(lambda order: not order.open_holds)
    await world.tell("return_inspected", EAST, {"1": 5})
    order = await world.ends("closed")
    assert credits(order) == 1
    assert await world.stock() == {"BOLT": (100, 0), "NUT": (100, 0)}


# returns, and credit without goods


async def returned_as_agreed(world: World) -> None:
    """Open until the goods are back; a part of the credit is kept for restocking them."""
    await shipped(world)
    await world.authorise_return({"1": 2}, restocking=Decimal(10))
    order = await world.until(lambda order: bool(order.authorised))
    assert not order.closed
    await bring_back(world, order.authorised[0].id)
    order = await world.ends("closed")
    assert order.returns[0].restocking == 10


async def returned_after_its_last_day(world: World) -> None:
    """Credited when somebody agrees to it nevertheless."""
    await shipped(world)
    await world.authorise_return({"1": 2}, expires=datetime.now(UTC).date())
    order = await world.until(lambda order: bool(order.authorised))
    await bring_back(world, order.authorised[0].id, after=timedelta(days=2))
    hold = await world.held("return_expired")
    assert credits(await world.known()) == 0
    await world.release(hold)
    order = await world.ends("closed")
    assert credits(order) == 1


async def returned_unasked(world: World) -> None:
    """The first that anybody hears of it is that it was found in order."""
    await shipped(world)
    await world.tell("return_inspected", EAST, {"1": 2})
    order = await world.ends("closed")
    assert order.lines[0].returned == 2
    assert credits(order) == 1


async def credited_for_a_shortage(world: World) -> None:
    await shipped(world)
    await world.grant("shortage", {"1": 1})
    order = await world.ends("closed")
    assert credits(order) == 1
    assert await world.stock() == {"BOLT": (95, 0), "NUT": (100, 0)}


async def granted_an_allowance(world: World) -> None:
    """Two of the ten that each one cost."""
    await shipped(world)
    await world.grant("allowance", {"1": 5}, per_unit={"1": Decimal(2)})
    order = await world.ends("closed")
    assert credits(order) == 1


async def exchanged(world: World) -> None:
    """Two bolts come back, and two nuts go out instead."""
    await shipped(world)
    await world.authorise_return({"1": 2})
    await world.amend(add=(line("2", "NUT", 2),))
    await world.until(lambda order: order.standing(Step.BOOK, WEST) == {"2": 2})
    await world.ship(WEST, quantity=2)
    order = await world.until(lambda order: invoices(order) == 2)
    await bring_back(world, order.authorised[0].id)
    await world.ends("closed")
    assert await world.stock() == {"BOLT": (97, 0), "NUT": (98, 0)}


# money


async def prepaid_in_two_parts(world: World) -> None:
    """Released when all of it has come in."""
    await world.place(lines=BOLTS, payment=prepaid(20))
    order = await world.until(lambda order: bool(order.standing(Step.ERP)))
    assert not order.at_most(Step.RELEASE, EAST)
    await world.pay("second", amount_due(order))
    await world.settles("released")
    await world.ship(EAST)
    order = await world.ends("closed")
    assert {*order.receipts} == {world.order, "second"}


async def prepaid_too_much(world: World) -> None:
    """Somebody gives the rest back."""
    await world.place(lines=BOLTS, payment=prepaid(100))
    await world.settles("released")
    await world.ship(EAST)
    await world.held("payment_difference")
    await world.pay("back", amount_due(await world.known()))
    order = await world.ends("closed")
    assert not amount_due(order)


async def by_card_claimed_anew(world: World) -> None:
    """Money is taken under both claims, each as long as it is good."""
    await world.place(payment=CARD, patience={"authorisation": timedelta(seconds=8)})
    await world.settles("released")
    await world.ship(EAST)
    await world.until(lambda order: collected(order) == 1)
    await world.until(lambda order: bool(order.standing(Step.AUTHORISE, "1")), within=60)
    await world.ship(WEST)
    order = await world.ends("closed")
    assert [each.under for each in order.effects_of(Step.COLLECT)] == ["authorise/", "authorise/1"]


# parts of plays


async def send(world: World, delivery: timedelta) -> None:
    """One parcel, that somebody waits for."""
    await world.place(lines=BOLTS, patience={"delivery": delivery})
    await world.settles("released")
    await world.tell("shipped", EAST, {"1": 5}, shipment_id="PARCEL")
    await world.until(lambda order: bool(order.shipments))


async def bring_back(world: World, document: str, after: timedelta = timedelta()) -> None:
    """Two bolts, in order."""
    await world.tell("return_received", EAST, {"1": 2}, document=document, after=after)
    await world.tell("return_inspected", EAST, {"1": 2}, document=document, after=after)


def prepaid(paid: int) -> PaymentIn:
    return PaymentIn(method="prepaid", paid=Decimal(paid))


def credits(order: Order) -> int:
    return sum(bool(effect.standing) for effect in order.effects_of(Step.CREDIT_NOTE))

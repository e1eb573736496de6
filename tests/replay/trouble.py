"""Orders whose systems are away, late, unwilling, or say what nobody understands."""

import asyncio
from datetime import timedelta

from domain.answer import Done, Refused
from domain.effect import EffectState, Step
from domain.message import Answered
from domain.order import Order
from tests.replay.plays import BOLTS, CARD, ship_bolts
from tests.workflows.world import EAST, WEST, World

FOREVER = 10_000


async def cancelled_in_an_outage(world: World) -> None:
    """Stock and credit are free at once, whatever the ERP may have done meanwhile."""
    world.partner("erp").fail("outage", times=FOREVER)
    await world.place()
    await world.until(lambda order: order.effect(Step.ERP) is not None)

    await world.cancel()
    async with asyncio.timeout(10):
        while await world.stock() != {"BOLT": (100, 0), "NUT": (100, 0)}:
            await asyncio.sleep(0.02)
        while await world.credit() != (0, 0):
            await asyncio.sleep(0.02)
    order = await world.reaches("cancelled")
    assert not order.closed

    world.partner("erp").recover()
    await world.ends("cancelled")
    assert await world.book() == []


async def the_recall_is_refused(world: World) -> None:
    """What the warehouse may still ship stays reserved until it has let go."""
    await world.place()
    await world.settles("released")
    world.partner("wms-west").fail("refuse")
    await world.cancel()

    hold = await world.held("compensation_refused")
    await world.until(lambda order: not order.at_most(Step.RELEASE, EAST))
    await world.until(lambda order: list(order.standing(Step.STOCK)) == ["2/WEST"])
    assert await world.stock() == {"BOLT": (100, 0), "NUT": (100, 3)}
    await world.release(hold)
    await world.ends("cancelled")


async def shipped_although_cancelled(world: World) -> None:
    """What has left was agreed: it is invoiced."""
    await world.place()
    await world.settles("released")
    world.partner("wms-west").fail("refuse")
    await world.cancel()
    await world.held("compensation_refused")
    await world.until(lambda order: not order.at_most(Step.RELEASE, EAST))
    await world.ship(WEST)
    await world.ends("closed")
    assert await world.stock() == {"BOLT": (100, 0), "NUT": (97, 0)}


async def rejected_by_the_warehouse(world: World) -> None:
    await world.place(lines=BOLTS)
    await world.settles("released")
    world.let_go(EAST, "1", 0)
    await world.tell("rejected", EAST, {})
    hold = await world.held("warehouse_rejected")
    await world.until(lambda order: not order.standing(Step.BOOK, EAST))
    await world.release(hold)
    await ship_bolts(world)
    releases = [key for _, key, goal in await world.book() if key.startswith("release") and goal]
    assert releases == ["release/EAST/1", "release/EAST/2"]


async def refused_by_the_warehouse(world: World) -> None:
    world.partner("wms-east").fail("refuse")
    await world.place()
    order = await world.until(lambda order: bool(order.open_holds))
    await world.until(lambda order: order.standing(Step.BOOK, WEST) == {"2": 3})
    await world.release(order.open_holds[0].id)
    await world.settles("released")
    await world.ship(EAST)
    await world.ship(WEST)
    await world.ends("closed")


async def the_card_is_declined(world: World) -> None:
    world.partner("payment").fail("refuse")
    await world.place(payment=CARD, lines=BOLTS)
    hold = await world.held("payment_declined")
    assert (await world.stock())["BOLT"] == (100, 0)
    await world.release(hold)
    await ship_bolts(world)


async def answered_later(world: World) -> None:
    world.partner("erp").fail("pending", operation="orders")
    await world.place(lines=BOLTS)
    order = await world.until(erp_is_pending)
    assert not any(key.startswith("release") for _, key, _ in await world.book())
    await answer_erp(world, order)
    await ship_bolts(world)
    assert (await world.known()).effects["erp/"].ref == "SO-1"


async def refused_later(world: World) -> None:
    world.partner("erp").fail("pending", operation="orders")
    await world.place(lines=BOLTS)
    order = await world.until(erp_is_pending)
    key = order.key(order.effects["erp/"])
    world.partner("erp").settle(key, refused="blocked_customer")
    answer = Refused(reason="blocked_customer")
    await world.say(Answered(id=world.id("answer"), key=key, answer=answer))
    await world.release(await world.held("blocked_customer"))
    await ship_bolts(world)
    assert ("erp", "erp//2", {"1": "5"}) in await world.book()


async def never_answered(world: World) -> None:
    """Held when its time is over; released, it is asked for. Here it was done all along."""
    world.partner("erp").fail("pending", operation="orders")
    await world.place(lines=BOLTS, patience={"answer": timedelta(milliseconds=300)})
    order = await world.until(erp_is_pending)
    hold = await world.held("no_answer")
    world.partner("erp").settle(order.key(order.effects["erp/"]))
    await world.release(hold)
    await ship_bolts(world)
    assert [key for _, key, _ in await world.book()].count("erp//1") == 1


async def cancelled_while_pending(world: World) -> None:
    world.partner("erp").fail("pending", operation="orders")
    await world.place(lines=BOLTS)
    await world.until(erp_is_pending)
    await world.cancel()
    await world.ends("cancelled")
    assert await world.book() == []


async def done_without_an_answer(world: World) -> None:
    """At every system the first of everything times out after success: found, not repeated."""
    for name in ("erp", "wms-east", "tms-1", "tax"):
        for operation in ("orders", "shipments", "invoices", "releases", "bookings", "documents"):
            world.partner(name).fail("timeout_after_success", operation=operation)
    await world.place(lines=BOLTS)
    await ship_bolts(world)
    assert world.partner("erp").lookups == 3


async def not_understood_five_times(world: World) -> None:
    world.partner("erp").fail("malformed", operation="orders", times=5)
    await world.place(lines=BOLTS)
    hold = await world.held("unexpected_answer")
    await world.release(hold)
    await ship_bolts(world)
    assert [key for _, key, _ in await world.book()].count("erp//1") == 1


async def throttled_everywhere(world: World) -> None:
    for partner in ("erp", "wms-east", "tms-1", "tax"):
        world.partner(partner).fail("throttle")
        world.partner(partner).fail("outage", times=2)
    await world.place(lines=BOLTS)
    await ship_bolts(world)


async def told_nonsense(world: World) -> None:
    """A message that makes no sense is a dead letter; the order hears the next one."""
    await world.place(lines=BOLTS)
    await world.settles("released")
    await world.tell("picked", EAST, {"9": 5})
    await ship_bolts(world)
    assert await world.sql("select kind, reason from dead_letter") == [
        ("milestone", "not_understood")
    ]


async def recorded_with_patience(world: World) -> None:
    """Records are blocked for longer than a local activity may take."""
    await world.place(lines=BOLTS)
    await world.settles("released")
    async with world.without_records():
        await world.ship(EAST)
        await asyncio.sleep(7)
    await world.ends("closed")


async def taxed_by_guess(world: World) -> None:
    """The tax engine gives no estimate in time: nobody waits for it for long."""
    world.partner("tax").fail("outage", operation="estimates", times=FOREVER)
    await world.place(lines=BOLTS, patience={"estimate": timedelta(milliseconds=300)})
    order = await world.until(lambda order: bool(order.standing(Step.BOOK, EAST)))
    assert not order.standing(Step.ESTIMATE)
    await world.ship(EAST)
    await world.ends("closed")


async def carried_by_another(world: World) -> None:
    """The first carrier refuses, and nobody is asked before the second."""
    world.partner("tms-1").fail("refuse")
    await world.place(lines=BOLTS)
    order = await world.settles("released")
    assert order.effects["book/EAST"].system == "tms-2"
    await ship_bolts(world)


async def carried_by_nobody(world: World) -> None:
    """A person takes it there, and says so."""
    for carrier in ("tms-1", "tms-2"):
        world.partner(carrier).fail("refuse")
    await world.place(lines=BOLTS)
    hold = await world.held("address_undeliverable")
    await world.release(hold, skip="goes with our own van")
    await ship_bolts(world)
    assert not (await world.known()).standing(Step.BOOK, EAST)


async def tried_again_when_asked(world: World) -> None:
    """The next attempt is half a minute away, and the ERP is back."""
    world.partner("erp").fail("outage", times=FOREVER)
    await world.place(lines=BOLTS, patience={"retry": timedelta(seconds=30)})
    async with asyncio.timeout(30):
        while not await world.adapters.books.waiting.of_order(world.order):
            await asyncio.sleep(0.02)
    world.partner("erp").recover()
    await world.retry()
    await world.settles("released", within=15)
    await ship_bolts(world)


# parts of plays


def erp_is_pending(order: Order) -> bool:
    erp = order.effect(Step.ERP)
    return erp is not None and erp.state is EffectState.PENDING


async def answer_erp(world: World, order: Order) -> None:
    """The ERP has done it now, and says so by message."""
    erp = order.effects["erp/"]
    world.partner("erp").settle(order.key(erp))
    answer = Done(standing=erp.asked, ref="SO-1")
    await world.say(Answered(id=world.id("answer"), key=order.key(erp), answer=answer))

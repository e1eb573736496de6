"""Money and returns after the goods have left, on real servers, until all books agree."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.amounts import credited_total, invoiced_total
from domain.effect import Step
from tests.replay.plays import BOLTS, invoices, shipped
from tests.workflows.world import EAST, World

DAY = timedelta(days=1)


async def test_what_was_paid_on_account_is_credit_again(running: World) -> None:
    await shipped(running)
    await running.pay("half", Decimal("20"))
    order = await running.ends("closed")
    total = invoiced_total(order)
    await running.until(lambda order: order.paid == 20)
    order = await running.ends("closed")
    assert order.standing(Step.CREDIT, "ACME") == {"invoiced": total - 20}
    await running.assert_agreed()

    await running.pay("more than the rest", total)
    await running.until(lambda order: order.paid == total + 20)
    order = await running.ends("closed")
    assert order.standing(Step.CREDIT, "ACME") == {}
    await running.assert_agreed()


async def test_a_parcel_that_arrives_after_its_credit_is_told_of(running: World) -> None:
    patience = {"delivery": timedelta(hours=1)}
    await running.place(lines=BOLTS, freight=Decimal(7), patience=patience)
    await running.settles("released")
    await running.tell("shipped", EAST, {"1": 5}, shipment_id="PARCEL")
    await running.until(lambda order: invoices(order) == 1)
    await running.grant("lost", {"1": 5}, shipment="PARCEL", freight=Decimal(7))
    order = await running.ends("closed")
    assert credited_total(order) == invoiced_total(order), "freight and tax, too"
    await running.tell("delivered", EAST, {}, shipment_id="PARCEL")
    hold = await running.held("delivery_exception")
    await running.release(hold)
    order = await running.ends("closed")
    assert order.lines[0].delivered == 5
    await running.assert_agreed()


async def test_what_came_in_time_is_credited_whenever_it_is_inspected(running: World) -> None:
    await shipped(running)
    await running.authorise_return({"1": 2}, expires=datetime.now(UTC).date() + DAY)
    order = await running.until(lambda order: bool(order.authorised))
    back = order.authorised[0].id
    await running.tell("return_received", EAST, {"1": 2}, document=back)
    await running.tell("return_inspected", EAST, {"1": 2}, document=back, after=3 * DAY)
    order = await running.ends("closed")
    assert order.standing(Step.CREDIT_NOTE, back) == {"1": 2}
    assert not order.holds
    await running.assert_agreed()

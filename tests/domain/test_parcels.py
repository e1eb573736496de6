"""Parcels: watched until they arrive, are lost, or come back."""

from datetime import timedelta

from domain.deadlines import deadlines, expire
from domain.message import CreditGranted, CreditReason, HoldReleased, MilestoneKind
from domain.order import Order
from domain.patience import Patience
from tests.domain.build import captured, goal, going_on, placed, reasons, say, tell
from tests.domain.world import NOW

DAY = timedelta(days=1)
WATCHED = Patience(delivery=2 * DAY)


def shipped(patience: Patience = WATCHED) -> Order:
    order = going_on(captured(placed({"1": 5}, patience=patience)))
    say(order, MilestoneKind.SHIPPED, goal(_1=5), shipment_id="P1")
    return going_on(order)


def lost() -> Order:
    order = shipped()
    expire(order, NOW + 2 * DAY)
    return order


def test_nobody_waits_for_parcels_unless_somebody_wants_to() -> None:
    assert shipped(Patience()).nothing_to_come


def test_an_order_is_over_when_its_parcels_have_arrived() -> None:
    order = shipped()
    assert not order.nothing_to_come
    say(order, MilestoneKind.DELIVERED, shipment_id="P1")
    assert order.nothing_to_come
    assert deadlines(order) == {}


def test_a_parcel_nothing_is_heard_of_is_looked_for() -> None:
    order = shipped()
    expire(order, NOW + 2 * DAY - timedelta(seconds=1))
    assert reasons(order) == []
    expire(order, NOW + 2 * DAY)
    assert [(hold.reason, hold.scope) for hold in order.open_holds] == [
        ("lost_parcel", "shipment/P1")
    ]
    assert order.open_holds[0].detail == "nothing was heard of P1 since 2030-01-01"


def test_a_lost_parcel_that_arrives_is_no_trouble_any_more() -> None:
    order = lost()
    say(order, MilestoneKind.DELIVERED, shipment_id="P1")
    assert reasons(order) == []
    assert order.nothing_to_come


def test_a_lost_parcel_is_credited() -> None:
    order = lost()
    credit = CreditGranted(
        id="c", reason=CreditReason.LOST, lines=goal(_1=5), shipment="P1", by="sam"
    )
    assert tell(order, credit) == "done"
    going_on(order)
    assert reasons(order) == []
    assert order.nothing_to_come


def test_a_parcel_that_arrives_after_its_credit_is_told_of() -> None:
    order = shipped()
    lost = CreditGranted(id="c", reason=CreditReason.LOST, lines=goal(_1=5), shipment="P1")
    tell(order, lost)
    going_on(order)
    assert order.nothing_to_come
    say(order, MilestoneKind.DELIVERED, shipment_id="P1")
    (hold,) = order.open_holds
    assert (hold.reason, hold.scope) == ("delivery_exception", "shipment/P1")
    assert hold.detail == "P1 was credited as lost and has arrived: bill it again or claim it back"
    assert not order.nothing_to_come
    say(order, MilestoneKind.RETURN_RECEIVED, goal(_1=5), shipment_id="P1")
    assert not order.open_holds, "it was claimed back"


def test_who_waits_on_waits_as_long_again() -> None:
    order = lost()
    (hold,) = order.open_holds
    tell(order, HoldReleased(id="h", hold=hold.id, by="sam"), at=NOW + 2 * DAY)
    expire(order, NOW + 4 * DAY - timedelta(seconds=1))
    assert reasons(order) == []
    expire(order, NOW + 4 * DAY)
    (again,) = order.open_holds
    assert again.id != hold.id


def test_a_carrier_that_cannot_deliver_is_asked_what_becomes_of_it() -> None:
    order = shipped()
    say(order, MilestoneKind.DELIVERY_EXCEPTION, shipment_id="P1")
    assert reasons(order) == ["delivery_exception"]
    assert deadlines(order) == {}, "somebody looks after it already"
    say(order, MilestoneKind.DELIVERY_EXCEPTION, shipment_id="other")
    assert len(order.open_holds) == 1


def test_a_parcel_that_comes_back_is_not_waited_for() -> None:
    order = shipped()
    say(order, MilestoneKind.DELIVERY_EXCEPTION, shipment_id="P1")
    say(order, MilestoneKind.RETURN_INSPECTED, goal(_1=5), shipment_id="P1")
    going_on(order)
    assert reasons(order) == []
    assert order.nothing_to_come
    say(order, MilestoneKind.DELIVERED)
    assert order.line("1").delivered == 0, "whatever arrived, it was not that one"

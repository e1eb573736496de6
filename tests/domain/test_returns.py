"""Returns agreed to beforehand, and money given back without goods."""

from datetime import timedelta
from decimal import Decimal

from domain.amounts import credit_note, credited_total, invoiced_total
from domain.deadlines import deadlines, expire
from domain.effect import Step
from domain.message import CreditGranted, CreditReason, MilestoneKind, ReturnAuthorised
from domain.order import Order
from domain.plan import plan
from tests.domain.build import captured, goal, going_on, news, placed, reasons, say, tell
from tests.domain.world import NOW

TODAY = NOW.date()
DAY = timedelta(days=1)


def shipped(quantity: int = 5, *, parcels: int = 1) -> Order:
    """So many of line 1 at 1.005, invoiced; no freight, no tax."""
    order = going_on(captured(placed({"1": quantity}, freight="0")))
    for _ in range(parcels):
        say(order, MilestoneKind.SHIPPED, goal(_1=quantity // parcels))
    return going_on(order)


def agree(order: Order, quantity: int, **said: object) -> str:
    return tell(
        order, ReturnAuthorised.model_validate({"id": "r", "lines": {"1": quantity}, **said})
    )


def come_back(
    order: Order, quantity: int, document: str, *, after: timedelta = timedelta()
) -> None:
    say(order, MilestoneKind.RETURN_RECEIVED, goal(_1=quantity), document=document, at=NOW + after)
    say(order, MilestoneKind.RETURN_INSPECTED, goal(_1=quantity), document=document, at=NOW + after)
    going_on(order)


def credit(order: Order, reason: str, quantity: int, **said: object) -> str:
    message = {"id": "c", "reason": reason, "lines": {"1": quantity}, **said}
    return tell(order, CreditGranted.model_validate(message))


def test_a_return_is_agreed_to_waited_for_and_credited_less_what_is_kept() -> None:
    order = shipped()
    assert agree(order, 2, restocking="10") == "done"
    (agreed,) = order.authorised
    assert news(order)[-1] == "order.return_authorised"
    assert not order.nothing_to_come

    come_back(order, 2, agreed.id)
    assert order.nothing_to_come
    bill = credit_note(order, order.returns[0])
    assert (bill.subtotal, bill.restocking, bill.total) == (
        Decimal("2.01"),
        Decimal("0.20"),
        Decimal("1.81"),
    )


def test_no_more_is_agreed_to_than_can_come_back() -> None:
    order = shipped()
    assert agree(order, 6) == "more_than_shipped"
    assert agree(order, 3) == "done"
    assert agree(order, 3) == "more_than_shipped", "three are coming already"
    come_back(order, 1, "without asking")
    assert agree(order, 2) == "more_than_shipped"
    assert agree(order, 1) == "done"
    assert [each.id for each in order.authorised] == ["o-R1", "o-R2"]


def test_an_agreement_nobody_uses_expires_at_the_end_of_its_day() -> None:
    order = shipped()
    assert agree(order, 2, expires=TODAY - DAY) == "expired"
    agree(order, 2, expires=TODAY)
    expire(order, NOW + DAY - timedelta(seconds=1))
    assert order.authorised[0].open
    assert deadlines(order) == {"authorised/o-R1": NOW + DAY}
    expire(order, NOW + DAY)
    assert not order.authorised[0].open
    assert order.nothing_to_come


def test_what_comes_after_the_last_day_is_credited_when_somebody_agrees() -> None:
    order = shipped()
    agree(order, 2, expires=TODAY)
    come_back(order, 2, "o-R1", after=DAY)
    assert reasons(order) == ["return_expired"]
    assert plan(order) == []
    order.end_hold(order.open_holds[0], NOW, "sam")
    going_on(order)
    assert order.standing(Step.CREDIT_NOTE, "o-R1") == goal(_1=2)


def test_what_came_in_time_is_credited_though_it_is_told_late() -> None:
    order = shipped()
    agree(order, 2, expires=TODAY)
    expire(order, NOW + DAY)
    come_back(order, 2, "o-R1", after=timedelta(hours=23))
    assert reasons(order) == []
    assert order.standing(Step.CREDIT_NOTE, "o-R1") == goal(_1=2)


def test_what_came_in_time_is_credited_though_it_is_inspected_late() -> None:
    order = shipped()
    agree(order, 3, expires=TODAY)
    say(order, MilestoneKind.RETURN_RECEIVED, goal(_1=2), document="o-R1")
    for late in (DAY, 2 * DAY):
        say(order, MilestoneKind.RETURN_INSPECTED, goal(_1=1), document="o-R1", at=NOW + late)
    going_on(order)
    assert reasons(order) == []
    assert order.standing(Step.CREDIT_NOTE, "o-R1") == goal(_1=1)
    assert order.standing(Step.CREDIT_NOTE, "o-R1.2") == goal(_1=1)
    say(order, MilestoneKind.RETURN_INSPECTED, goal(_1=1), document="o-R1", at=NOW + DAY)
    assert reasons(order) == ["return_expired"], "nobody told of it before"


def test_what_came_late_and_was_agreed_to_is_not_asked_again_when_it_is_inspected() -> None:
    order = shipped()
    agree(order, 2, expires=TODAY)
    say(order, MilestoneKind.RETURN_RECEIVED, goal(_1=2), document="o-R1", at=NOW + DAY)
    order.end_hold(order.open_holds[0], NOW, "sam")
    say(order, MilestoneKind.RETURN_INSPECTED, goal(_1=2), document="o-R1", at=NOW + 2 * DAY)
    assert reasons(order) == []


def test_a_return_without_a_last_day_is_waited_for_so_many_days() -> None:
    order = shipped()
    agree(order, 2, days=90)
    assert order.authorised[0].expires == TODAY + 90 * DAY
    expire(order, NOW + 91 * DAY)
    assert order.nothing_to_come
    agree(order, 2, days=90, expires=TODAY)
    assert order.authorised[1].expires == TODAY, "a day that is named goes before"


def test_a_credit_for_a_shipment_is_for_what_was_in_it() -> None:
    order = shipped(6, parcels=2)
    first = order.shipments[0].id
    assert credit(order, "lost", 4, shipment=first) == "more_than_invoiced"
    assert credit(order, "damaged", 1, shipment=first) == "done"
    assert credit(order, "lost", 3, shipment=first) == "more_than_invoiced"
    assert credit(order, "lost", 2, shipment=first) == "done"
    assert credit(order, "shortage", 3) == "done"


def test_freight_is_credited_once_and_as_far_as_it_was_invoiced() -> None:
    order = going_on(captured(placed({"1": 5}, freight="7")))
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    going_on(order)
    assert credit(order, "lost", 5, freight="7.01") == "more_than_invoiced"
    assert credit(order, "lost", 4, freight="0.001") == "too_many_decimals"
    assert credit(order, "lost", 4, freight="5") == "done"
    assert credit(order, "lost", 1, freight="3") == "more_than_invoiced"
    assert credit(order, "lost", 1, freight="2") == "done"
    going_on(order)
    assert credit_note(order, order.returns[0]).freight == 5
    assert credited_total(order) == invoiced_total(order) == Decimal("12.03")


def test_whole_units_are_credited_without_coming_back() -> None:
    order = shipped()
    assert credit(order, "shortage", 2) == "done"
    going_on(order)
    assert credited_total(order) == Decimal("2.01")
    assert order.line("1").returned == 0
    assert agree(order, 4) == "more_than_shipped", "two never arrived"
    assert credit(order, "damaged", 4) == "more_than_invoiced"
    assert credit(order, "damaged", 3) == "done"


def test_part_of_the_price_is_given_back_of_each_unit() -> None:
    order = shipped()
    assert credit(order, "allowance", 5, per_unit={"1": "0.125"}) == "done"
    going_on(order)
    assert credited_total(order) == Decimal("0.63")
    assert credit(order, "allowance", 1, per_unit={"1": "1.02"}) == "more_than_invoiced"
    assert credit(order, "allowance", 5, per_unit={"1": "0.9"}) == "more_than_invoiced"
    assert credit(order, "allowance", 5) == "per_unit"
    assert credit(order, "shortage", 1, per_unit={"1": "0.1"}) == "per_unit"
    assert credit(order, "allowance", 1, per_unit={"1": "0.1", "2": "0.1"}) == "unknown_line"


def test_what_comes_back_after_an_allowance_is_credited_for_the_rest_of_its_price() -> None:
    order = shipped()
    assert credit(order, "price_protection", 5, per_unit={"1": "0.5"}) == "done"
    come_back(order, 5, "RMA")
    assert credited_total(order) == invoiced_total(order) == Decimal("5.03")
    assert credit(order, "allowance", 1, per_unit={"1": "0.01"}) == "more_than_invoiced"


def test_units_that_never_arrived_are_credited_for_the_rest_of_their_price() -> None:
    order = shipped()
    assert credit(order, "allowance", 5, per_unit={"1": "0.5"}) == "done"
    assert credit(order, "shortage", 5) == "done"
    going_on(order)
    assert credited_total(order) == invoiced_total(order) == Decimal("5.03")


def test_rounding_never_gives_back_more_than_was_taken() -> None:
    order = shipped()
    for n in range(5):
        come_back(order, 1, f"RMA{n}")
    assert order.returns[-1].given == goal(_1="0.02")
    assert credited_total(order) == invoiced_total(order) == Decimal("5.03"), "not five times 1.01"


def test_nothing_is_credited_that_is_not_invoiced() -> None:
    order = going_on(captured(placed({"1": 5})))
    assert credit(order, "shortage", 1) == "more_than_invoiced"
    assert credit(order, "shortage", 1, shipment="S1") == "unknown_shipment"
    assert (
        tell(order, CreditGranted(id="c", reason=CreditReason.SHORTAGE, lines=goal(_9=1)))
        == "unknown_line"
    )

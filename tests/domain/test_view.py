"""What an order waits for."""

from datetime import UTC, date, datetime, timedelta

from domain.answer import Pending, Refused, Unclear
from domain.effect import Step
from domain.message import CancelRequested, HoldPlaced, MilestoneKind, Placed, QuoteAccepted
from domain.order import Order
from domain.plan import plan
from domain.settling import intend
from domain.view import Awaited, awaited, tried
from tests.domain.build import ask, captured, goal, going_on, placed, say, tell
from tests.domain.world import NOW, order_in


def waits(order: Order) -> list[str]:
    return [each.what for each in awaited(order)]


def test_an_order_waits_for_the_answers_of_its_calls() -> None:
    order = captured(placed())
    (action,) = plan(order)
    intend(order, action, NOW)
    text = "Credit of acme is being taken"
    assert awaited(order) == [Awaited(what="credit/acme", text=text, since=NOW)]


def test_a_promised_answer_has_a_deadline() -> None:
    order = going_on(captured(placed()), upto=Step.STOCK)
    ask(order, "erp/", Pending())
    (wait,) = awaited(order)
    assert (wait.what, wait.system) == ("erp/", "erp")
    assert wait.deadline == NOW + timedelta(days=2)


def test_what_a_person_must_decide_is_awaited_of_the_person() -> None:
    order = captured(placed())
    ask(order, "credit/acme", Refused(reason="credit_limit"))
    assert waits(order) == [f"hold/{order.holds[0].id}"]

    order = captured(placed())
    ask(order, "credit/acme", Unclear(detail="?"))
    tell(order, HoldPlaced(id="h"))
    assert waits(order) == [f"hold/{hold.id}" for hold in order.holds]
    assert len(order.holds) == 2


def test_a_warehouse_is_awaited_until_all_it_was_asked_for_has_left() -> None:
    order = going_on(captured(placed()))
    text = "EAST is to ship it, and has not told that all of it has left"
    assert awaited(order) == [
        Awaited(what="milestone/EAST", text=text, system="wms-east", since=NOW)
    ]
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    assert waits(order) == ["milestone/EAST"]
    say(order, MilestoneKind.SHIPPED, goal(_2=3))
    assert waits(order) == []


def test_stock_is_awaited_by_item() -> None:
    order = captured(placed(), offers={"EAST": goal(BOLT=5)})
    going_on(order)
    assert waits(order) == ["milestone/EAST", "stock/NUT"]


def test_a_return_is_awaited_until_it_is_inspected() -> None:
    order = going_on(captured(placed({"1": 5})))
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    say(order, MilestoneKind.RETURN_RECEIVED, goal(_1=1), document="RMA1")
    going_on(order)
    text = "Return RMA1 has come to EAST, and is to be inspected there"
    assert awaited(order) == [
        Awaited(what="inspection/RMA1", text=text, system="wms-east", since=NOW)
    ]
    say(order, MilestoneKind.RETURN_INSPECTED, goal(_1=1), document="RMA1")
    assert waits(order) == []


def test_the_first_day_is_awaited() -> None:
    order = Order(id="o")
    early = order_in({"1": 5}).model_copy(update={"ship_not_before": date(2030, 2, 1)})
    tell(order, Placed(id="m", order=early))
    going_on(captured(order))
    (wait,) = awaited(order)
    assert wait.what == "ship_not_before"
    assert wait.deadline == datetime(2030, 2, 1, tzinfo=UTC)


def test_a_quote_waits_for_its_acceptance() -> None:
    order = placed({"1": 5}, kind="quote", valid_until=NOW.date())
    assert waits(order) == [], "it is not priced yet"
    captured(order, estimated=False)
    assert awaited(order) == [
        Awaited(
            what="acceptance",
            text="The customer is to accept the quote",
            since=NOW,
            deadline=NOW + timedelta(days=1),
        )
    ]
    tell(order, QuoteAccepted(id="a"))
    assert waits(order) == []


def test_a_delivery_waits_to_hear_of_its_shipment() -> None:
    order = going_on(captured(placed({"1": 5})))
    say(order, MilestoneKind.DELIVERED, shipment_id="S1")
    assert waits(order) == ["milestone/EAST", "shipment/S1"]
    say(order, MilestoneKind.SHIPPED, goal(_1=5), shipment_id="S1")
    assert waits(order) == []


def texts(order: Order) -> list[str]:
    return [each.text for each in awaited(order)]


def test_what_is_awaited_is_said_in_a_sentence() -> None:
    order = captured(placed())
    ask(order, "credit/acme", Refused(reason="credit_limit", detail="12.00 USD beyond it"))
    assert texts(order) == [
        "Held by credit: credit limit (12.00 USD beyond it). "
        "To end it: credit is available, then release"
    ]
    order = captured(placed())
    tell(order, HoldPlaced(id="h", scope="line/1"))
    assert texts(order) == ["Held, line 1, by customer service: manual. To end it: release"]

    order = going_on(captured(placed({"1": 5}), offers={"EAST": goal(BOLT=3)}), upto=Step.ERP)
    ask(order, "release/EAST", Pending())
    asked = "EAST has been asked to ship it, and has promised an answer"
    assert texts(order) == [asked, "No source has the 2 of BOLT that are missing yet"]
    tell(order, CancelRequested(id="c"))
    ask(order, "release/EAST", Pending())
    assert texts(order)[0] == "EAST has been asked not to ship it, and has promised an answer"


def test_a_call_that_fails_is_said_to_fail() -> None:
    assert tried("EAST is asked", 1, "") == "EAST is asked"
    said = "EAST is asked (3 attempts, last error: no answer)"
    assert tried("EAST is asked", 3, "no answer") == said


def test_a_closed_order_waits_for_nothing() -> None:
    order = going_on(captured(placed()))
    order.close(NOW)
    assert awaited(order) == []

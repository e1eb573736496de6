"""What warehouses and carriers say."""

from datetime import timedelta
from decimal import Decimal

import pytest

from domain.answer import Done, Pending, Refused
from domain.effect import EffectState, Step
from domain.message import (
    Amended,
    CancelRequested,
    HoldReleased,
    MilestoneKind,
    Placed,
    ReplanAsked,
    StockArrived,
)
from domain.order import Order
from domain.plan import plan
from domain.settling import intend, settle
from domain.status import order_status, quantities
from tests.domain.build import ask, captured, goal, going_on, news, placed, reasons, say, tell
from tests.domain.world import NOW, order_in

RELEASE = "release/EAST"


def released() -> Order:
    """Five of line 1 and three of line 2, asked for at EAST."""
    return going_on(captured(placed()))


def test_a_shipment_is_counted_and_told() -> None:
    order = released()
    say(order, MilestoneKind.SHIPPED, goal(_1=2), shipment_id="S1")
    (shipment,) = order.shipments
    assert (shipment.id, shipment.source, shipment.lines) == ("S1", "EAST", goal(_1=2))
    assert order.line("1").total_shipped == 2
    assert news(order)[-1] == "order.shipped"
    assert reasons(order) == []


def test_shipments_told_in_parts_are_delivered_together() -> None:
    order = released()
    say(order, MilestoneKind.SHIPPED, goal(_1=2), shipment_id="S1")
    say(order, MilestoneKind.SHIPPED, goal(_1=3), shipment_id="S1")
    say(order, MilestoneKind.SHIPPED, goal(_2=3), shipment_id="S2")
    assert [shipment.id for shipment in order.shipments] == ["S1", "S1.2", "S2"]

    say(order, MilestoneKind.DELIVERED, shipment_id="S1")
    say(order, MilestoneKind.DELIVERED, shipment_id="S1")
    assert [line.delivered for line in order.lines] == [5, 0]


def test_a_delivery_is_of_the_source_that_tells_of_it() -> None:
    order = released()
    say(order, MilestoneKind.SHIPPED, goal(_1=2), source="EAST", shipment_id="S1")
    say(order, MilestoneKind.SHIPPED, goal(_2=1), source="WEST", shipment_id="S1")
    say(order, MilestoneKind.DELIVERED, source="WEST", shipment_id="S1")
    assert [line.delivered for line in order.lines] == [0, 1]


def test_more_than_was_ordered_is_agreed_and_held() -> None:
    order = released()
    say(order, MilestoneKind.SHIPPED, goal(_1=7))
    assert order.line("1").agreed == 7
    assert reasons(order) == ["overshipped"]
    assert order.open_holds[0].scope == "line/1"
    targets = {action.effect: action.goal for action in plan(order)}
    assert "release/EAST" not in targets, "nobody asks for what is gone already"


def test_what_another_location_shipped_is_not_asked_for_again() -> None:
    order = released()
    say(order, MilestoneKind.SHIPPED, goal(_1=5), source="WEST")
    assert order.line("1").sources == {"WEST": 5}
    recall = next(action for action in plan(order) if action.effect == RELEASE)
    assert recall.goal == goal(_2=3)


def test_what_comes_after_a_warehouse_has_shipped_is_another_release() -> None:
    order = going_on(captured(placed({"1": 5}), offers={"EAST": goal(BOLT=2)}))
    say(order, MilestoneKind.SHIPPED, goal(_1=2))
    going_on(order)
    tell(order, StockArrived(id="s", item="BOLT", location="EAST", available=Decimal(9)))
    ask(order, "stock/")
    (again,) = [action for action in plan(order) if action.effect == RELEASE]
    assert again.key == "o/release/EAST/2"
    assert again.goal == goal(_1=3)

    going_on(order)
    assert order.key(order.effects["book/EAST"]) == "o/book/EAST/2"
    assert quantities(order, order.line("1")).released == 5
    say(order, MilestoneKind.SHIPPED, goal(_1=3))
    assert order_status(going_on(order)) == "invoiced"
    assert order.line("1").sources == {"EAST": 5}


def test_more_from_a_warehouse_that_has_not_shipped_all_is_the_same_release() -> None:
    order = going_on(captured(placed({"1": 5}), offers={"EAST": goal(BOLT=2)}))
    say(order, MilestoneKind.SHIPPED, goal(_1=1))
    tell(order, StockArrived(id="s", item="BOLT", location="EAST", available=Decimal(9)))
    going_on(order)
    assert order.key(order.effects[RELEASE]) == "o/release/EAST/1"
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=5)


def test_a_warehouse_that_adds_to_no_release_gets_another_once_that_one_has_left() -> None:
    order = going_on(captured(placed({"1": 5}), offers={"EAST": goal(BOLT=2)}))
    tell(order, StockArrived(id="s", item="BOLT", location="EAST", available=Decimal(9)))
    ask(order, "stock/")
    ask(order, RELEASE, Refused(reason="already_picked"))
    assert reasons(order) == ["already_picked"]
    say(order, MilestoneKind.SHIPPED, goal(_1=2))
    going_on(order)
    assert reasons(order) == []
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=3)


def test_a_short_pick_of_another_release_counts_what_was_found_for_it() -> None:
    order = going_on(captured(placed({"1": 5}), offers={"EAST": goal(BOLT=2)}))
    say(order, MilestoneKind.PICKED, goal(_1=2))
    say(order, MilestoneKind.SHIPPED, goal(_1=2))
    tell(order, StockArrived(id="s", item="BOLT", location="EAST", available=Decimal(9)))
    going_on(order)
    say(order, MilestoneKind.PICKED, goal(_1=1), final=True)
    assert order.line("1").sources == {"EAST": 3}
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=1)


def test_a_short_pick_is_sourced_elsewhere() -> None:
    offers = {"EAST": goal(BOLT=5, NUT=3), "WEST": goal(BOLT=4)}
    order = going_on(captured(placed(), offers=offers))
    say(order, MilestoneKind.PICKED, goal(_1=2, _2=3), final=True)
    assert order.line("1").sources == {"EAST": 2, "WEST": 3}
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=2, _2=3)


def test_a_warehouse_that_found_nothing_is_asked_under_another_key_next_time() -> None:
    order = going_on(captured(placed({"1": 5})))
    say(order, MilestoneKind.PICKED, final=True)
    assert order.effects[RELEASE].generation == 2
    assert order.line("1").backordered == 5


def test_a_pick_that_is_not_final_changes_no_plan() -> None:
    order = released()
    say(order, MilestoneKind.PICKED, goal(_1=2))
    assert order.line("1").sources == {"EAST": 5}
    assert order.line("1").picked == {"EAST": 2}


def test_a_short_pick_heard_before_the_release_was_answered_is_asked_about() -> None:
    order = going_on(captured(placed()), upto=Step.ERP)
    (action,) = plan(order)
    intend(order, action, NOW)
    say(order, MilestoneKind.PICKED, goal(_1=2, _2=3), final=True)
    settle(order, RELEASE, Done(standing=action.goal), NOW)
    assert order.effects[RELEASE].state is EffectState.UNKNOWN
    assert next(each for each in plan(order) if each.effect == RELEASE).ask


def test_a_rejected_release_waits_for_a_person() -> None:
    order = released()
    say(order, MilestoneKind.REJECTED)
    assert reasons(order) == ["warehouse_rejected"]
    assert order.standing(Step.RELEASE, "EAST") == {}
    assert [action.step for action in plan(order)] == [Step.BOOK], "no transport for it any more"

    tell(order, HoldReleased(id="r", hold=order.open_holds[0].id))
    again = next(action for action in plan(order) if action.effect == RELEASE)
    assert again.key == "o/release/EAST/2"


def test_what_a_rejecting_warehouse_has_shipped_stays_shipped() -> None:
    order = released()
    say(order, MilestoneKind.SHIPPED, goal(_1=2))
    say(order, MilestoneKind.REJECTED)
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=2)


def test_a_rejection_that_crosses_a_call_is_for_a_person_and_then_asked_about() -> None:
    order = going_on(captured(placed()), upto=Step.ERP)
    (action,) = plan(order)
    intend(order, action, NOW)
    say(order, MilestoneKind.REJECTED)
    settle(order, RELEASE, Done(standing=action.goal), NOW)
    assert reasons(order) == ["warehouse_rejected"]
    assert order.at_most(Step.RELEASE, "EAST") == action.goal, "the warehouse may have it"
    assert plan(order) == []

    tell(order, HoldReleased(id="r", hold=order.open_holds[0].id))
    (again,) = plan(order)
    assert again.ask
    assert again.key == action.key


def test_an_accepted_release_stands() -> None:
    order = going_on(captured(placed()), upto=Step.ERP)
    ask(order, RELEASE, Pending())
    say(order, MilestoneKind.ACCEPTED)
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=5, _2=3)


def recalled() -> Order:
    order = released()
    tell(order, CancelRequested(id="c", lines=goal(_1=2)))
    ask(order, RELEASE, Pending())
    return order


def test_an_accepted_recall_leaves_less_standing() -> None:
    order = recalled()
    say(order, MilestoneKind.CANCEL_ACCEPTED)
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=3, _2=3)


def test_a_refused_recall_is_held() -> None:
    order = recalled()
    say(order, MilestoneKind.CANCEL_REFUSED)
    assert reasons(order) == ["recall_refused"]
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=5, _2=3)
    stock = next((action for action in plan(order) if action.effect == "stock/"), None)
    assert stock is None, "what the warehouse may ship stays reserved"


def test_nobody_recalled_anything_so_there_is_nothing_to_accept() -> None:
    order = going_on(captured(placed()), upto=Step.ERP)
    ask(order, RELEASE, Pending())
    say(order, MilestoneKind.CANCEL_ACCEPTED)
    assert order.effects[RELEASE].state is EffectState.PENDING


def test_a_refused_undo_is_a_hold() -> None:
    order = released()
    tell(order, CancelRequested(id="c"))
    ask(order, RELEASE, Refused(reason="already_picked"))
    assert reasons(order) == ["compensation_refused"]
    assert "already_picked" in order.open_holds[0].detail


def shipped() -> Order:
    order = released()
    say(order, MilestoneKind.SHIPPED, goal(_1=5, _2=3), shipment_id="S1")
    return going_on(order)


def test_a_return_is_credited_when_it_was_inspected() -> None:
    order = shipped()
    say(order, MilestoneKind.RETURN_RECEIVED, goal(_1=2), document="RMA1")
    assert order.line("1").returned == 2
    assert not order.all_inspected
    assert plan(order) == []

    say(order, MilestoneKind.RETURN_INSPECTED, goal(_1=2), document="RMA1")
    assert [action.step for action in plan(order)] == [Step.RETURN_TAX]
    going_on(order)
    assert order.standing(Step.CREDIT_NOTE, "RMA1") == goal(_1=2)
    assert order.all_inspected
    assert news(order)[-1] == "order.credited"


def test_what_is_inspected_in_parts_is_returned_once_and_credited_twice() -> None:
    order = shipped()
    say(order, MilestoneKind.RETURN_RECEIVED, goal(_1=5), document="RMA1")
    say(order, MilestoneKind.RETURN_INSPECTED, goal(_1=2), document="RMA1")
    say(order, MilestoneKind.RETURN_INSPECTED, goal(_1=3), document="RMA1")
    assert order.line("1").returned == 5
    assert [back.inspected for back in order.returns] == [goal(_1=2), goal(_1=3)]
    assert [back.id for back in order.returns] == ["RMA1", "RMA1.2"]


def test_an_inspection_nobody_announced_is_a_return() -> None:
    order = shipped()
    say(order, MilestoneKind.RETURN_INSPECTED, goal(_2=1))
    assert order.line("2").returned == 1
    assert order.returns[0].received == order.returns[0].inspected == goal(_2=1)


def test_picking_and_trouble_on_the_way_are_noted() -> None:
    order = released()
    say(order, MilestoneKind.PICKING)
    say(order, MilestoneKind.PICKING)
    say(order, MilestoneKind.DELIVERY_EXCEPTION)
    say(order, MilestoneKind.PACKED, goal(_1=1))
    assert order.picking == ["EAST"]
    assert order.line("1").packed == {"EAST": Decimal(1)}


def test_a_delivery_that_comes_before_its_shipment_is_kept_for_it() -> None:
    order = released()
    before = [line.model_copy() for line in order.lines]
    day_after = NOW + timedelta(days=1)
    say(order, MilestoneKind.DELIVERED, shipment_id="S1", at=day_after)
    assert order.outcomes[-1].detail == "kept until EAST tells that it shipped S1"
    assert order.lines == before, "nothing is booked of it"

    say(order, MilestoneKind.SHIPPED, goal(_2=3), source="WEST", shipment_id="S1")
    say(order, MilestoneKind.SHIPPED, goal(_2=3), shipment_id="S2")
    assert [line.delivered for line in order.lines] == [0, 0], "those are others"
    say(order, MilestoneKind.SHIPPED, goal(_1=5), shipment_id="S1")
    assert [line.delivered for line in order.lines] == [5, 0]
    assert order.shipments[-1].delivered_at == day_after
    assert news(order)[-2:] == ["order.shipped", "order.delivered"]
    assert order.outcomes[-1].detail == ""


def test_a_delivery_that_names_no_shipment_before_the_first_one_is_of_the_first_one() -> None:
    order = released()
    say(order, MilestoneKind.DELIVERED)
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    say(order, MilestoneKind.SHIPPED, goal(_2=3))
    assert [line.delivered for line in order.lines] == [5, 0]


def test_what_was_delivered_before_its_order_was_placed_is_counted() -> None:
    order = Order(id="o")
    say(order, MilestoneKind.DELIVERED, shipment_id="S1")
    say(order, MilestoneKind.SHIPPED, goal(_1=5), shipment_id="S1")
    tell(order, Placed(id="m", order=order_in({"1": 5})))
    assert order.line("1").delivered == 5


def test_an_exception_that_names_no_shipment_is_of_all_that_are_under_way_there() -> None:
    order = released()
    say(order, MilestoneKind.SHIPPED, goal(_1=2), shipment_id="S1")
    say(order, MilestoneKind.SHIPPED, goal(_1=3), shipment_id="S2")
    say(order, MilestoneKind.SHIPPED, goal(_2=3), source="WEST", shipment_id="S3")
    say(order, MilestoneKind.DELIVERED, shipment_id="S1")
    say(order, MilestoneKind.DELIVERY_EXCEPTION)
    assert [(hold.reason, hold.scope) for hold in order.open_holds if hold.scope[0] == "s"] == [
        ("delivery_exception", "shipment/S2")
    ]


def test_a_warehouse_is_not_asked_again_for_what_it_could_not_find() -> None:
    order = going_on(captured(placed({"1": 5}), offers={"EAST": goal(BOLT=5)}))
    received = StockArrived(id="s", item="BOLT", location="EAST", available=Decimal(2))
    say(order, MilestoneKind.PICKED, goal(_1=3), final=True)
    going_on(order)
    tell(order, received.model_copy(update={"came_at": NOW - timedelta(days=1)}))
    going_on(order)
    assert order.standing(Step.STOCK) == {"1/EAST": 3}, "that is what was given back"
    tell(order, Amended(id="a", lines=goal(_1=6)))
    captured(order, offers={"EAST": goal(BOLT=2), "WEST": goal(BOLT=1)})
    assert order.line("1").sources == {"EAST": 3, "WEST": 1}, "another one is asked"

    tell(order, received.model_copy(update={"came_at": NOW + timedelta(days=1)}))
    assert order.line("1").sources == {"EAST": 5, "WEST": 1}


def test_a_person_may_have_a_warehouse_look_again() -> None:
    order = going_on(captured(placed({"1": 5}), offers={"EAST": goal(BOLT=5)}))
    say(order, MilestoneKind.PICKED, goal(_1=3), final=True)
    going_on(order)
    assert tell(order, ReplanAsked(id="r")) == "done"
    captured(order, offers={"EAST": goal(BOLT=2)})
    assert order.line("1").sources == {"EAST": 5}


@pytest.mark.parametrize("fulfilment", ["complete", "line_complete", "fill_or_kill"])
def test_a_short_pick_of_what_goes_as_a_whole_is_held(fulfilment: str) -> None:
    order = going_on(captured(placed({"1": 5}, fulfilment=fulfilment)))
    say(order, MilestoneKind.PICKED, goal(_1=3), final=True)
    (hold,) = order.open_holds
    assert (hold.reason, hold.scope) == ("unavailable_inventory", "order")
    assert hold.detail == (
        "EAST did not find 2 of line 1, no other source has it, and the order is"
        f" {fulfilment}: cancel, or release to let it leave in parts"
    )
    tell(order, CancelRequested(id="c"))
    recall = next(action for action in plan(order) if action.effect == RELEASE)
    assert recall.goal == {}


def test_a_short_pick_that_another_source_makes_up_for_is_not_held() -> None:
    offers = {"EAST": goal(BOLT=5), "WEST": goal(BOLT=4)}
    order = going_on(captured(placed({"1": 5}, fulfilment="complete"), offers=offers))
    say(order, MilestoneKind.PICKED, goal(_1=3), final=True)
    assert reasons(order) == []
    assert order.line("1").sources == {"EAST": 3, "WEST": 2}

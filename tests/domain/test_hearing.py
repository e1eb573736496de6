"""What messages change, and what becomes of them."""

from decimal import Decimal

import pytest

from domain.amounts import line_amount
from domain.answer import Done, Pending, Refused
from domain.effect import EffectState, Step
from domain.hearing import hear, refuse
from domain.hold import Problem
from domain.message import (
    MESSAGE,
    Amended,
    Answered,
    CancelRequested,
    HoldPlaced,
    HoldReleased,
    Milestone,
    MilestoneKind,
    MilestoneLine,
    Placed,
    Skipped,
    StockArrived,
    StockLost,
)
from domain.order import Misunderstood, Order, Outcome
from domain.plan import plan
from domain.settling import intend, settle
from tests.domain.build import ask, captured, goal, going_on, news, placed, reasons, say, tell
from tests.domain.ledger import LINE_TERMS, PARTS
from tests.domain.world import NOW, order_in


def test_messages_are_heard_once_and_in_order() -> None:
    order = placed()
    first = CancelRequested(id="a", n=2, lines=goal(_1=1))
    third = CancelRequested(id="c", n=4, lines=goal(_1=1))

    assert hear(order, first, NOW)
    assert not hear(order, first, NOW), "a repeat"
    assert not hear(order, third, NOW), "its predecessor is missing"
    assert order.line("1").cancelled == 1
    assert order.heard == 2


def test_a_command_about_a_line_the_order_has_not_is_refused() -> None:
    order = placed()
    assert tell(order, CancelRequested(id="c", lines=goal(_7=1))) == "unknown_line"
    assert tell(order, Amended(id="a", lines=goal(_7=1))) == "unknown_line"
    assert order == placed().model_copy(update={"heard": 3, "outcomes": order.outcomes})


def test_a_message_about_a_line_the_order_has_not_is_misunderstood() -> None:
    order = placed()
    message = Milestone(
        id="a",
        n=2,
        milestone=MilestoneKind.PICKED,
        source="EAST",
        occurred_at=NOW,
        lines=(MilestoneLine(line="7", quantity=Decimal(1)),),
    )

    with pytest.raises(Misunderstood, match="no line 7"):
        hear(order, message, NOW)

    refuse(order, message, "the order has no line 7")
    assert order.heard == 2
    assert order.outcomes[-1] == Outcome(
        n=2, status="refused", reason="not_understood", detail="the order has no line 7"
    )


def test_a_milestone_about_a_line_the_order_has_not_changes_nothing() -> None:
    order = going_on(captured(placed()))
    milestone = Milestone(
        id="s",
        n=2,
        milestone=MilestoneKind.SHIPPED,
        source="EAST",
        occurred_at=NOW,
        lines=(MilestoneLine(line="9", quantity=Decimal(1)),),
    )
    with pytest.raises(Misunderstood):
        hear(order, milestone, NOW)
    assert order.shipments == []


def test_an_order_is_placed_once() -> None:
    order = placed()
    assert tell(order, Placed(id="again", order=order_in({"1": 9}))) == "already_placed"
    assert order.line("1").ordered == 5


def test_an_order_like_another_is_held_until_somebody_releases_it() -> None:
    order = Order(id="o")
    tell(order, Placed(id="m", order=order_in({"1": 5}), duplicate_of="o-0"))
    assert reasons(order) == ["suspected_duplicate"]
    assert "o-0" in order.open_holds[0].detail

    captured(order)
    assert plan(order) == [], "captured, but no credit is taken while it is looked at"

    assert tell(order, HoldReleased(id="r", hold=order.open_holds[0].id, by="sam")) == "done"
    assert [action.step for action in plan(order)] == [Step.ESTIMATE]
    assert order.holds[0].released_by == "sam"


def test_goods_that_left_before_the_order_was_heard_of_are_counted_with_it() -> None:
    order = Order(id="o")
    say(order, MilestoneKind.SHIPPED, goal(_1=2))
    tell(order, Placed(id="m", order=order_in({"1": 5})))
    assert order.line("1").total_shipped == 2


def test_part_of_a_line_is_cancelled() -> None:
    order = captured(placed())
    assert tell(order, CancelRequested(id="c", lines=goal(_1=2), reason="too many")) == "done"
    assert order.line("1").agreed == 3
    assert order.line("1").sources == {"EAST": 3}
    assert order.outcomes[-1].detail == "cancelled 2 of line 1"
    assert news(order)[-1] == "order.cancelled"


def test_cancelling_everything_leaves_what_has_shipped() -> None:
    order = going_on(captured(placed()))
    say(order, MilestoneKind.SHIPPED, goal(_1=2))
    tell(order, CancelRequested(id="c"))
    assert {line.line: line.agreed for line in order.lines} == {"1": 2, "2": 0}
    assert tell(order, CancelRequested(id="again")) == "nothing_to_cancel"


def test_an_amendment_says_how_much_there_shall_be() -> None:
    order = captured(placed())
    tell(order, CancelRequested(id="c", lines=goal(_1=2)))
    assert tell(order, Amended(id="a", lines=goal(_1=8))) == "done"
    line = order.line("1")
    assert [line.ordered, line.cancelled, line.agreed] == [10, 2, 8]
    assert line.sources == {"EAST": 8}


def test_an_amendment_below_what_has_shipped_is_refused_whole() -> None:
    order = going_on(captured(placed()))
    say(order, MilestoneKind.SHIPPED, goal(_1=4))
    assert tell(order, Amended(id="a", lines=goal(_2=9, _1=3))) == "below_shipped"
    assert order.line("2").ordered == 3


def test_a_cancelled_order_cannot_be_amended() -> None:
    order = placed()
    tell(order, CancelRequested(id="c"))
    assert tell(order, Amended(id="a", lines=goal(_1=2))) == "cancelled"
    assert order.line("1").agreed == 0


def test_a_person_holds_a_scope_and_releases_it() -> None:
    order = captured(placed())
    tell(order, HoldPlaced(id="h", detail="call first", by="sam"))
    tell(order, HoldPlaced(id="h2", detail="the same again"))
    (hold,) = order.open_holds
    assert (hold.reason, hold.scope, hold.owner) == ("manual", "order", "customer service")

    assert tell(order, HoldReleased(id="r", hold=hold.id, by="kim")) == "done"
    assert tell(order, HoldReleased(id="r2", hold=hold.id)) == "already_released"
    assert tell(order, HoldReleased(id="r3", hold="o-H99")) == "done", "it may come yet"
    assert news(order)[-2:] == ["order.held", "order.hold_released"]


def test_a_refused_step_is_tried_again_under_another_key() -> None:
    order = captured(placed())
    (first,) = plan(order)
    ask(order, "credit/acme", Refused(reason="credit_limit"))
    assert plan(order) == []

    tell(order, HoldReleased(id="r", hold=order.open_holds[0].id))
    (again,) = plan(order)
    assert again.key != first.key


def test_a_late_answer_settles_what_waits_for_it() -> None:
    order = captured(placed())
    going_on(order, upto=Step.STOCK)
    (action,) = plan(order)
    intend(order, action, NOW)
    settle(order, "erp/", Pending(), NOW)
    tell(order, Answered(id="x", key="o/erp//99", answer=Refused(reason="no")))
    assert order.effects["erp/"].state is EffectState.PENDING, "another key"

    tell(order, Answered(id="y", key=action.key, answer=Done(standing={}, ref="SO-1")))
    assert order.effects["erp/"].standing == action.goal, "done means done as asked"
    assert order.effects["erp/"].ref == "SO-1"


def test_a_late_answer_that_may_be_about_another_call_is_not_believed() -> None:
    order = going_on(captured(placed()), upto=Step.STOCK)
    (action,) = plan(order)
    intend(order, action, NOW)
    settle(order, "erp/", Pending(), NOW)
    tell(order, CancelRequested(id="c", lines=goal(_1=1)))
    changed = next(action for action in plan(order) if action.effect == "erp/")
    intend(order, changed, NOW)
    settle(order, "erp/", Pending(), NOW)

    tell(order, Answered(id="y", key=action.key, answer=Done(standing={})))
    assert order.effects["erp/"].state is EffectState.UNKNOWN
    assert next(action for action in plan(order) if action.effect == "erp/").ask


def test_a_late_answer_that_overtakes_the_promise_of_it_is_asked_for() -> None:
    order = going_on(captured(placed()), upto=Step.STOCK)
    (action,) = plan(order)
    intend(order, action, NOW)
    tell(order, Answered(id="y", key=action.key, answer=Done(standing={})))
    settle(order, "erp/", Pending(), NOW)
    assert order.effects["erp/"].state is EffectState.UNKNOWN


def test_stock_that_arrives_goes_to_what_was_backordered() -> None:
    order = captured(placed(), offers={})
    assert order.wanted_items == {"BOLT": 5, "NUT": 3}
    arrived = StockArrived(id="a", item="BOLT", location="WEST", available=Decimal(4))
    tell(order, arrived)
    assert order.line("1").sources == {"WEST": 4}
    assert order.wanted_items == {"BOLT": 1, "NUT": 3}


def test_stock_that_arrives_during_a_look_at_it_is_looked_at_again() -> None:
    order = placed()
    (action,) = plan(order)
    intend(order, action, NOW)
    tell(order, StockArrived(id="a", item="BOLT", location="WEST", available=Decimal(4)))
    assert [action.step for action in plan(order)] == [Step.CAPTURE]


def test_lost_stock_is_taken_from_elsewhere() -> None:
    offers = {"EAST": goal(BOLT=5, NUT=3), "WEST": goal(BOLT=5)}
    order = going_on(captured(placed(), offers=offers), upto=Step.STOCK)
    tell(order, StockLost(id="l", line="1", location="EAST", quantity=Decimal(2)))
    assert order.line("1").sources == {"EAST": 3, "WEST": 2}
    assert order.standing(Step.STOCK)["1/EAST"] == 3


def test_lost_stock_that_a_warehouse_was_asked_for_stays_wanted_there() -> None:
    order = going_on(captured(placed()))
    tell(order, StockLost(id="l", line="1", location="EAST", quantity=Decimal(2)))
    assert order.line("1").sources == {"EAST": 5}
    ask(order, "stock/", Refused(reason="unavailable_inventory", offers={"EAST": goal(BOLT=0)}))
    assert reasons(order) == ["unavailable_inventory"]
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=5, _2=3)


def test_what_nobody_could_read_is_passed_over() -> None:
    order = placed()
    before = order.model_copy(deep=True)
    tell(order, Skipped(id="s"))
    assert order.lines == before.lines
    assert order.heard == before.heard + 1


def test_a_message_reopens_a_closed_order() -> None:
    order = going_on(captured(placed()))
    order.close(NOW)
    tell(order, HoldPlaced(id="h"))
    assert not order.closed


def test_a_waived_price_is_the_price() -> None:
    order = placed({"1": 5})
    asked = LINE_TERMS["1"].model_copy(update={"price": Decimal("0.90"), "discount": Decimal(10)})
    mismatch = Problem(reason="price_mismatch", scope="line/1")
    captured(order, problems=(mismatch,), asked={"1": asked})
    assert reasons(order) == ["price_mismatch"]

    tell(order, HoldReleased(id="r", hold=order.open_holds[0].id))
    captured(order, problems=(mismatch,), asked={"1": asked})
    assert reasons(order) == []
    assert order.line_terms("1") == asked
    assert line_amount(order, "1", Decimal(5)) == Decimal("4.05")


def test_messages_survive_their_way_as_json() -> None:
    message = Placed(id="m", n=1, order=order_in({"1": 5}))
    assert MESSAGE.validate_json(message.model_dump_json()) == message


@pytest.mark.parametrize(
    "scope",
    ["line/99", "line/", "fulfilment/MOON", "fulfilment/o-MOON", "fulfilment", "return/R", "moon"],
)
def test_a_hold_on_what_the_order_does_not_have_is_refused(scope: str) -> None:
    order = captured(placed())
    assert tell(order, HoldPlaced(id="h", scope=scope)) == "unknown_scope"
    assert order.outcomes[-1].detail == f"the order has no {scope}"
    assert order.open_holds == []


@pytest.mark.parametrize("scope", ["fulfilment/EAST", "fulfilment/o-EAST"])
def test_a_fulfilment_is_held_by_source_or_by_id(scope: str) -> None:
    order = captured(placed())
    assert tell(order, HoldPlaced(id="h", scope=scope)) == "done"
    assert order.open_holds[0].scope == "fulfilment/EAST"
    going_on(order)
    assert "release/EAST" not in order.effects


@pytest.mark.parametrize("first", ["held", "captured"])
def test_a_hold_on_a_kit_is_one_on_its_parts(first: str) -> None:
    order = placed({"5": 1})
    hold = HoldPlaced(id="h", scope="line/5")
    if first == "held":
        tell(order, hold)
    captured(order, kits={"5": PARTS}, offers={"EAST": goal(BOLT=9, PIN=9)})
    if first == "captured":
        assert tell(order, hold) == "done"
    going_on(order)
    assert order.standing(Step.ERP) == goal(**{"_5.1": 2, "_5.2": 1})
    assert "release/EAST" not in order.effects

    tell(order, HoldReleased(id="r", hold=order.open_holds[0].id))
    assert [action.effect for action in plan(order)] == ["release/EAST"]

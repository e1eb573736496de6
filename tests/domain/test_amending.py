"""Amendments of lines, address and days, and another look at where goods come from."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from domain.answer import Captured, Done, Refused
from domain.base import Goal
from domain.deadlines import expire
from domain.effect import EffectState, Step
from domain.hold import Problem
from domain.message import (
    Amended,
    CancelRequested,
    MilestoneKind,
    ReplanAsked,
    RetryAsked,
    StockArrived,
)
from domain.order import Order
from domain.order_in import MOST_LINES, LineIn
from domain.paperwork import document
from domain.plan import plan
from domain.settling import intend
from domain.status import order_status
from tests.domain.build import ask, captured, goal, going_on, placed, reasons, say, tell
from tests.domain.ledger import LINE_TERMS
from tests.domain.world import ADDRESS, NOW, terms_of

ELSEWHERE = ADDRESS.model_copy(update={"line1": "2 Mill Road"})
A_PIN = LineIn(item="PIN", quantity=Decimal(2))
TODAY = NOW.date()


def steps(order: Order) -> list[tuple[str, Goal]]:
    return [(action.step, action.goal) for action in plan(order)]


def captured_again(
    order: Order, offers: dict[str, Goal], problems: tuple[Problem, ...] = ()
) -> None:
    known = {**LINE_TERMS, "3": LINE_TERMS["4"]}
    lines = {x.line: known[x.line] for x in order.lines}
    standing = {x.line: x.ordered for x in order.lines}
    ask(
        order,
        "capture/",
        Captured(standing=standing, terms=terms_of(lines), offers=offers, problems=problems),
    )


def test_an_added_line_is_captured_and_joins_the_order() -> None:
    order = going_on(captured(placed()))
    assert tell(order, Amended(id="a", add=(A_PIN,))) == "done"
    assert order.outcomes[-1].detail == "amended 2 of line 3"
    assert steps(order) == [(Step.CAPTURE, goal(_1=5, _2=3, _3=2))]
    captured_again(order, {"EAST": {"PIN": Decimal(10)}})
    going_on(order)
    assert order.effects["release/EAST"].standing == goal(_1=5, _2=3, _3=2)


def test_an_added_line_nobody_knows_is_waited_for_until_it_is_cancelled() -> None:
    order = captured(placed())
    tell(order, Amended(id="a", add=(A_PIN,)))
    problem = Problem(reason="unknown_item", scope="line/3")
    lines = {x: LINE_TERMS[x] for x in ("1", "2")}
    answer = Captured(standing={}, terms=terms_of(lines), problems=(problem,))
    ask(order, "capture/", answer)
    assert reasons(order) == ["unknown_item"]
    assert Step.STOCK not in [action.step for action in plan(order)], "it waits to be captured"
    assert tell(order, CancelRequested(id="c", lines=goal(_3=2))) == "done"
    assert going_on(order).standing(Step.RELEASE, "EAST") == goal(_1=5, _2=3)


def test_goods_of_a_line_nobody_knows_are_billed_when_it_is_known() -> None:
    order = going_on(captured(placed()))
    tell(order, Amended(id="a", add=(A_PIN,)))
    say(order, MilestoneKind.SHIPPED, goal(_3=2))
    assert [step for step, _ in steps(order)] == [Step.CAPTURE], "there is no price yet"
    captured_again(order, {"EAST": {"PIN": Decimal(10)}})
    going_on(order)
    assert order.standing(Step.INVOICE, order.shipments[0].id) == goal(_3=2)


def test_a_line_is_added_once() -> None:
    order = captured(placed())
    numbered = A_PIN.model_copy(update={"line": "9"})
    assert tell(order, Amended(id="a", add=(numbered,))) == "done"
    assert tell(order, Amended(id="b", add=(numbered,))) == "line_exists"
    assert [line.line for line in order.lines] == ["1", "2", "9"]


def test_an_added_line_without_a_number_leaves_those_named_with_it_alone() -> None:
    order = going_on(captured(placed()))
    named = A_PIN.model_copy(update={"line": "3"})
    assert tell(order, Amended(id="a", add=(A_PIN, named))) == "done"
    assert [line.line for line in order.lines] == ["1", "2", "4", "3"]


def test_an_order_does_not_grow_for_ever() -> None:
    order = captured(placed())
    rest = MOST_LINES - len(order.lines)
    assert tell(order, Amended(id="a", add=(A_PIN,) * (rest + 1))) == "too_many_lines"
    assert tell(order, Amended(id="b", add=(A_PIN,) * rest)) == "done"
    assert tell(order, Amended(id="c", add=(A_PIN,))) == "too_many_lines"
    assert len(order.lines) == MOST_LINES


def test_nothing_is_amended_when_part_of_it_cannot_be() -> None:
    order = captured(placed())
    wrong = Amended(id="a", lines=goal(_1=9), cancel_after=date(2029, 1, 1))
    assert tell(order, wrong) == "dates"
    assert order.line("1").ordered == 5


def test_for_another_address_the_sales_order_is_made_anew_before_the_release() -> None:
    order = captured(placed(ship_not_before=TODAY + timedelta(days=1)))
    going_on(order)
    assert tell(order, Amended(id="a", ship_to=ELSEWHERE, ship_not_before=TODAY)) == "done"
    assert steps(order) == [(Step.ESTIMATE, {}), (Step.ERP, {})], "no release without sales order"
    ask(order, "estimate/")
    ask(order, "erp/")
    ask(order, "estimate/")
    action = next(action for action in plan(order) if action.step is Step.ERP)
    assert action.key == "o/erp//2"
    assert document(order, action, NOW).model_dump()["ship_to"]["line1"] == "2 Mill Road"
    assert order_status(going_on(order)) == "released"


def test_a_sales_order_refused_while_it_was_to_be_made_anew_is_asked_for_again() -> None:
    order = captured(placed(ship_not_before=TODAY + timedelta(days=1)))
    going_on(order, upto=Step.STOCK)
    action = next(action for action in plan(order) if action.step is Step.ERP)
    intend(order, action, NOW)
    tell(order, Amended(id="a", ship_to=ELSEWHERE))
    order.effects["erp/"].state = EffectState.UNKNOWN  # interrupted
    ask(order, "erp/", Refused(reason="no", standing={}))
    assert not order.standing(Step.ERP)
    assert going_on(order, upto=Step.ERP).standing(Step.ERP) == goal(_1=5, _2=3)


def test_an_address_that_a_warehouse_has_stays() -> None:
    order = going_on(captured(placed()))
    assert tell(order, Amended(id="a", ship_to=ELSEWHERE)) == "already_released"
    assert order.header
    assert order.header.ship_to == ADDRESS


def test_what_has_shipped_keeps_its_address_though_nothing_is_released_now() -> None:
    order = captured(placed())
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    assert tell(order, Amended(id="a", ship_to=ELSEWHERE)) == "already_shipped"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"valid_until": TODAY}, "not_a_quote"),
        ({"cancel_after": TODAY - timedelta(days=1)}, "dates"),
        ({"ship_not_before": TODAY + timedelta(days=3), "cancel_after": TODAY}, "dates"),
    ],
)
def test_days_that_make_no_sense_are_refused(change: dict[str, date], why: str) -> None:
    order = captured(placed())
    assert tell(order, Amended(id="a", **change)) == why


def test_another_look_at_where_goods_come_from_leaves_what_is_released() -> None:
    both = {"EAST": {"BOLT": Decimal(5)}, "WEST": {"NUT": Decimal(3)}}
    order = captured(placed(), offers=both)
    going_on(order, upto=Step.STOCK)
    for step in ("erp/", "release/EAST"):
        ask(order, step)
    assert tell(order, ReplanAsked(id="r")) == "done"
    captured_again(order, {"SOUTH": {"BOLT": Decimal(9), "NUT": Decimal(9)}})
    assert order.line("1").sources == {"EAST": 5}
    assert order.line("2").sources == {"SOUTH": 3}


def test_another_look_does_not_recall_a_second_release() -> None:
    order = going_on(captured(placed({"1": 5})))
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    going_on(order)
    tell(order, Amended(id="a", lines=goal(_1=8)))
    tell(order, StockArrived(id="s", item="BOLT", location="EAST", available=Decimal(9)))
    going_on(order)
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=3)
    tell(order, ReplanAsked(id="r"))
    assert order.line("1").sources == {"EAST": 8}
    assert Step.RELEASE not in [action.step for action in plan(order)]


def test_there_is_nothing_to_plan_before_capture_has_an_answer() -> None:
    order = captured(placed())
    tell(order, Amended(id="a", add=(A_PIN,)))
    problem = Problem(reason="unknown_item", scope="line/3")
    ask(order, "capture/", Captured(standing={}, terms=terms_of({}), problems=(problem,)))
    before = [dict(line.sources) for line in order.lines]
    assert tell(order, ReplanAsked(id="r")) == "nothing_to_plan"
    assert [line.sources for line in order.lines] == before


def test_what_waits_to_be_tried_again_is_tried_when_asked() -> None:
    order = captured(placed())
    assert tell(order, RetryAsked(id="r")) == "nothing_to_retry"
    going_on(order, upto=Step.STOCK)
    action = next(action for action in plan(order) if action.step is Step.ERP)
    intend(order, action, NOW)
    assert [action.step for action in plan(order)] == []
    assert tell(order, RetryAsked(id="r2", effect="tax/")) == "nothing_to_retry"
    assert tell(order, RetryAsked(id="r3", effect="erp/")) == "done"
    (again,) = plan(order)
    assert (again.step, again.ask) == (Step.ERP, True)
    ask(order, "erp/", Done(standing=again.goal, ref="SO"))
    assert order.effects["erp/"].state is EffectState.CONFIRMED


def test_after_its_last_day_an_order_gets_no_other_one() -> None:
    order = going_on(captured(placed(cancel_after=TODAY)))
    say(order, MilestoneKind.SHIPPED, goal(_1=2))
    expire(order, NOW + timedelta(days=1))
    later = TODAY + timedelta(days=9)
    assert tell(order, Amended(id="a", lines=goal(_1=3), cancel_after=later)) == "dates"
    assert tell(order, Amended(id="b", lines=goal(_1=3))) == "done"

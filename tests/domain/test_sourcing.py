"""Which location delivers how much of which line."""

from decimal import Decimal

import pytest

from domain.base import Goal
from domain.catalog import LocationKind
from domain.effect import Step
from domain.message import Amended, CancelRequested, HoldPlaced, HoldReleased, StockArrived
from domain.order import Order
from domain.plan import plan
from domain.sourcing import allocate, trim
from tests.domain.build import ask, captured, goal, going_on, placed, tell
from tests.domain.ledger import LINE_TERMS


def sources(order: Order) -> dict[str, Goal]:
    return {line.line: line.sources for line in order.lines}


def test_one_source_that_can_deliver_everything_is_preferred() -> None:
    offers = {"EAST": goal(BOLT=50, NUT=2), "WEST": goal(BOLT=5, NUT=3)}
    order = captured(placed(), offers=offers)
    assert sources(order) == {"1": {"WEST": 5}, "2": {"WEST": 3}}


def test_otherwise_each_line_comes_from_where_most_of_it_is() -> None:
    offers = {"EAST": goal(BOLT=3, NUT=1), "WEST": goal(BOLT=4)}
    order = captured(placed(), offers=offers)
    assert sources(order) == {"1": {"WEST": 4, "EAST": 1}, "2": {"EAST": 1}}
    assert order.line("2").backordered == 2


def test_a_source_that_delivers_already_goes_before_one_that_has_more() -> None:
    order = captured(placed(), offers={"EAST": goal(NUT=3)})
    order.offers = {"EAST": goal(BOLT=2), "WEST": goal(BOLT=4)}
    allocate(order)
    assert order.line("1").sources == {"EAST": 2, "WEST": 3}


@pytest.mark.parametrize(
    ("ours", "from_us"),
    [
        pytest.param(goal(BOLT=9, NUT=9), {"1": 5, "2": 3}, id="not asked for what we have"),
        pytest.param(goal(BOLT=2), {"1": 2}, id="asked for the rest"),
        pytest.param({}, {}, id="asked for what we have not"),
    ],
)
def test_a_supplier_comes_after_our_own_locations(ours: Goal, from_us: Goal) -> None:
    order = captured(placed(), offers={})
    assert order.terms
    known = order.terms.sources
    supplier = known["EAST"].model_copy(update={"kind": LocationKind.SUPPLIER})
    order.terms = order.terms.model_copy(update={"sources": {**known, "EAST": supplier}})
    order.offers = {"EAST": goal(BOLT=99, NUT=99), "WEST": dict(ours)}

    allocate(order)

    given = {x.line: x.sources["WEST"] for x in order.lines if "WEST" in x.sources}
    assert given == from_us
    assert not any(line.backordered for line in order.lines)


def test_only_whole_cases_are_promised() -> None:
    order = captured(placed({"3": 2}), offers={"EAST": goal(BOX=23)})
    assert sources(order) == {"3": {"EAST": 1}}
    assert order.wanted_items == {"BOX": 12}


def test_lines_of_one_item_share_what_is_there() -> None:
    bolts = {"1": LINE_TERMS["1"], "2": LINE_TERMS["1"]}
    order = captured(placed({"1": 5, "2": 3}), offers={"EAST": goal(BOLT=6)}, lines=bolts)
    assert sources(order) == {"1": {"EAST": 5}, "2": {"EAST": 1}}


def test_a_location_nobody_knows_delivers_nothing() -> None:
    order = captured(placed(), offers={})
    tell(order, StockArrived(id="a", item="BOLT", location="MOON", available=Decimal(9)))
    assert sources(order) == {"1": {}, "2": {}}


def test_what_is_cancelled_is_taken_from_those_not_asked_yet() -> None:
    offers = {"EAST": goal(BOLT=3), "WEST": goal(BOLT=2)}
    order = captured(placed({"1": 5}), offers=offers)
    tell(order, HoldPlaced(id="h", scope="fulfilment/WEST"))
    going_on(order)
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=3)
    assert order.standing(Step.RELEASE, "WEST") == {}

    tell(order, CancelRequested(id="c", lines=goal(_1=2)))
    assert sources(order) == {"1": {"EAST": 3}}


def test_what_has_shipped_is_never_taken_away() -> None:
    order = captured(placed({"1": 5}))
    line = order.line("1")
    line.shipped = {"WEST": Decimal(2)}
    line.cancelled = Decimal(3)
    trim(order)
    assert line.sources == {"WEST": 2}


def test_an_order_that_goes_together_waits_for_all_of_it() -> None:
    order = captured(placed(fulfilment="complete"), offers={"EAST": goal(BOLT=5)})
    going_on(order)
    assert order.standing(Step.STOCK) == {"1/EAST": 5}
    assert order.standing(Step.RELEASE, "EAST") == {}

    tell(order, StockArrived(id="a", item="NUT", location="EAST", available=Decimal(3)))
    going_on(order)
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=5, _2=3)


def test_what_goes_together_and_is_released_is_not_recalled_for_want_of_the_rest() -> None:
    order = going_on(captured(placed(fulfilment="complete"), offers={"EAST": goal(BOLT=5, NUT=3)}))
    tell(order, Amended(id="a", lines=goal(_1=9)))
    captured(order, offers={})
    going_on(order)
    assert order.line("1").backordered == 4
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=5, _2=3)


def test_a_line_that_goes_together_waits_for_all_of_it() -> None:
    order = captured(placed(fulfilment="line_complete"), offers={"EAST": goal(BOLT=5, NUT=2)})
    going_on(order)
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=5)


@pytest.mark.parametrize("scope", ["order", "line/1", "fulfilment/EAST"])
def test_a_held_scope_is_not_released(scope: str) -> None:
    order = captured(placed({"1": 5}))
    going_on(order, upto=Step.ERP)
    tell(order, HoldPlaced(id="h", scope=scope))
    assert plan(order) == []

    tell(order, HoldReleased(id="r", hold=order.open_holds[0].id))
    assert [action.step for action in plan(order)] == [Step.RELEASE]


def test_stock_given_back_does_not_wait_for_stock_held_up() -> None:
    order = going_on(captured(placed(), offers={"EAST": goal(BOLT=5, NUT=3)}), upto=Step.STOCK)
    tell(order, HoldPlaced(id="h"))
    tell(order, StockArrived(id="s", item="NUT", location="WEST", available=Decimal(9)))
    order.line("2").ordered = Decimal(6)
    allocate(order)
    tell(order, CancelRequested(id="c", lines=goal(_1=5)))
    less = next(action for action in plan(order) if action.step is Step.STOCK)
    assert less.goal == {"2/EAST": 3}
    ask(order, "stock/")
    assert all(action.step is not Step.STOCK for action in plan(order)), "more of it is held"

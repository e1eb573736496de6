"""Holds of people: for a while, released with a change; and what a long hold lets go of."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from domain.deadlines import deadlines
from domain.effect import Step
from domain.looking import look_up
from domain.message import Amended, HoldPlaced, HoldReleased
from domain.order import Order
from domain.patience import Patience
from domain.plan import plan
from tests.domain.build import ask, captured, goal, going_on, placed, reasons, tell
from tests.domain.world import NOW

HOUR = timedelta(hours=1)


def held(patience: Patience | None = None, until: datetime | None = None) -> Order:
    order = going_on(captured(placed(patience=patience)), upto=Step.STOCK)
    tell(order, HoldPlaced(id="h", until=until))
    return order


def steps(order: Order) -> list[Step]:
    return [action.step for action in plan(order)]


def test_a_hold_for_a_while_ends_by_itself() -> None:
    order = held(until=NOW + HOUR)
    assert plan(order) == []
    look_up(order, NOW + HOUR - timedelta(seconds=1))
    assert reasons(order) == ["manual"]
    look_up(order, NOW + HOUR)
    assert reasons(order) == []
    assert order.holds[0].released_by == "throughline"
    assert steps(order) == [Step.ERP]


def test_a_hold_is_released_with_a_change_or_not_at_all() -> None:
    order = held()
    (hold,) = order.open_holds
    wrong = Amended(id="e", lines=goal(_9=1))
    assert tell(order, HoldReleased(id="r", hold=hold.id, edit=wrong)) == "unknown_line"
    assert reasons(order) == ["manual"]
    edit = Amended(id="e", lines=goal(_1=2))
    assert tell(order, HoldReleased(id="r", hold=hold.id, edit=edit, by="sam")) == "done"
    assert reasons(order) == []
    assert order.line("1").ordered == 2
    assert tell(order, HoldReleased(id="r", hold=hold.id)) == "already_released"


def test_a_change_cannot_go_with_the_release_of_a_hold_not_placed_yet() -> None:
    order = held()
    edit = Amended(id="e", lines=goal(_1=2))
    assert tell(order, HoldReleased(id="r", hold="o-H1", edit=edit)) == "unknown_hold"
    assert tell(order, HoldReleased(id="r", hold="o-H1", skip="by hand")) == "unknown_hold"
    assert tell(order, HoldReleased(id="r", hold="o-H1")) == "done"
    assert order.line("1").ordered == 5


def test_an_order_held_for_long_lets_its_goods_go_and_looks_for_them_anew() -> None:
    order = held(Patience(held_stock=HOUR))
    assert deadlines(order) == {"stock": NOW + HOUR}
    look_up(order, NOW + HOUR)
    assert order.line("1").sources == {}
    assert steps(order) == [Step.STOCK]
    ask(order, "stock/")
    assert order.standing(Step.STOCK) == {}
    assert deadlines(order) == {}

    tell(order, HoldReleased(id="r", hold=order.open_holds[0].id))
    look_up(order, NOW + 2 * HOUR)
    assert steps(order) == [Step.CAPTURE], "what there is now has to be found out"


def test_an_order_held_for_long_keeps_what_a_warehouse_has_been_asked_for() -> None:
    order = going_on(captured(placed(patience=Patience(held_stock=HOUR))))
    tell(order, HoldPlaced(id="h"))
    look_up(order, NOW + HOUR)
    assert order.line("1").sources == {"EAST": 5}
    assert plan(order) == []


def test_an_order_of_which_two_days_end_at_once_ends_once() -> None:
    today = date(2030, 1, 1)
    order = captured(placed(kind="quote", valid_until=today, cancel_after=today))
    look_up(order, NOW + 30 * HOUR)
    assert [event.kind for event in order.news].count("order.cancelled") == 1
    assert order.line("1").cancelled == Decimal(5)

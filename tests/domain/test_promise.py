"""What a customer is promised."""

from datetime import date, timedelta
from decimal import Decimal

from domain.answer import Done
from domain.message import MilestoneKind, Placed, StockArrived
from domain.order import Order
from domain.plan import plan
from domain.promise import Promise, promised
from domain.settling import intend, settle
from tests.domain.build import captured, goal, going_on, placed, say, tell
from tests.domain.world import NOW, order_in

TODAY = Promise(ship_date=NOW.date(), supply="stock")


def test_goods_that_are_there_leave_today_until_they_have_left() -> None:
    order = placed()
    assert promised(order, order.line("1")) is None, "nobody has looked yet"
    captured(order)
    assert promised(order, order.line("1")) is None, "nothing is reserved yet"
    going_on(order)
    assert promised(order, order.line("1")) == TODAY
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    assert promised(order, order.line("1")) is None


def test_no_day_is_promised_without_goods() -> None:
    order = going_on(captured(placed(), offers={"EAST": goal(BOLT=4, NUT=3)}))
    assert promised(order, order.line("1")) is None
    assert promised(order, order.line("2")) == TODAY


def test_no_day_is_promised_before_the_goods_were_reserved() -> None:
    order = going_on(captured(placed({"1": 5}), offers={}))
    later = NOW + timedelta(days=10)
    tell(order, StockArrived(id="s", item="BOLT", location="EAST", available=Decimal(9)), at=later)
    action = next(action for action in plan(order) if action.effect == "stock/")
    intend(order, action, later)
    settle(order, "stock/", Done(standing=action.goal), later)
    assert promised(order, order.line("1")) == Promise(ship_date=later.date(), supply="stock")


def test_a_quote_promises_what_is_on_offer_not_before_its_day() -> None:
    order = Order(id="o")
    day = date(2030, 2, 1)
    wanted = order_in({"1": 5}).model_copy(update={"kind": "quote", "ship_not_before": day})
    captured(tell_placed(order, Placed(id="m", order=wanted)))
    assert promised(order, order.line("1")) == Promise(ship_date=day, supply="stock")


def tell_placed(order: Order, message: Placed) -> Order:
    tell(order, message)
    return order

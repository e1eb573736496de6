"""Quotes, and the days a customer names."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.deadlines import deadlines, expire
from domain.effect import Step
from domain.message import (
    Amended,
    CancelRequested,
    HoldPlaced,
    MilestoneKind,
    Placed,
    QuoteAccepted,
)
from domain.order import Order
from domain.plan import plan
from domain.status import order_status
from domain.view import awaited
from tests.domain.build import captured, goal, going_on, news, say, tell
from tests.domain.world import NOW, order_in


def placed_with(**header: Any) -> Order:
    order = Order(id="o")
    tell(order, Placed(id="m", order=order_in({"1": 5}).model_copy(update=header)))
    return order


def test_a_quote_is_priced_and_nothing_more_until_it_is_accepted() -> None:
    order = captured(placed_with(kind="quote"))
    assert order_status(order) == "quoted"
    assert plan(order) == []
    assert order.wanted_items == {}

    assert tell(order, QuoteAccepted(id="a", by="acme")) == "done"
    going_on(order)
    assert order_status(order) == "released"
    assert tell(order, QuoteAccepted(id="a2")) == "already_accepted"


def test_only_a_quote_that_is_still_good_can_be_accepted() -> None:
    assert tell(placed_with(), QuoteAccepted(id="a")) == "not_a_quote"

    cancelled = captured(placed_with(kind="quote"))
    tell(cancelled, CancelRequested(id="c"))
    assert order_status(cancelled) == "cancelled"
    assert tell(cancelled, QuoteAccepted(id="a")) == "cancelled"


def test_a_quote_expires() -> None:
    order = captured(placed_with(kind="quote", cancel_after=date(2030, 1, 1)))
    expire(order, datetime(2030, 1, 1, 23, 59, tzinfo=UTC))
    assert order_status(order) == "quoted", "its last day is not over"
    expire(order, deadlines(order)["cancel_after"])
    assert order_status(order) == "expired"
    assert order.all_shipped, "there is nothing left to do"
    assert tell(order, QuoteAccepted(id="a")) == "expired"


LAST_DAY = date(2030, 1, 1)
OVER = datetime(2030, 1, 2, tzinfo=UTC)


def test_an_acceptance_is_as_late_as_it_was_received() -> None:
    order = captured(placed_with(kind="quote", valid_until=LAST_DAY))
    assert tell(order, QuoteAccepted(id="a", received_at=OVER), at=OVER) == "expired"
    assert order.outcomes[-1].detail == "it was good until 2030-01-02 00:00 UTC"

    in_time = OVER - timedelta(seconds=1)
    assert tell(order, QuoteAccepted(id="b", received_at=in_time), at=OVER) == "done"


def test_an_acceptance_in_time_counts_though_the_quote_expired_before_it_was_heard() -> None:
    order = captured(placed_with(kind="quote", valid_until=LAST_DAY))
    tell(order, CancelRequested(id="c", lines=goal(_1=1)))
    expire(order, OVER)
    assert order_status(order) == "expired"
    assert tell(order, QuoteAccepted(id="a", received_at=OVER), at=OVER) == "expired"

    heard = OVER + timedelta(hours=1)
    assert tell(order, QuoteAccepted(id="b", received_at=NOW), at=heard) == "done"
    assert news(order)[-1] == "order.amended"
    assert order.line("1").agreed == 4
    assert not order.lapsed
    going_on(order)
    assert order_status(order) == "released"


def test_goods_sent_for_a_quote_make_it_an_order() -> None:
    order = captured(placed_with(kind="quote"))
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    going_on(order)
    assert order_status(order) == "invoiced"


def test_goods_are_reserved_at_once_and_released_on_the_first_day() -> None:
    order = captured(placed_with(ship_not_before=date(2030, 1, 8)))
    going_on(order)
    assert order_status(order) == "allocated"
    assert deadlines(order) == {"ship_not_before": datetime(2030, 1, 8, tzinfo=UTC)}

    expire(order, datetime(2030, 1, 8, tzinfo=UTC) - timedelta(seconds=1))
    assert plan(order) == []
    expire(order, datetime(2030, 1, 8, tzinfo=UTC))
    assert [action.step for action in plan(order)] == [Step.RELEASE]
    assert deadlines(order) == {}


def test_a_first_day_that_has_begun_holds_nothing_up() -> None:
    order = going_on(captured(placed_with(ship_not_before=NOW.date())))
    assert order_status(order) == "released"


def test_what_did_not_leave_by_the_last_day_is_cancelled() -> None:
    order = going_on(captured(placed_with(cancel_after=date(2030, 1, 3))))
    say(order, MilestoneKind.SHIPPED, goal(_1=2))
    expire(order, datetime(2030, 1, 4, tzinfo=UTC))
    expire(order, datetime(2030, 1, 5, tzinfo=UTC))
    assert order.line("1").agreed == 2
    assert order.line("1").sources == {"EAST": 2}
    assert news(order).count("order.cancelled") == 1
    assert order_status(going_on(order)) == "invoiced"


def test_after_the_last_day_a_person_may_still_want_more() -> None:
    order = going_on(captured(placed_with(cancel_after=date(2030, 1, 3))))
    say(order, MilestoneKind.SHIPPED, goal(_1=2))
    expire(order, datetime(2030, 1, 4, tzinfo=UTC))
    assert tell(order, Amended(id="a", lines=goal(_1=3))) == "done"
    expire(order, datetime(2030, 1, 5, tzinfo=UTC))
    assert order.line("1").agreed == 3


def test_the_end_of_time_is_no_deadline() -> None:
    assert deadlines(placed_with(cancel_after=date.max)) == {}
    assert deadlines(placed_with(kind="quote", valid_until=date.max)) == {}
    early = placed_with(ship_not_before=date.max)
    tell(early, HoldPlaced(id="h", until=datetime.max.replace(tzinfo=UTC)))
    assert deadlines(early) == {}
    assert early.early
    assert "ship_not_before" in {each.what for each in awaited(early)}, "it is waited for, for ever"

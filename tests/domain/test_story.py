"""What operators read of an order in Temporal's UI."""

from domain.answer import Pending, Refused
from domain.effect import Step
from domain.message import MilestoneKind
from domain.story import details, found_by
from tests.domain.build import ask, captured, goal, going_on, placed, say


def test_an_order_is_found_by_what_holds_it_and_where_it_is() -> None:
    order = captured(placed())
    ask(order, "credit/acme", Refused(reason="credit_limit"))
    found = found_by(order)
    assert (found.status, found.hold_reasons) == ("held", ("credit_limit",))
    assert (found.company, found.warehouses) == ("main", ("EAST",))
    assert str(found.total) == "24.53"
    assert found.invoices == ()


def test_an_order_is_found_by_its_invoices() -> None:
    order = going_on(captured(placed()))
    say(order, MilestoneKind.SHIPPED, goal(_1=5, _2=3))
    going_on(order)
    assert found_by(order).invoices == ("R1",)


def test_an_order_that_nobody_has_captured_has_no_total_yet() -> None:
    assert found_by(placed()).total == 0


def test_its_page_tells_what_it_waits_for_and_names_nobody() -> None:
    order = going_on(captured(placed(), offers={"EAST": goal(BOLT=5)}), upto=Step.STOCK)
    ask(order, "erp/", Pending())
    page = details(order)
    assert page.startswith("**backordered**")
    assert "- erp : accepted, the answer will come from erp" in page
    assert "- line 2: 3 backordered" in page
    assert "Mill Road" not in page


def test_its_page_tells_who_looks_after_a_hold_and_what_ends_it() -> None:
    order = captured(placed())
    ask(order, "credit/acme", Refused(reason="credit_limit"))
    assert "credit_limit (order)" in details(order)
    assert "clears: credit is available, then release" in details(order)

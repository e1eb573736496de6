"""Carriers are asked in turn; after the last one a person decides."""

from domain.answer import Done, Pending, Refused
from domain.effect import EffectState, Step
from domain.message import CancelRequested, HoldReleased
from domain.order import Order
from domain.plan import plan, unmet
from domain.status import order_status
from tests.domain.build import ask, captured, goal, going_on, placed, reasons, tell

NO = Refused(reason="no_capacity")


def released() -> Order:
    return going_on(captured(placed()), upto=Step.RELEASE)


def asked(order: Order) -> tuple[str, str]:
    (action,) = plan(order)
    return action.system, action.key


def refused_by_all() -> Order:
    order = released()
    ask(order, "book/EAST", NO)
    ask(order, "book/EAST", NO)
    return order


def test_another_carrier_is_asked_when_one_refuses() -> None:
    order = released()
    assert asked(order) == ("tms-1", "o/book/EAST/1")
    ask(order, "book/EAST", NO)
    assert reasons(order) == []
    assert asked(order) == ("tms-2", "o/book/EAST/2")
    ask(order, "book/EAST")
    assert order.effects["book/EAST"].system == "tms-2"
    assert plan(order) == []


def test_who_carries_is_asked_to_let_go_of_it() -> None:
    order = released()
    ask(order, "book/EAST", NO)
    ask(order, "book/EAST")
    tell(order, CancelRequested(id="c"))
    ask(order, "release/EAST")
    (action,) = [action for action in plan(order) if action.step is Step.BOOK]
    assert (action.system, action.goal) == ("tms-2", {})


def test_after_the_last_carrier_a_person_decides_and_all_are_asked_anew() -> None:
    order = refused_by_all()
    assert reasons(order) == ["no_capacity"]
    assert plan(order) == []
    tell(order, HoldReleased(id="h", hold=order.open_holds[0].id))
    assert asked(order) == ("tms-1", "o/book/EAST/3")


def test_a_carrier_that_will_not_let_go_is_not_one_that_refused_to_carry() -> None:
    order = going_on(released())
    tell(order, CancelRequested(id="c"))
    ask(order, "release/EAST")
    ask(order, "book/EAST", Refused(reason="gone", standing={}))
    assert order.effects["book/EAST"].refused_by == ()


def test_transport_arranged_by_hand_is_not_asked_for_any_more() -> None:
    order = refused_by_all()
    (hold,) = order.open_holds
    assert tell(order, HoldReleased(id="h", hold=hold.id, skip="our own van")) == "done"
    assert unmet(order) == {}
    assert order_status(order) == "released"


def test_what_may_have_been_booked_before_is_taken_back_when_arranged_by_hand() -> None:
    order = released()
    ask(order, "book/EAST", Pending())
    booking = order.effects["book/EAST"]
    booking.skipped, booking.state = "our own van", EffectState.UNKNOWN
    (action,) = plan(order)
    assert (action.goal, action.ask) == ({}, True)
    ask(order, "book/EAST", Done(standing={}))
    assert unmet(order) == {}


def test_only_transport_can_be_arranged_by_hand() -> None:
    order = captured(placed())
    ask(order, "credit/acme", Refused(reason="credit_limit"))
    (hold,) = order.open_holds
    assert tell(order, HoldReleased(id="h", hold=hold.id, skip="paid in cash")) == "cannot_skip"
    assert reasons(order) == ["credit_limit"]
    assert order.line("1").sources == goal(EAST=5)

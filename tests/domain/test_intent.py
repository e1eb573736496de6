"""What a cancellation would do and cost, before anybody asks for it."""

from decimal import Decimal

from domain.base import Goal
from domain.effect import Step
from domain.intent import Cancelling, Recall, cancelling
from domain.message import CancelRequested, MilestoneKind
from domain.order import Order
from domain.plan import plan
from tests.domain.build import ask, captured, goal, going_on, placed, say, tell
from tests.domain.world import NOW


def intent(order: Order) -> Cancelling:
    return cancelling(order, NOW)[1]


def lines(found: Cancelling) -> list[tuple[Goal, Goal]]:
    """What is cancelled, and what stays, of each line."""
    return [({x.line: x.cancelled}, {x.line: x.stays}) for x in found.lines]


def test_the_order_itself_is_left_alone() -> None:
    order = going_on(captured(placed()))
    before = order.model_copy(deep=True)

    after, _ = cancelling(order, NOW)

    assert order == before
    assert after.lines[0].agreed == 0
    assert plan(order) == []
    assert plan(after)


def test_of_an_order_nobody_has_looked_at_there_is_no_cost() -> None:
    found = intent(placed())

    assert found.cost is None
    assert lines(found) == [(goal(_1=5), goal(_1=0)), (goal(_2=3), goal(_2=0))]
    assert found.recalls == ()


def test_before_anything_ships_it_costs_nothing() -> None:
    """5 at 1.005 and 3 at 3.333, each rounded half up, and the freight."""
    found = intent(going_on(captured(placed())))

    assert found.cost
    assert found.cost.cancelled_value == Decimal("5.03") + Decimal("10.00") + Decimal("9.50")
    assert found.cost.stays_value == 0
    assert found.cost.credit_given_back == found.cost.cancelled_value
    assert found.cost.authorisation_released == 0
    assert found.recalls == (Recall(source="EAST", system="wms-east", lines=goal(_1=5, _2=3)),)


def test_what_has_shipped_stays_and_is_invoiced() -> None:
    order = going_on(captured(placed()))
    say(order, MilestoneKind.SHIPPED, goal(_1=2))
    going_on(order)

    found = intent(order)

    assert lines(found) == [(goal(_1=3), goal(_1=2)), (goal(_2=3), goal(_2=0))]
    assert found.cost
    # 2 at 1.005 and the freight are invoiced; the rest is what was open of the two lines.
    assert found.cost.stays_value == Decimal("2.01") + Decimal("9.50")
    assert found.cost.cancelled_value == Decimal("3.02") + Decimal("10.00")
    assert found.recalls == (Recall(source="EAST", system="wms-east", lines=goal(_1=3, _2=3)),)


def test_a_cards_authorisation_is_released() -> None:
    order = going_on(captured(placed(method="card")))

    found = intent(order)

    assert found.cost
    assert found.cost.authorisation_released == order.standing(Step.AUTHORISE)["amount"] > 0
    assert found.cost.credit_given_back == 0


def test_a_release_that_is_on_its_way_may_have_to_be_recalled() -> None:
    order = captured(placed())
    going_on(order, Step.ERP)
    release = next(action for action in plan(order) if action.step is Step.RELEASE)
    assert intent(order).recalls == ()

    ask(order, release.effect)

    assert [recall.source for recall in intent(order).recalls] == ["EAST"]


def test_nothing_to_cancel_is_said() -> None:
    order = going_on(captured(placed()))
    say(order, MilestoneKind.SHIPPED, goal(_1=5, _2=3))
    going_on(order)
    shipped = intent(order)

    assert shipped.refused == "nothing_to_cancel"
    assert shipped.cost
    assert shipped.cost.cancelled_value == 0
    assert lines(shipped) == [(goal(_1=0), goal(_1=5)), (goal(_2=0), goal(_2=3))]
    assert shipped.recalls == ()


def test_what_is_shown_is_what_happens() -> None:
    """Asked for and let go of, the claims have become less by what was shown."""
    order = going_on(captured(placed()))
    say(order, MilestoneKind.SHIPPED, goal(_1=2))
    going_on(order)
    before = sum(order.standing(Step.CREDIT, "acme").values())
    shown = intent(order)

    assert tell(order, CancelRequested(id="c")) == "done"
    going_on(order)

    assert shown.cost
    after = sum(order.standing(Step.CREDIT, "acme").values())
    assert before - after == shown.cost.credit_given_back
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=2)

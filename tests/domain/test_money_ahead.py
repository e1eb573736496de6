"""Money before goods leave: the tax that is expected, the card's claim, what was paid ahead."""

from datetime import timedelta
from decimal import Decimal

from domain.amounts import amount_due, credit_goal, order_value
from domain.answer import Done, Refused
from domain.deadlines import deadlines
from domain.documents import CreditClaim, PaymentCapture
from domain.effect import EffectState, Step
from domain.looking import look_up
from domain.message import (
    Amended,
    CancelRequested,
    HoldReleased,
    MilestoneKind,
    PaymentReceived,
    StockArrived,
)
from domain.order import Order
from domain.paperwork import document
from domain.patience import Patience
from domain.plan import plan
from domain.settling import intend
from tests.domain.build import ask, captured, goal, going_on, placed, reasons, say, tell
from tests.domain.world import NOW

HOUR = timedelta(hours=1)


def steps(order: Order) -> list[Step]:
    return [action.step for action in plan(order)]


def taxed(order: Order) -> Order:
    """Expecting a tax of 1.00 on five of line 1."""
    captured(order, estimated=False)
    ask(order, "estimate/", Done(standing=goal(_1=5), amounts=goal(_1="1.00")))
    return order


# the tax that is expected


def test_credit_is_taken_for_the_tax_that_is_expected_too() -> None:
    order = taxed(placed({"1": 5}, freight="0"))
    assert order_value(order) == Decimal("6.03")
    assert credit_goal(order)["open"] == Decimal("6.03")


def test_tax_is_expected_in_proportion_and_asked_for_again_only_for_more() -> None:
    order = taxed(placed({"1": 5}, freight="0"))
    tell(order, CancelRequested(id="c", lines=goal(_1=3)))
    assert Step.ESTIMATE not in steps(order)
    assert credit_goal(order)["open"] == Decimal("2.41"), "two at 1.005, and two fifths of the tax"
    tell(order, Amended(id="a", lines=goal(_1=6)))
    captured(order, estimated=False)
    (action,) = plan(order)
    assert (action.step, action.goal) == (Step.ESTIMATE, goal(_1=6))


def test_an_order_goes_on_without_an_estimate_that_takes_too_long() -> None:
    order = captured(placed({"1": 5}), estimated=False)
    (action,) = plan(order)
    intend(order, action, NOW)
    assert plan(order) == []
    assert deadlines(order) == {"estimating": NOW + timedelta(minutes=1)}
    look_up(order, NOW + timedelta(minutes=1))
    assert steps(order) == [Step.CREDIT]
    assert deadlines(order) == {}


def test_nobody_estimates_the_tax_of_who_pays_none() -> None:
    order = placed({"1": 5})
    captured(order, estimated=False)
    assert order.terms
    order.terms = order.terms.model_copy(update={"tax_exempt": True})
    assert steps(order) == [Step.CREDIT]


# the claim on a card


def by_card() -> Order:
    order = placed({"1": 5}, method="card", freight="0", patience=Patience(authorisation=HOUR))
    return going_on(captured(order))


def claims(order: Order) -> dict[str, dict[str, Decimal]]:
    return {effect.subject: effect.standing for effect in order.effects_of(Step.AUTHORISE)}


def test_a_claim_is_replaced_before_it_ends_and_let_go_when_the_new_one_stands() -> None:
    order = by_card()
    assert claims(order) == {"": goal(amount="5.03")}
    assert deadlines(order) == {"claim": NOW + HOUR}
    look_up(order, NOW + HOUR)
    (action,) = plan(order)
    assert (action.key, action.goal) == ("o/authorise/1/1", goal(amount="5.03"))
    ask(order, "authorise/1")
    (action,) = plan(order)
    assert (action.key, action.goal) == ("o/authorise//1", {})
    going_on(order)
    assert claims(order) == {"": {}, "1": goal(amount="5.03")}


def test_what_was_taken_under_an_old_claim_stays_there() -> None:
    order = by_card()
    say(order, MilestoneKind.SHIPPED, goal(_1=2))
    going_on(order)
    look_up(order, NOW + HOUR)
    say(order, MilestoneKind.SHIPPED, goal(_1=1))
    going_on(order)
    assert claims(order) == {"": goal(amount="2.01"), "1": goal(amount="3.02")}
    assert [effect.under for effect in order.effects_of(Step.COLLECT)] == [
        "authorise/",
        "authorise/1",
    ]


def test_a_payment_refused_under_an_old_claim_is_collected_under_the_new_one() -> None:
    order = by_card()
    say(order, MilestoneKind.SHIPPED, goal(_1=2))
    name = f"collect/{order.shipments[0].id}"
    going_on(order, upto=Step.INVOICE)
    ask(order, name, Refused(reason="payment_declined"))
    look_up(order, NOW + HOUR)
    ask(order, "authorise/1")
    tell(order, HoldReleased(id="h", hold=order.open_holds[0].id))
    action = next(action for action in plan(order) if action.effect == name)
    intend(order, action, NOW)
    written = document(order, action, NOW)
    assert isinstance(written, PaymentCapture)
    assert order.effects[name].under == "authorise/1"


def test_a_refund_draws_on_a_payment_that_can_bear_it() -> None:
    order = by_card()
    for quantity in (1, 3, 1):
        say(order, MilestoneKind.SHIPPED, goal(_1=quantity))
        going_on(order)
    say(order, MilestoneKind.RETURN_INSPECTED, goal(_1=2), document="A")
    going_on(order)
    say(order, MilestoneKind.RETURN_INSPECTED, goal(_1=3), document="B")
    going_on(order)
    second = f"collect/{order.shipments[1].id}"
    drawn = {e.subject: (e.standing["amount"], e.under) for e in order.effects_of(Step.REFUND)}
    assert drawn.pop("A") == (Decimal("2.01"), second)
    assert sorted(drawn) == ["B", "B+2", "B+3"]
    assert sum(amount for amount, _ in drawn.values()) == Decimal("3.02")
    assert {under for _, under in drawn.values()} == {
        e.name for e in order.effects_of(Step.COLLECT)
    }


def test_no_claim_is_renewed_for_an_order_that_has_shipped() -> None:
    order = by_card()
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    going_on(order)
    assert deadlines(order) == {}


# what was paid ahead


def prepaid(paid: str, patience: Patience | None = None) -> Order:
    order = placed({"1": 5}, method="prepaid", paid=paid, freight="0", patience=patience)
    return going_on(captured(order))


def pay(order: Order, amount: str, receipt: str = "R-2") -> str:
    return tell(order, PaymentReceived(id="p", receipt=receipt, amount=Decimal(amount)))


def test_nothing_leaves_before_it_is_paid() -> None:
    order = prepaid("5.00")
    assert amount_due(order) == Decimal("0.03")
    assert not order.standing(Step.RELEASE, "EAST")
    assert pay(order, "0.03") == "done"
    assert steps(order) == [Step.RELEASE]


def test_a_receipt_counts_once_and_no_more_is_given_back_than_was_paid() -> None:
    order = prepaid("5.00")
    assert pay(order, "1", receipt="PO-1") == "known_receipt", "the order's own"
    assert pay(order, "1") == "done"
    assert pay(order, "1") == "known_receipt"
    assert pay(order, "-6.01", receipt="R-3") == "more_than_paid"
    assert pay(order, "-6.00", receipt="R-3") == "done"
    assert pay(captured(placed(method="card")), "1") == "paid_by_card"


def test_what_a_customer_pays_of_invoices_on_account_is_credit_again() -> None:
    order = going_on(captured(placed({"1": 5}, freight="0")))
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    going_on(order)
    assert order.standing(Step.CREDIT, "acme") == goal(invoiced="5.03")
    assert pay(order, "2.03") == "done"
    going_on(order)
    assert order.standing(Step.CREDIT, "acme") == goal(invoiced="3.00")
    assert pay(order, "2.03") == "known_receipt"
    assert pay(order, "4.00", receipt="R-3") == "done"
    going_on(order)
    assert order.standing(Step.CREDIT, "acme") == {}, "never below nothing"
    look_up(order, NOW)
    assert order.nothing_to_come, "what was paid too much keeps nothing open"
    assert pay(order, "-1.50", receipt="R-4") == "done"
    going_on(order)
    assert order.standing(Step.CREDIT, "acme") == goal(invoiced="0.50")


def test_what_is_paid_on_account_before_an_invoice_is_counted_against_it() -> None:
    order = going_on(captured(placed({"1": 5}, freight="0", paid="2.03")))
    assert order.standing(Step.CREDIT, "acme") == goal(open="5.03"), "until it is invoiced"
    assert amount_due(order) == 0
    assert order.standing(Step.RELEASE, "EAST"), "what is on account waits for no money"
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    going_on(order)
    assert order.standing(Step.CREDIT, "acme") == goal(invoiced="3.00")


def test_an_order_is_not_over_before_what_was_paid_is_what_was_invoiced() -> None:
    order = prepaid("6.00")
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    going_on(order)
    look_up(order, NOW)
    assert [hold.detail for hold in order.open_holds] == ["0.97 to be given back"]
    assert not order.nothing_to_come
    pay(order, "-0.97")
    look_up(order, NOW)
    assert order.nothing_to_come


def test_what_was_paid_for_an_order_that_is_cancelled_is_given_back() -> None:
    order = prepaid("5.03")
    tell(order, CancelRequested(id="c"))
    going_on(order)
    look_up(order, NOW)
    assert reasons(order) == ["payment_difference"]
    pay(order, "-5.03")
    look_up(order, NOW)
    assert reasons(order) == []


def test_who_vouches_for_the_money_need_not_say_how_much_it_is() -> None:
    order = going_on(captured(placed({"1": 5}, method="prepaid")))
    assert amount_due(order) == 0
    assert order.standing(Step.RELEASE, "EAST") == goal(_1=5)
    assert order.effects["release/EAST"].state is EffectState.CONFIRMED


def test_what_is_released_long_after_its_credit_was_taken_is_checked_again() -> None:
    order = going_on(captured(placed(), offers={"EAST": goal(BOLT=5)}))
    claim = order.effects["credit/acme"]
    later = NOW + order.patience.credit
    stock = StockArrived(id="s", item="NUT", location="EAST", available=Decimal(3))
    look_up(order, later)
    assert not claim.doubted, "nothing is to be released"

    tell(order, stock)
    going_on(order, upto=Step.STOCK)
    look_up(order, later)
    (action,) = plan(order)
    assert (action.step, action.goal) == (Step.CREDIT, claim.standing)
    told = document(order, action, later)
    assert isinstance(told, CreditClaim)
    assert told.check

    ask(order, "credit/acme", Refused(reason="credit_limit", standing=claim.standing))
    assert reasons(order) == ["credit_limit"]
    assert plan(order) == [], "nothing is released meanwhile"

    tell(order, HoldReleased(id="r", hold=order.open_holds[0].id))
    ask(order, "credit/acme")
    assert not claim.doubted
    assert [action.step for action in plan(order)] == [Step.RELEASE]

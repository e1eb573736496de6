"""What answers change."""

from datetime import timedelta
from decimal import Decimal

from domain.amounts import order_value
from domain.answer import Captured, Done, Pending, Refused, Unclear
from domain.deadlines import deadlines, expire
from domain.documents import CaptureRequest
from domain.effect import EffectState, Step
from domain.hold import Problem
from domain.looking import moot_holds
from domain.message import (
    Amended,
    CancelRequested,
    HoldPlaced,
    HoldReleased,
    MilestoneKind,
    ReplanAsked,
)
from domain.order import Order
from domain.order_in import LineIn
from domain.paperwork import document
from domain.plan import plan
from domain.settling import intend, settle
from domain.status import order_status
from tests.domain.build import (
    PLENTY,
    ask,
    captured,
    goal,
    going_on,
    news,
    placed,
    reasons,
    say,
    tell,
)
from tests.domain.ledger import LINE_TERMS
from tests.domain.world import NOW, terms_of

CREDIT = "credit/acme"


def test_done_says_what_stands() -> None:
    order = captured(placed())
    ask(order, CREDIT)
    effect = order.effects[CREDIT]
    assert effect.state is EffectState.CONFIRMED
    assert effect.standing == effect.asked
    assert (effect.version, effect.generation) == (1, 1)


def test_what_was_taken_back_gets_another_key_next_time() -> None:
    order = captured(placed())
    ask(order, CREDIT)
    tell(order, CancelRequested(id="c"))
    ask(order, CREDIT)
    assert order.effects[CREDIT].standing == {}
    assert order.effects[CREDIT].generation == 2


def test_a_refusal_is_a_hold_with_an_owner() -> None:
    order = captured(placed())
    ask(order, CREDIT, Refused(reason="credit_limit", detail="12.00 USD beyond the limit"))
    (hold,) = order.open_holds
    assert (hold.reason, hold.owner, hold.effect) == ("credit_limit", "credit", CREDIT)
    assert plan(order) == []


def test_the_hold_of_a_refusal_ends_when_nobody_asks_any_more() -> None:
    order = captured(placed())
    ask(order, CREDIT, Refused(reason="credit_limit"))
    tell(order, CancelRequested(id="c"))
    assert moot_holds(order) == order.open_holds

    (hold,) = moot_holds(order)
    order.end_hold(hold, NOW, by="throughline")
    assert reasons(order) == []


def test_what_was_refused_and_forgotten_can_be_wanted_again() -> None:
    order = captured(placed())
    ask(order, CREDIT, Refused(reason="credit_limit"))
    tell(order, CancelRequested(id="c", lines=goal(_2=3)))
    ask(order, CREDIT)
    tell(order, Amended(id="a", lines=goal(_2=3)))
    captured(order)
    assert [action.effect for action in plan(order)] == [CREDIT]


def test_nobody_knows_so_the_system_is_asked() -> None:
    order = captured(placed())
    ask(order, CREDIT)
    (action,) = plan(order)
    intend(order, action, NOW)
    settle(order, action.effect, None, NOW)
    (again,) = plan(order)
    assert again.ask
    assert again.key == action.key


def test_what_may_stand_is_remembered_until_it_is_known() -> None:
    order = going_on(captured(placed()), upto=Step.ERP)
    (action,) = plan(order)
    intend(order, action, NOW)
    settle(order, "release/EAST", None, NOW)
    tell(order, CancelRequested(id="c"))
    recall = next(each for each in plan(order) if each.effect == "release/EAST")
    intend(order, recall, NOW)
    assert order.at_most(Step.RELEASE, "EAST") == goal(_1=5, _2=3)
    assert all(each.effect != "stock/" for each in plan(order)), "the warehouse may have it"

    settle(order, "release/EAST", Done(standing={}), NOW)
    assert next(each.goal for each in plan(order) if each.effect == "stock/") == {}


def test_an_answer_nobody_understands_is_for_a_person() -> None:
    order = captured(placed())
    ask(order, CREDIT, Unclear(detail="<html>"))
    assert reasons(order) == ["unexpected_answer"]
    assert plan(order) == []
    tell(order, HoldReleased(id="r", hold=order.open_holds[0].id))
    assert [action.ask for action in plan(order)] == [True]


def test_a_promised_answer_has_a_deadline() -> None:
    order = going_on(captured(placed()), upto=Step.STOCK)
    ask(order, "erp/", Pending())
    due = deadlines(order)["erp/"]
    assert due == NOW + timedelta(days=2)
    expire(order, due - timedelta(seconds=1))
    assert reasons(order) == []
    expire(order, due)
    expire(order, due)
    assert reasons(order) == ["no_answer"]
    assert deadlines(order) == {}


def test_a_late_refusal_replaces_the_hold_for_its_being_late() -> None:
    order = going_on(captured(placed()), upto=Step.STOCK)
    ask(order, "erp/", Pending())
    expire(order, NOW + timedelta(days=3))
    settle(order, "erp/", Refused(reason="unknown_material"), NOW)
    assert reasons(order) == ["unknown_material"]


def test_everything_wrong_with_an_order_is_named_at_once() -> None:
    problems = (
        Problem(reason="unknown_item", scope="line/1"),
        Problem(reason="currency_mismatch"),
    )
    order = captured(placed(), problems=problems, lines={"2": LINE_TERMS["2"]})
    assert reasons(order) == ["unknown_item", "currency_mismatch"]
    assert plan(order) == []

    captured_again = order.model_copy(deep=True)
    for hold in captured_again.open_holds:
        tell(captured_again, HoldReleased(id="r", hold=hold.id))
    captured(captured_again)
    assert reasons(captured_again) == []
    assert captured_again.line_terms("1").item == "BOLT"


def test_what_was_agreed_outlives_a_new_price_list() -> None:
    order = going_on(captured(placed()))
    tell(order, Amended(id="a", lines=goal(_1=6)))
    dearer = {
        line: terms.model_copy(update={"price": terms.price * 2})
        for line, terms in LINE_TERMS.items()
    }
    captured(order, lines=dearer)
    assert order.line_terms("1").price == LINE_TERMS["1"].price


def test_a_problem_with_an_amendment_takes_nothing_back() -> None:
    order = going_on(captured(placed()))
    tell(order, Amended(id="a", lines=goal(_1=6)))
    gone = Problem(reason="unknown_item", scope="line/1")
    captured(order, problems=(gone,), lines={"2": LINE_TERMS["2"]})
    assert reasons(order) == ["unknown_item"]
    assert plan(order) == []


def test_a_location_that_is_new_can_deliver_an_amendment() -> None:
    order = going_on(captured(placed(), offers={"EAST": goal(BOLT=5, NUT=3)}))
    tell(order, Amended(id="a", lines=goal(_1=6)))
    terms = terms_of(LINE_TERMS)
    terms = terms.model_copy(update={"sources": {"NORTH": terms.sources["EAST"]}})
    offers = {"NORTH": goal(BOLT=10)}
    ask(order, "capture/", Captured(standing=goal(_1=6, _2=3), terms=terms, offers=offers))
    assert order.line("1").sources == {"EAST": 5, "NORTH": 1}


def test_a_counter_offer_is_another_split_and_no_hold() -> None:
    order = going_on(captured(placed({"1": 5})), upto=Step.AUTHORISE)
    counter = {"EAST": goal(BOLT=2), "WEST": goal(BOLT=1)}
    ask(order, "stock/", Refused(reason="unavailable_inventory", offers=counter))
    assert reasons(order) == []
    assert order.line("1").sources == {"EAST": 2, "WEST": 1}
    assert order.line("1").backordered == 2


def test_when_nothing_can_be_had_the_order_waits() -> None:
    order = going_on(captured(placed({"1": 5})), upto=Step.AUTHORISE)
    ask(order, "stock/", Refused(reason="unavailable_inventory", offers={}))
    assert reasons(order) == []
    assert order.wanted_items == {"BOLT": 5}


def test_a_refusal_with_enough_on_offer_is_for_a_person() -> None:
    order = going_on(captured(placed({"1": 5})), upto=Step.AUTHORISE)
    ask(order, "stock/", Refused(reason="unavailable_inventory", offers={"EAST": goal(BOLT=5)}))
    assert reasons(order) == ["unavailable_inventory"]


def test_a_refusal_of_ours_after_an_unknown_outcome_does_not_say_what_stands() -> None:
    order = captured(placed())
    (action,) = plan(order)
    intend(order, action, NOW)
    settle(order, CREDIT, None, NOW)
    ask(order, CREDIT, Refused(reason="credit_limit"))
    assert order.effects[CREDIT].uncertain
    assert order.at_most(Step.CREDIT, "acme") == action.goal
    assert reasons(order) == ["credit_limit"]


def filled(offered: int) -> Order:
    order = placed(fulfilment="fill_or_kill")
    offers = {"EAST": {"BOLT": Decimal(offered), "NUT": Decimal(3)}}
    return captured(order, offers=offers)


def test_fill_or_kill() -> None:
    assert filled(5).line("1").agreed == 5
    killed = filled(4)
    assert [line.agreed for line in killed.lines] == [0, 0]
    assert news(killed)[-1] == "order.cancelled"


def test_fill_or_kill_is_decided_once() -> None:
    order = going_on(filled(5))
    tell(order, Amended(id="a", lines=goal(_1=9)))
    captured(order, offers={})
    assert [line.agreed for line in order.lines] == [9, 3]
    assert order.line("1").backordered == 4


BAD = Problem(reason="unknown_item", scope="line/2")
OFF = Problem(reason="price_mismatch", scope="line/1", detail="9 was given, 1 is agreed")


def test_a_cancelled_line_is_not_looked_up_and_its_hold_ends() -> None:
    order = captured(placed(), problems=(BAD,), lines={"1": LINE_TERMS["1"]})
    tell(order, CancelRequested(id="c", lines=goal(_2=3)))
    (action,) = plan(order)
    asked = document(order, action, NOW)
    assert isinstance(asked, CaptureRequest)
    assert [line.line for line in asked.lines] == ["1"]
    assert action.goal == goal(_1=5)

    answer = Captured(standing=action.goal, terms=terms_of({"1": LINE_TERMS["1"]}), offers=PLENTY)
    ask(order, "capture/", answer)
    assert reasons(order) == []
    going_on(order)
    assert order_status(order) == "released"
    assert order_value(order) == Decimal("14.53"), "all that is agreed has a price"
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    assert order_status(going_on(order)) == "invoiced"

    tell(order, Amended(id="a", lines=goal(_2=1)))
    assert document(order, plan(order)[0], NOW).goal == goal(_1=5, _2=4), "it is wanted again"


def test_a_persons_hold_of_a_line_ends_with_the_line() -> None:
    order = captured(placed())
    tell(order, HoldPlaced(id="h", scope="line/2"))
    assert moot_holds(order) == []
    tell(order, CancelRequested(id="c", lines=goal(_2=3)))
    assert moot_holds(order) == order.open_holds


def test_what_is_as_wrong_as_before_keeps_its_hold() -> None:
    order = captured(placed(), problems=(BAD, OFF))
    bad, off = order.open_holds
    tell(order, HoldReleased(id="r", hold=off.id, by="anna"))
    (action,) = plan(order)
    intend(order, action, NOW + timedelta(days=5))
    terms = terms_of({"1": LINE_TERMS["1"]})
    again = Captured(standing=action.goal, terms=terms, offers=PLENTY, problems=(BAD, OFF))
    settle(order, "capture/", again, NOW + timedelta(days=5))
    assert order.open_holds == [bad], "by id and since"

    other = BAD.model_copy(update={"detail": "BOLD"})
    tell(order, HoldReleased(id="r2", hold=bad.id, by="bob"))
    captured(order, problems=(other,))
    assert [hold.detail for hold in order.open_holds] == ["BOLD"]


def test_a_price_that_was_agreed_is_not_judged_anew() -> None:
    order = going_on(captured(placed(), offers={"EAST": goal(BOLT=5)}))
    tell(order, ReplanAsked(id="r"))
    captured(order, problems=(OFF, Problem(reason="no_price", scope="line/2")))
    assert reasons(order) == []
    assert order.line_terms("1") == LINE_TERMS["1"]

    tell(order, Amended(id="a", add=(LineIn(line="4", item="PIN", quantity=Decimal(1)),)))
    captured(order, problems=(Problem(reason="price_mismatch", scope="line/4"),))
    assert reasons(order) == ["price_mismatch"], "that one is new"


def test_the_price_of_a_quote_is_judged_until_it_is_accepted() -> None:
    order = captured(placed(kind="quote"), estimated=False)
    tell(order, Amended(id="a", lines=goal(_1=6)))
    captured(order, problems=(OFF,), estimated=False)
    assert reasons(order) == ["price_mismatch"]

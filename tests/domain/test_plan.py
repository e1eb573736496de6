"""From any state an order can get into, the plan leads to where it should be, doing things once."""

from random import Random

from hypothesis import given, note
from hypothesis import strategies as st

from domain.message import QuoteAccepted
from domain.status import Status, order_status
from tests.domain import laws
from tests.domain.lives import a_play, live_through_anything
from tests.domain.play import Play
from tests.domain.world import later

ENDS = (Status.CLOSED, Status.CANCELLED, Status.EXPIRED)


@given(st.randoms(use_true_random=True))
def test_the_plan_of_any_reachable_state_leads_to_the_goal(lots: Random) -> None:
    play = a_play(lots)
    try:
        live_to_the_end(play, lots)
    except Exception:  # whatever it is, told on: with what happened before it
        note(play.story)
        raise


def live_to_the_end(play: Play, lots: Random) -> None:
    live_through_anything(play, lots)
    play.fill_up()
    play.inbox.put(QuoteAccepted(id="accepted"))
    play.settle_down()
    play.check_settled()

    play.minute += 3 * 24 * 60
    play.tick()
    play.settle_down()

    play.ship_everything()
    play.check_settled()
    assert play.order.all_shipped

    play.wind_up()
    play.check_settled()
    assert play.order.nothing_to_come
    play.order.close(later(play.minute))
    assert order_status(play.order) in ENDS
    laws.check_money(play.order)

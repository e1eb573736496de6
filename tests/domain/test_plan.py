"""From any state an order can get into, the plan leads to where it should be, doing things once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from domain.message import (
    Amended,
    CancelRequested,
    HoldPlaced,
    MilestoneKind,
    Placed,
    QuoteAccepted,
)
from domain.order import Order
from domain.patience import Patience
from domain.status import Status, order_status
from tests.domain.play import Play
from tests.domain.world import FACTORS, ITEMS, LOCATIONS, NOW, Outside, later, order_in

# Each example draws a few of these first, and lives through nothing else: what goes wrong only
# between two or three kinds of things is rare where everything happens.
HOWS = ("lost", "unheard", "refused", "pending", "unclear")
WHATS = (
    "cancel all", "cancel part", "amend", "hold", "release holds", "answer", "answer tersely",
    "answer no", "ship", "ship more", "pick", "pick short", "pack", "picking", "accept", "reject",
    "deliver", "exception", "recall accepted", "recall refused", "return", "inspect", "arrive",
    "lose", "new account", "accept quote", "a day passes",
)  # fmt: skip
RETURNS = st.sampled_from(["", "RMA1", "RMA2"])
ENDS = (Status.CLOSED, Status.CANCELLED, Status.EXPIRED)
SMALL = st.integers(1, 4).map(Decimal)
STOCKS: tuple[dict[str, int], ...] = (
    {"EAST": 50, "WEST": 50},
    {"EAST": 4, "WEST": 3, "SOUTH": 30},
    {"EAST": 2},
    {},
)
PATIENCE = st.sampled_from(
    [Patience(answer=timedelta(days=30)), Patience(answer=timedelta(minutes=3))]
)
FULFILMENTS = st.sampled_from(["partial", "partial", "complete", "line_complete", "fill_or_kill"])
TOMORROW = (NOW + timedelta(days=1)).date()
HEADERS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {},
    {"kind": "quote"},
    {"ship_not_before": TOMORROW},
    {"cancel_after": TOMORROW},
    {"kind": "quote", "cancel_after": NOW.date()},
)


def a_play(data: st.DataObject) -> Play:
    """An order of two or three lines over up to three sources, placed and not yet looked at."""
    quantities = {"1": 5, "2": 3, "3": 2}
    if data.draw(st.booleans()):
        del quantities["3"]
    stock = data.draw(st.sampled_from(STOCKS))
    on_hand = {(at, item): Decimal(n) for at, n in stock.items() for item in ITEMS.values()}
    play = Play(Order(id="o"), Outside("o", list(quantities), on_hand))
    wanted = order_in(
        quantities,
        method=data.draw(st.sampled_from(["account", "account", "card", "prepaid"])),
        fulfilment=data.draw(FULFILMENTS),
    )
    placed = Placed(
        id="m",
        order=wanted.model_copy(update=data.draw(st.sampled_from(HEADERS))),
        duplicate_of=data.draw(st.sampled_from(["", "", "", "other"])),
        patience=data.draw(PATIENCE),
    )
    play.inbox.put(placed)
    return play


def happen(play: Play, what: str, data: st.DataObject) -> None:
    """Something in the world, and what the order will hear of it."""
    outside, at = play.outside, data.draw(st.sampled_from(LOCATIONS))
    line = data.draw(st.sampled_from(outside.lines))
    number, rest = data.draw(SMALL), outside.released(at)[1]
    some = {x: min(q, number) for x, q in rest.items()}
    match what:
        case "accept" | "recall accepted":
            if outside.take_up(at):
                kind = MilestoneKind.ACCEPTED if what == "accept" else MilestoneKind.CANCEL_ACCEPTED
                play.say(kind, at)
        case "recall refused":
            if outside.turn_down(at):
                play.say(MilestoneKind.CANCEL_REFUSED, at)
        case "cancel all":
            play.inbox.put(CancelRequested(id=what))
        case "cancel part":
            play.inbox.put(CancelRequested(id=what, lines={line: number}))
        case "amend":
            play.inbox.put(Amended(id=what, lines={line: number * 2 - 1}))
        case "hold":
            scope = data.draw(st.sampled_from(["order", f"line/{line}", f"fulfilment/{at}"]))
            play.inbox.put(HoldPlaced(id=what, scope=scope))
        case "release holds":
            play.release_holds()
        case "answer" | "answer tersely":
            play.answer_pending(tersely=what == "answer tersely")
        case "answer no":
            play.answer_pending(refuse=True)
        case "ship":
            play.ship(at, some if data.draw(st.booleans()) else rest)
        case "ship more":
            play.ship(at, {line: rest.get(line, Decimal(0)) + number})
        case "pick" | "pack":
            if rest:
                play.pick(at, some, pack=what == "pack")
        case "pick short":
            play.pick_short(at, some)
        case "reject":
            if outside.let_go(at):
                play.say(MilestoneKind.REJECTED, at)
        case "return":
            play.bring_back(at, line, number, data.draw(RETURNS))
        case "inspect":
            play.inspect(at, line, number, data.draw(RETURNS))
        case "arrive":
            play.inbox.put(outside.ledger.arrive(at, ITEMS[line], number * FACTORS[line]))
        case "lose":
            play.inbox.put(outside.ledger.lose(at, line, number))
        case "accept quote":
            play.inbox.put(QuoteAccepted(id=what))
        case "a day passes":
            play.minute += 24 * 60
        case "new account":
            outside.account = "parent"
        case _:
            milestone = {
                "picking": MilestoneKind.PICKING,
                "deliver": MilestoneKind.DELIVERED,
                "exception": MilestoneKind.DELIVERY_EXCEPTION,
            }[what]
            play.say(milestone, at)


@given(st.data())
def test_the_plan_of_any_reachable_state_leads_to_the_goal(data: st.DataObject) -> None:
    play = a_play(data)
    try:
        live_through_anything(play, data)
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
        play.order.close(later(play.minute))
        assert order_status(play.order) in ENDS
    except AssertionError:
        note(play.story)
        raise


def live_through_anything(play: Play, data: st.DataObject) -> None:
    for _ in range(data.draw(st.sampled_from([0, 0, 3, 7]))):
        play.tick()  # some examples begin in the middle of an order's life
    if data.draw(st.booleans()):
        for location in LOCATIONS:
            play.ship(location, play.outside.released(location)[1])
    whats = data.draw(st.lists(st.sampled_from(WHATS), min_size=1, max_size=7, unique=True))
    hows = data.draw(st.lists(st.sampled_from(HOWS), max_size=3, unique=True))
    what = st.lists(st.sampled_from(whats), max_size=2)
    how = st.sampled_from(["done", "done", *hows])
    replaced = st.just(False) if data.draw(st.booleans()) else st.sampled_from([False, True])
    for _ in range(data.draw(st.integers(0, 16))):
        for each in data.draw(what):
            happen(play, each, data)
        play.tick(
            lambda: data.draw(how),
            hear_all=data.draw(st.booleans()),
            land=lambda: data.draw(st.booleans()),
            arrives=lambda: data.draw(st.booleans()),
        )
        if data.draw(replaced):
            play.replace_engine()

"""From any state an order can get into, the plan leads to where it should be, doing things once."""

from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

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
from domain.patience import Patience
from domain.status import Status, order_status
from tests.domain.play import Play
from tests.domain.world import FACTORS, ITEMS, LOCATIONS, NOW, Outside, later, order_in

# Each example draws a few of these first, and lives through nothing else: what goes wrong only
# between two or three kinds of things is rare where everything happens.
HOWS = ("lost", "unheard", "refused", "pending", "pending", "unclear")
WHATS = (
    "cancel all", "cancel part", "cancel part", "amend", "amend", "hold", "release holds", "answer",
    "answer tersely", "answer no", "ship", "ship", "ship", "ship more", "pick", "pick short",
    "pack", "picking", "accept", "reject", "deliver", "exception", "recall accepted",
    "recall refused", "return", "inspect", "arrive", "lose", "new account", "accept quote",
    "a day passes",
)  # fmt: skip
RETURNS = ("", "RMA1", "RMA2")
ENDS = (Status.CLOSED, Status.CANCELLED, Status.EXPIRED)
STOCKS: tuple[dict[str, int], ...] = (
    {"EAST": 50, "WEST": 50},
    {"EAST": 4, "WEST": 3, "SOUTH": 30},
    {"EAST": 2},
    {},
)
PATIENCE = (Patience(answer=timedelta(days=30)), Patience(answer=timedelta(minutes=3)))
METHODS = ("account", "account", "card", "prepaid")
FULFILMENTS = ("partial", "partial", "complete", "line_complete", "fill_or_kill")
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


def a_play(lots: Random) -> Play:
    """An order of two or three lines over up to three sources, placed and not yet looked at."""
    quantities = {"1": 5, "2": 3, "3": 2}
    if coin(lots):
        del quantities["3"]
    stock = lots.choice(STOCKS)
    on_hand = {(at, item): Decimal(n) for at, n in stock.items() for item in ITEMS.values()}
    play = Play(Order(id="o"), Outside("o", list(quantities), on_hand))
    wanted = order_in(
        quantities,
        method=lots.choice(["account", "account", "card", "prepaid"]),
        fulfilment=lots.choice(FULFILMENTS),
    )
    placed = Placed(
        id="m",
        order=wanted.model_copy(update=lots.choice(HEADERS)),
        duplicate_of=lots.choice(["", "", "", "other"]),
        patience=lots.choice(PATIENCE),
    )
    play.inbox.put(placed)
    return play


def happen(play: Play, what: str, lots: Random) -> None:
    """Something in the world, and what the order will hear of it."""
    outside, at = play.outside, lots.choice(LOCATIONS)
    line = lots.choice(outside.lines)
    number, rest = Decimal(lots.randint(1, 4)), outside.released(at)[1]
    some = {x: min(q, number) for x, q in rest.items()}
    match what:
        case "accept" | "recall accepted":
            if outside.take_up(at, recall=what != "accept"):
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
            scope = lots.choice(["order", f"line/{line}", f"fulfilment/{at}"])
            play.inbox.put(HoldPlaced(id=what, scope=scope))
        case "release holds":
            play.release_holds()
        case "answer" | "answer tersely":
            play.answer_pending(tersely=what == "answer tersely")
        case "answer no":
            play.answer_pending(refuse=True)
        case "ship":
            play.ship(at, some if coin(lots) else rest)
        case "ship more":
            # Nobody ships what he was not asked for while our asking is on its way to him, or
            # will be before we hear of it.
            if rest or not play.order.at_most(Step.RELEASE, at):
                play.ship(at, {line: rest.get(line, Decimal(0)) + number})
                play.urgent = True
        case "pick" | "pack":
            if rest:
                play.pick(at, some, pack=what == "pack")
        case "pick short":
            play.pick_short(at, some)
        case "reject":
            if outside.let_go(at):
                play.say(MilestoneKind.REJECTED, at)
        case "return":
            play.bring_back(at, line, number, lots.choice(RETURNS))
        case "inspect":
            play.inspect(at, line, number, lots.choice(RETURNS))
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


@given(st.randoms(use_true_random=True))
def test_the_plan_of_any_reachable_state_leads_to_the_goal(lots: Random) -> None:
    play = a_play(lots)
    try:
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
        play.order.close(later(play.minute))
        assert order_status(play.order) in ENDS
    except AssertionError:
        note(play.story)
        raise


def live_through_anything(play: Play, lots: Random) -> None:
    for _ in range(lots.choice([0, 0, 3, 7])):
        play.tick()  # some examples begin in the middle of an order's life
    if coin(lots):
        for location in LOCATIONS:
            play.ship(location, play.outside.released(location)[1])
    whats = lots.sample(WHATS, lots.randint(2, 8))
    hows = ["done", "done", *lots.sample(HOWS, lots.randint(0, 3))]
    deaths = lots.choice([0.0, 0.0, 0.3])
    for _ in range(lots.randint(0, 20)):
        for _ in range(lots.choice([0, 1, 1, 2])):
            happen(play, lots.choice(whats), lots)
        for usual, often in (("answer", 0.2), ("answer tersely", 0.1), ("release holds", 0.2)):
            if lots.random() < often:
                happen(play, usual, lots)
        play.tick(
            lambda: lots.choice(hows),
            hear_all=coin(lots),
            land=lambda: coin(lots),
            arrives=lambda: coin(lots),
        )
        if lots.random() < deaths:
            play.replace_engine()


def coin(lots: Random) -> bool:
    return lots.random() < 0.5

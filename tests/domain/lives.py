"""Any life of any order, by lot: how it is placed, and what happens to it."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from domain.amounts import amount_due, line_amount
from domain.effect import Step
from domain.hold import Hold
from domain.message import (
    Amended,
    CancelRequested,
    CreditGranted,
    CreditReason,
    HoldPlaced,
    HoldReleased,
    MilestoneKind,
    PaymentReceived,
    Placed,
    QuoteAccepted,
    ReplanAsked,
    RetryAsked,
    ReturnAuthorised,
)
from domain.order import Order
from domain.order_in import LineIn
from domain.patience import Patience
from tests.domain.ledger import FACTORS, ITEMS
from tests.domain.play import Play
from tests.domain.world import ADDRESS, LOCATIONS, NOW, Outside, later, order_in

# Each example draws a few of these first, and lives through nothing else: what goes wrong only
# between two or three kinds of things is rare where everything happens.
HOWS = ("lost", "unheard", "refused", "pending", "pending", "unclear")
WHATS = (
    "cancel all", "cancel part", "cancel part", "amend", "amend", "hold", "release holds", "answer",
    "answer tersely", "answer no", "ship", "ship", "ship", "ship more", "pick", "pick short",
    "pack", "picking", "accept", "reject", "deliver", "exception", "recall accepted",
    "recall refused", "return", "inspect", "arrive", "lose", "new account", "accept quote",
    "a day passes", "add a line", "add a line", "another address", "another address", "other days",
    "replan", "retry", "agree to a return", "agree to a return", "credit units", "credit units",
    "credit an allowance", "credit an allowance", "pay", "pay back", "hold for a while", "skip",
    "skip", "edit", "lost parcel", "parcel comes back", "parcel arrives",
)  # fmt: skip
THEMES: tuple[tuple[str, ...], ...] = (
    ("ship", "ship", "a day passes", "amend", "cancel part"),
    ("ship", "credit an allowance", "credit units", "return", "inspect", "agree to a return"),
    ("another address", "other days", "hold", "release holds", "ship", "ship more", "amend"),
    ("pay", "pay back", "amend", "cancel part", "ship"),
    ("ship", "exception", "lost parcel", "parcel comes back", "parcel arrives", "a day passes"),
)
"""Some things only go wrong among their own kind."""

RETURNS = ("", "RMA1", "RMA2")
STOCKS: tuple[dict[str, int], ...] = (
    {"EAST": 50, "WEST": 50},
    {"EAST": 4, "WEST": 3, "SOUTH": 30},
    {"EAST": 2},
    {},
)
DAY = timedelta(days=1)
LONG = Patience(answer=timedelta(days=30))
PATIENCE = (
    LONG,
    LONG,
    Patience(answer=timedelta(minutes=3)),
    LONG.model_copy(update={"delivery": DAY}),
    LONG.model_copy(update={"authorisation": DAY, "held_stock": timedelta(minutes=5)}),
    LONG.model_copy(update={"authorisation": timedelta(minutes=4), "delivery": 2 * DAY}),
    LONG.model_copy(update={"held_stock": timedelta(minutes=2)}),
)
METHODS = ("account", "account", "card", "prepaid", "paid")
FULFILMENTS = ("partial", "partial", "complete", "line_complete", "fill_or_kill")
TOMORROW = (NOW + DAY).date()
HEADERS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {},
    {"kind": "quote"},
    {"kind": "quote", "valid_until": TOMORROW},
    {"ship_not_before": TOMORROW},
    {"cancel_after": TOMORROW},
    {"kind": "quote", "cancel_after": NOW.date()},
)


def coin(lots: Random) -> bool:
    return lots.random() < 0.5


def a_play(lots: Random) -> Play:
    """An order of two or three lines over up to three sources, placed and not yet looked at."""
    quantities = {"1": 5, "2": 3, "3": 2, "5": 2}
    if coin(lots):
        del quantities["3"]
    if lots.random() < 0.7:
        del quantities["5"]
    stock = lots.choice(STOCKS)
    on_hand = {(at, item): Decimal(n) for at, n in stock.items() for item in ITEMS.values()}
    play = Play(Order(id="o"), Outside("o", list(quantities), on_hand))
    method = lots.choice(METHODS)
    wanted = order_in(
        quantities,
        method="prepaid" if method == "paid" else method,
        fulfilment=lots.choice(FULFILMENTS),
    )
    if method == "paid":
        paid = lots.choice([Decimal(0), Decimal(20), Decimal("100.005")])
        payment = wanted.payment.model_copy(update={"paid": paid})
        wanted = wanted.model_copy(update={"payment": payment})
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
    order, outside, at = play.order, play.outside, lots.choice(LOCATIONS)
    line, sold = lots.choice(goods(play)), lots.choice([*outside.lines, "4"])
    gone = [x.kit or x.line for x in order.lines if x.total_shipped] or [sold]
    number, rest = Decimal(lots.randint(1, 4)), outside.released(at)[1]
    some = {x: min(q, number) for x, q in rest.items()}
    today = later(play.minute).date()
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
            play.inbox.put(CancelRequested(id=what, lines={sold: number}))
        case "amend":
            play.inbox.put(Amended(id=what, lines={sold: number * 2 - 1}))
        case "add a line":
            added = LineIn(line="4", item=ITEMS["4"], quantity=number)
            play.inbox.put(Amended(id=what, add=(added,)))
        case "another address":
            play.inbox.put(Amended(id=what, ship_to=another_address(lots)))
        case "other days":
            play.inbox.put(Amended(id=what, **some_days(lots, today)))
        case "replan":
            play.inbox.put(ReplanAsked(id=what))
        case "retry":
            play.inbox.put(RetryAsked(id=what, effect=lots.choice(["", *order.effects])))
        case "hold":
            scope = lots.choice(["order", f"line/{line}", f"fulfilment/{at}"])
            play.inbox.put(HoldPlaced(id=what, scope=scope))
        case "hold for a while":
            until = later(play.minute) + lots.choice([-1, 1, 3, 500]) * timedelta(minutes=1)
            play.inbox.put(HoldPlaced(id=what, scope=lots.choice(["order", "order"]), until=until))
        case "release holds":
            play.release_holds()
        case "skip" | "edit":
            if hold := a_hold(play, lots, booking=what == "skip"):
                play.inbox.put(released(hold, what, sold, number))
        case "pay" | "pay back":
            pay(play, lots, back=what == "pay back")
        case "agree to a return":
            expires = lots.choice([None, today, today + DAY])
            kept = Decimal(lots.choice([0, 15]))
            agreed = ReturnAuthorised(
                id=what, lines={lots.choice(gone): number}, restocking=kept, expires=expires
            )
            play.inbox.put(agreed)
        case "credit units":
            reason = lots.choice([CreditReason.SHORTAGE, CreditReason.DAMAGED])
            play.inbox.put(CreditGranted(id=what, reason=reason, lines={lots.choice(gone): number}))
        case "credit an allowance":
            allow(play, lots, lots.choice(gone), number)
        case "answer" | "answer tersely":
            play.answer_pending(tersely=what == "answer tersely")
        case "answer no":
            play.answer_pending(refuse=True)
        case "ship":
            play.ship(at, some if coin(lots) else rest)
        case "ship more":
            # Nobody ships what he was not asked for while our asking is on its way to him, or
            # will be before we hear of it.
            if rest or not order.at_most(Step.RELEASE, at):
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
            play.bring_back(at, line, number, a_document(play, lots))
        case "inspect":
            play.inspect(at, line, number, a_document(play, lots))
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
        case "picking":
            play.say(MilestoneKind.PICKING, at)
        case "deliver":
            play.say(MilestoneKind.DELIVERED, at)
        case _:
            befall_a_parcel(play, what, lots)


def goods(play: Play) -> list[str]:
    """The lines that goods can be moved for, as far as warehouses know."""
    known = [line.line for line in play.order.lines if line.line in FACTORS]
    return known or [line for line in play.outside.lines if line in FACTORS]


def another_address(lots: Random) -> Any:
    return ADDRESS.model_copy(update={"line1": f"{lots.randint(2, 4)} Mill Road"})


def some_days(lots: Random, today: date) -> dict[str, date]:
    names = ["ship_not_before", "cancel_after", "valid_until"]
    return {lots.choice(names): today + lots.choice([0, 0, 1, 2]) * DAY}


def a_hold(play: Play, lots: Random, *, booking: bool) -> Hold | None:
    holds = [
        hold
        for hold in play.order.open_holds
        if not booking or (hold.effect or "").startswith(f"{Step.BOOK}/")
    ]
    return lots.choice(holds) if holds else None


def released(hold: Hold, what: str, line: str, quantity: Decimal) -> HoldReleased:
    if what == "skip":
        return HoldReleased(id=what, hold=hold.id, skip="by hand", by="sam")
    edit = Amended(id=what, lines={line: quantity})
    return HoldReleased(id=what, hold=hold.id, edit=edit, by="sam")


def pay(play: Play, lots: Random, *, back: bool) -> None:
    due = amount_due(play.order)
    amount = lots.choice([due, Decimal(5), Decimal("0.01")])
    if amount:
        receipt = f"receipt-{play.inbox.count - lots.choice([0, 0, 1])}"
        amount = -abs(amount) if back else abs(amount)
        play.inbox.put(PaymentReceived(id="pay", receipt=receipt, amount=amount))


def allow(play: Play, lots: Random, line: str, quantity: Decimal) -> None:
    terms = play.order.terms
    if terms and line in terms.lines:
        price = line_amount(play.order, line, Decimal(1))
        each = (price * lots.choice([1, 3, 10]) / 10).quantize(Decimal("0.001"))
        play.inbox.put(
            CreditGranted(
                id="allow",
                reason=CreditReason.ALLOWANCE,
                lines={line: quantity},
                per_unit={line: each},
            )
        )


def a_document(play: Play, lots: Random) -> str:
    return lots.choice([*RETURNS, *(each.id for each in play.order.authorised)])


def befall_a_parcel(play: Play, what: str, lots: Random) -> None:
    if not play.order.shipments:
        return
    parcel = lots.choice(play.order.shipments)
    line, quantity = lots.choice(list(parcel.lines.items()))
    match what:
        case "exception":
            play.say(MilestoneKind.DELIVERY_EXCEPTION, parcel.source, shipment_id=parcel.id)
        case "parcel arrives":
            play.say(MilestoneKind.DELIVERED, parcel.source, shipment_id=parcel.id)
        case "parcel comes back":
            document = a_document(play, lots)
            play.bring_back(parcel.source, line, quantity, document, parcel.id)
        case "lost parcel":
            credit = CreditGranted(
                id=what, reason=CreditReason.LOST, lines=parcel.lines, shipment=parcel.id
            )
            play.inbox.put(credit)
        case _:
            raise AssertionError(what)


def begin_somewhere(play: Play, lots: Random) -> None:
    """Some examples begin in the middle of an order's life, or when it has shipped."""
    begin = lots.choice(["new", "new", "soon", "later", "shipped", "invoiced", "invoiced"])
    for _ in range({"new": 0, "soon": 3}.get(begin, 7)):
        play.tick()
    if begin in ("shipped", "invoiced"):
        play.settle_down(12)
        for location in LOCATIONS:
            play.ship(location, play.outside.released(location)[1])
    if begin == "invoiced":
        play.settle_down(12)


def live_through_anything(play: Play, lots: Random) -> None:
    play.outside.no_carrier = lots.random() < 0.15
    begin_somewhere(play, lots)
    whats: Sequence[str] = lots.sample(WHATS, lots.randint(2, 9))
    if lots.random() < 0.4:
        whats = lots.choice(THEMES)
    hows = ["done", "done", *lots.sample(HOWS, lots.randint(0, 3))]
    deaths = lots.choice([0.0, 0.0, 0.3])
    for _ in range(lots.randint(0, 24)):
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

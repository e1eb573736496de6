"""What an order is worth."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.amounts import (
    authorised_goal,
    credit_goal,
    credit_note,
    credited_total,
    invoice,
    invoiced_total,
    line_amount,
    open_value,
)
from domain.answer import Done
from domain.effect import Step
from domain.message import CancelRequested, MilestoneKind
from domain.order import Order
from domain.plan import plan
from tests.domain.build import ask, captured, goal, going_on, placed, say, tell
from tests.domain.ledger import LINE_TERMS


def priced(price: str, currency: str = "USD") -> Order:
    terms = LINE_TERMS["1"].model_copy(update={"price": Decimal(price)})
    order = captured(placed({"1": 5}), lines={"1": terms})
    assert order.header
    order.header = order.header.model_copy(update={"currency": currency})
    return order


@pytest.mark.parametrize(
    ("price", "quantity", "currency", "amount"),
    [
        ("1.005", "1", "USD", "1.01"),
        ("1.004", "1", "USD", "1.00"),
        ("0.125", "5", "USD", "0.63"),
        ("10.5", "1", "JPY", "11"),
        ("10.4", "1", "JPY", "10"),
        ("1.0005", "1", "KWD", "1.001"),
        ("2.5", "0.5", "USD", "1.25"),
    ],
)
def test_amounts_are_rounded_half_up_by_line_at_the_minor_unit(
    price: str, quantity: str, currency: str, amount: str
) -> None:
    order = priced(price, currency)
    assert str(line_amount(order, "1", Decimal(quantity))) == amount


def test_a_price_per_piece_of_a_line_in_cases() -> None:
    order = captured(placed({"3": 2}))
    assert line_amount(order, "3", Decimal(2)) == Decimal("3.00")


def test_a_price_per_case_of_a_line_in_pieces_rounds_once() -> None:
    per_case = LINE_TERMS["1"].model_copy(
        update={"price": Decimal(10), "price_unit": "CS", "price_stock_factor": Decimal(3)}
    )
    order = captured(placed({"1": 2}), lines={"1": per_case})
    assert line_amount(order, "1", Decimal(2)) == Decimal("6.67")


def shipped_in_two(method: str = "account") -> Order:
    """Two of line 1, then the rest; tax is ten per cent, and everything is invoiced."""
    order = going_on(captured(placed(method=method)))
    for number, lines in enumerate((goal(_1=2), goal(_1=3, _2=3)), 1):
        say(order, MilestoneKind.SHIPPED, lines, shipment_id=f"S{number}")
        taxes = {line: Decimal("0.30") for line in lines}
        ask(order, f"tax/S{number}", Done(standing=lines, amounts=taxes))
        going_on(order)
    return order


def test_freight_is_billed_with_the_first_shipment() -> None:
    order = shipped_in_two()
    first, second = (invoice(order, shipment) for shipment in order.shipments)
    assert [first.subtotal, first.freight, first.tax] == [
        Decimal("2.01"),
        Decimal("9.50"),
        Decimal("0.30"),
    ]
    assert first.total == Decimal("11.81")
    assert [second.freight, second.tax] == [0, Decimal("0.60")]
    assert [line.quantity for line in second.lines] == [3, 3]


def test_credit_is_used_by_what_is_open_then_by_what_is_invoiced() -> None:
    order = captured(placed())
    value = Decimal("5.03") + Decimal("10.00") + Decimal("9.50")
    assert open_value(order) == value
    assert credit_goal(order) == {"open": value, "invoiced": 0}

    order = shipped_in_two()
    assert credit_goal(order) == {"open": 0, "invoiced": invoiced_total(order)}
    assert order.standing(Step.CREDIT, "acme") == {"invoiced": invoiced_total(order)}


@pytest.mark.parametrize("method", ["account", "card"])
def test_freight_stays_claimed_until_the_shipment_it_is_billed_with_is_invoiced(
    method: str,
) -> None:
    offers = {"EAST": {"BOLT": Decimal(100)}, "WEST": {"NUT": Decimal(100)}}
    order = going_on(captured(placed(method=method, freight="50"), offers=offers))
    say(order, MilestoneKind.SHIPPED, goal(_1=5), shipment_id="S1")
    say(order, MilestoneKind.SHIPPED, goal(_2=3), source="WEST", shipment_id="S2")
    for effect in ("confirm/S1", "confirm/S2", "tax/S2", "invoice/S2"):
        ask(order, effect)
    assert open_value(order) == Decimal("5.03") + 50
    assert authorised_goal(order) == {"amount": Decimal("65.03")}
    assert all(action.step is not Step.AUTHORISE for action in plan(order))
    going_on(order)
    assert open_value(order) == 0
    assert invoiced_total(order) == Decimal("65.03")


def test_a_cancelled_order_is_worth_nothing() -> None:
    order = captured(placed())
    tell(order, CancelRequested(id="c"))
    assert credit_goal(order) == {"open": 0, "invoiced": 0}


def test_a_credit_note_gives_back_no_freight() -> None:
    order = shipped_in_two()
    say(order, MilestoneKind.RETURN_INSPECTED, goal(_1=2), document="RMA1")
    ask(order, "return_tax/RMA1", Done(standing=goal(_1=2), amounts=goal(_1="-0.15")))
    going_on(order)
    (back,) = order.returns
    note = credit_note(order, back)
    assert [note.subtotal, note.freight, note.tax] == [Decimal("2.01"), 0, Decimal("0.15")]
    assert credited_total(order) == note.total
    assert credit_goal(order)["invoiced"] == invoiced_total(order) - note.total


def test_a_card_is_good_for_what_is_open_and_every_invoice() -> None:
    order = captured(placed(method="card"))
    assert authorised_goal(order) == {"amount": Decimal("24.53")}
    order = shipped_in_two("card")
    assert authorised_goal(order) == {"amount": invoiced_total(order)}
    collected = sum(effect.standing["amount"] for effect in order.effects_of(Step.COLLECT))
    assert collected == invoiced_total(order)


def test_what_was_prepaid_uses_neither_credit_nor_a_card() -> None:
    order = going_on(captured(placed(method="prepaid")))
    steps = {effect.step for effect in order.effects.values()}
    assert steps.isdisjoint({Step.CREDIT, Step.AUTHORISE, Step.COLLECT})


def test_credit_moves_on_once_for_invoices_that_come_together() -> None:
    order = going_on(captured(placed()))
    say(order, MilestoneKind.SHIPPED, goal(_1=5), shipment_id="S1")
    say(order, MilestoneKind.SHIPPED, goal(_2=3), shipment_id="S2")
    for effect in ("confirm/S1", "confirm/S2", "tax/S1", "tax/S2", "invoice/S1"):
        assert all(action.step is not Step.CREDIT for action in plan(order))
        ask(order, effect)
    ask(order, "invoice/S2")
    assert [action.step for action in plan(order)] == [Step.CREDIT]


@given(st.lists(st.integers(1, 7), min_size=1, max_size=5), st.decimals("0.001", 999, places=3))
def test_bills_add_up(parts: list[int], price: Decimal) -> None:
    terms = {"1": LINE_TERMS["1"].model_copy(update={"price": price})}
    order = going_on(captured(placed({"1": sum(parts)}), lines=terms))
    for number, quantity in enumerate(parts, 1):
        say(order, MilestoneKind.SHIPPED, goal(_1=quantity), shipment_id=f"S{number}")
        bill = invoice(order, order.shipments[-1])
        assert bill.subtotal == sum(line.amount for line in bill.lines)
        assert bill.total == bill.subtotal + bill.freight + bill.tax
    going_on(order)
    assert invoiced_total(order) == sum(
        (invoice(order, shipment).total for shipment in order.shipments), Decimal(0)
    )
    assert open_value(order) == 0

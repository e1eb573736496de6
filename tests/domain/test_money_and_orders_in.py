"""Money, and the public contract of an order."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from domain.money import MINOR_UNITS, UnknownCurrency, minor_unit, round_money
from domain.order_in import OrderIn
from tests.domain.world import ADDRESS


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.005", "USD", "0.01"),
        ("-0.005", "USD", "-0.01"),
        ("0.5", "JPY", "1"),
        ("0.0005", "BHD", "0.001"),
    ],
)
def test_money_is_rounded_half_up(amount: str, currency: str, rounded: str) -> None:
    assert str(round_money(Decimal(amount), currency)) == rounded


def test_every_currency_has_a_minor_unit() -> None:
    assert {minor_unit(currency) for currency in MINOR_UNITS} == {
        Decimal("1"),
        Decimal("0.01"),
        Decimal("0.001"),
    }
    with pytest.raises(UnknownCurrency):
        minor_unit("XXX")


def an_order(**changes: Any) -> dict[str, Any]:
    return {
        "channel": "web",
        "reference": "PO-1",
        "customer": "acme",
        "currency": "USD",
        "ship_to": ADDRESS.model_dump(),
        "lines": [{"item": "BOLT", "quantity": "5"}],
        **changes,
    }


def test_lines_without_a_number_get_one() -> None:
    lines = [{"item": "BOLT", "quantity": 5}, {"item": "NUT", "quantity": "3.5", "line": "20"}]
    order = OrderIn.model_validate(an_order(lines=lines)).numbered()
    assert [line.line for line in order.lines] == ["1", "20"]
    assert order.lines[1].quantity == Decimal("3.5")


@pytest.mark.parametrize("quantity", ["5", "1.5", "0.000001", "1e2", "5.0000000000", 5, 2.5])
def test_quantities_that_are_fine(quantity: object) -> None:
    line = {"item": "BOLT", "quantity": quantity}
    order = OrderIn.model_validate(an_order(lines=[line]))
    assert order.lines[0].quantity == Decimal(str(quantity))


@pytest.mark.parametrize(
    "quantity",
    ["0", "-1", "1e9", "0.0000001", "1_000", " 5", "\u0665", "five", "NaN", "Infinity", None, True],
)
def test_quantities_that_are_not(quantity: object) -> None:
    with pytest.raises(ValidationError):
        OrderIn.model_validate(an_order(lines=[{"item": "BOLT", "quantity": quantity}]))


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "XXX"},
        {"lines": []},
        {"surprise": 1},
        {"customer": ""},
        {"customer": "ac\nme"},
        {"channel": "we/b"},
        {"payment": {"method": "card"}},
        {"fulfilment": "some"},
        {"ship_not_before": "2030-02-01", "cancel_after": "2030-01-31"},
        {"lines": [{"item": "A", "quantity": 1, "line": "2"}, {"item": "B", "quantity": 1}]},
        {"lines": [{"item": "A", "quantity": 1, "line": "1/2"}]},
        {"ship_to": {**ADDRESS.model_dump(), "country": "usa"}},
    ],
)
def test_documents_that_are_wrong_in_themselves(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OrderIn.model_validate(an_order(**changes))


def test_a_card_payment_keeps_what_else_the_channel_says_of_it() -> None:
    payment = {"method": "card", "token": "tok_1", "brand": "visa"}
    order = OrderIn.model_validate(an_order(payment=payment))
    assert order.payment.model_dump()["brand"] == "visa"

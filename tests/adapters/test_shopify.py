"""Shopify's orders in our words, and whether they are Shopify's."""

import base64
import hashlib
import hmac
from decimal import Decimal
from typing import Any

import pytest

from adapters.channels.port import Ignored, Unmappable
from adapters.channels.shopify import Shopify
from domain.order_in import OrderIn

HEADERS = {"x-shopify-topic": "orders/create", "x-shopify-shop-domain": "mill.example.com"}


def an_address(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Pat Doe",
        "company": None,
        "address1": "1 Mill Road",
        "address2": "",
        "city": "Dayton",
        "province_code": "OH",
        "zip": "45402",
        "country_code": "US",
        "phone": "555-0100",
    } | changes


def a_line(**changes: Any) -> dict[str, Any]:
    return {
        "id": 9007199254740993,
        "sku": "BOLT-8",
        "quantity": 4,
        "price": "12.50",
        "title": "Bolt",
        "variant_id": 77,
    } | changes


def an_order(**changes: Any) -> dict[str, Any]:
    return {
        "id": 5678901234567890123,
        "name": "#1001",
        "currency": "USD",
        "po_number": "PO-7",
        "financial_status": "pending",
        "customer": {"id": 115310627314723954},
        "shipping_address": an_address(),
        "shipping_lines": [{"code": "GROUND", "title": "Ground", "price": "10.00"}],
        "line_items": [a_line()],
    } | changes


def read(shop: Shopify | None = None, **changes: Any) -> OrderIn:
    order = (shop or Shopify()).read(an_order(**changes), HEADERS)
    assert isinstance(order, OrderIn)
    return order


def signature(secret: str, raw: bytes) -> dict[str, str]:
    digest = hmac.new(secret.encode(), raw, hashlib.sha256).digest()
    return {"x-shopify-hmac-sha256": base64.b64encode(digest).decode()}


def test_an_order_in_our_words() -> None:
    order = read()

    assert (order.channel, order.reference) == ("shopify", "5678901234567890123")
    assert (order.customer, order.purchase_order) == ("115310627314723954", "PO-7")
    assert order.ship_to.model_dump(exclude_none=True) == {
        **{"name": "Pat Doe", "line1": "1 Mill Road", "city": "Dayton"},
        **{"region": "OH", "postal_code": "45402", "country": "US"},
    }
    (line,) = order.lines
    assert (line.line, line.item) == ("9007199254740993", "BOLT-8")
    assert [line.quantity, line.price, order.freight] == [4, Decimal("12.50"), 10]
    assert order.ship_method == "GROUND"
    assert order.attributes == {
        **{"order_name": "#1001", "shop": "mill.example.com", "shipping": "Ground"}
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "12.50"),
        ({"discount_allocations": [{"amount": "5.00"}]}, "11.25"),
        ({"quantity": 3, "discount_allocations": [{"amount": "10.00"}]}, "9.166667"),
    ],
)
def test_prices_are_net_of_discounts(changes: dict[str, Any], expected: str) -> None:
    (line,) = read(line_items=[a_line(**changes)]).lines

    assert line.price == Decimal(expected)


def test_a_rounded_price_still_gives_the_lines_amount() -> None:
    discounted = a_line(quantity=7777, price="1.99", discount_allocations=[{"amount": "1000.01"}])

    (line,) = read(line_items=[discounted]).lines

    assert line.price is not None
    assert round(line.price * line.quantity, 2) == Decimal("1.99") * 7777 - Decimal("1000.01")


def test_prices_are_net_of_taxes_that_they_include() -> None:
    taxed = [a_line(quantity=2, price="11.90", tax_lines=[{"price": "3.80"}])]
    shipping = [{"price": "5.95", "tax_lines": [{"price": "0.95"}]}]

    order = read(line_items=taxed, shipping_lines=shipping, taxes_included=True)

    assert [order.lines[0].price, order.freight] == [10, 5]


def test_removed_lines_and_shipping_do_not_count() -> None:
    lines = [a_line(), a_line(id=2, current_quantity=0), a_line(id=3, current_quantity=1)]
    shipping = [{"price": "5", "is_removed": True}, {"price": "9", "discounted_price": "0.00"}]

    order = read(line_items=lines, shipping_lines=shipping)

    assert [line.quantity for line in order.lines] == [4, 1]
    assert order.freight == 0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"financial_status": "paid"}, "prepaid"),
        ({"financial_status": "authorized"}, "prepaid"),
        ({"financial_status": "pending"}, "account"),
        ({"financial_status": "paid", "payment_terms": {"name": "Net 30"}}, "account"),
    ],
)
def test_what_was_paid_in_the_shop_is_prepaid(changes: dict[str, Any], expected: str) -> None:
    assert read(**changes).payment.method == expected


@pytest.mark.parametrize(
    ("status", "amounts", "paid"),
    [
        ("paid", ("54.45", "60.00", "0.00"), None),
        ("authorized", ("60.00", "60.00", "60.00"), 0),
        ("partially_paid", ("60.00", "60.00", "45.50"), Decimal("14.50")),
        ("partially_refunded", ("60.00", "47.50", "0.00"), Decimal("47.50")),
        ("partially_paid", ("60.00", None, "45.50"), Decimal("14.50")),
        ("partially_paid", (None, None, None), 0),
        ("refunded", ("60.00", "60.00", "0.00"), 0),
    ],
)
def test_what_the_shop_has_not_been_paid_is_waited_for(
    status: str, amounts: tuple[str | None, ...], paid: Decimal | None
) -> None:
    names = ("total_price", "current_total_price", "total_outstanding")
    order = read(None, financial_status=status, **dict(zip(names, amounts, strict=True)))

    assert (order.payment.method, order.payment.paid) == ("prepaid", paid)


def test_a_deposit_on_an_order_with_terms_is_told() -> None:
    order = read(
        financial_status="partially_paid",
        payment_terms={"name": "Net 30"},
        current_total_price="60.00",
        total_outstanding="45.50",
    )

    assert (order.payment.method, order.payment.paid) == ("account", Decimal("14.50"))
    assert read().payment.paid is None


def test_people_buy_on_the_shops_account_and_companies_on_their_own() -> None:
    shop = Shopify(account="WEBSHOP")

    assert read(shop).customer == "WEBSHOP"
    assert read(shop, company={"id": 7, "location_id": 8}).customer == "7"


@pytest.mark.parametrize(
    ("changes", "item"),
    [
        ({"sku": None}, "variant 77"),
        ({"sku": "", "variant_id": None, "title": "Gift wrap"}, "line Gift wrap"),
    ],
)
def test_a_line_without_sku_is_kept_for_somebody_to_decide(
    changes: dict[str, Any], item: str
) -> None:
    assert read(line_items=[a_line(**changes)]).lines[0].item == item


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"shipping_address": None}, "no_address"),
        ({"shipping_address": an_address(address1=None)}, "cannot_be_mapped"),
        ({"customer": None}, "no_customer"),
        ({"line_items": []}, "cannot_be_mapped"),
        ({"line_items": [a_line(current_quantity=0)]}, "no_lines"),
        ({"line_items": [a_line(quantity=10**12)]}, "cannot_be_mapped"),
        ({"currency": "XXX"}, "cannot_be_mapped"),
    ],
)
def test_what_cannot_be_mapped_says_why(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(Unmappable) as why:
        read(**changes)

    assert why.value.rule == rule


@pytest.mark.parametrize("document", [[], "x", None, {"id": "x"}])
def test_what_is_no_order_of_shopifys_cannot_be_mapped(document: object) -> None:
    with pytest.raises(Unmappable):
        Shopify().read(document, HEADERS)


def test_other_topics_are_ignored_and_nonsense_is_not() -> None:
    assert isinstance(Shopify().read({}, {"x-shopify-topic": "orders/paid"}), Ignored)
    with pytest.raises(Unmappable):
        Shopify().read({}, {"x-shopify-topic": "whatever"})


def test_signed_by_any_of_the_secrets() -> None:
    shop, raw = Shopify(["old", "new"]), b'{"id": 1}'

    assert shop.is_signed(raw, signature("old", raw))
    assert shop.is_signed(raw, signature("new", raw))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-shopify-hmac-sha256": "!!"},
        {"x-shopify-hmac-sha256": ""},
        signature("another", b'{"id": 1}'),
        signature("old", b'{"id": 1} '),
    ],
)
def test_not_signed(headers: dict[str, str]) -> None:
    assert not Shopify(["old", "new"]).is_signed(b'{"id": 1}', headers)
    assert not Shopify().is_signed(b"", signature("", b""))


def test_free_text_is_cut_and_says_so() -> None:
    order = read(
        note="n" * 5000,
        note_attributes=[{"name": "g" * 99, "value": "v" * 900}, {"name": "gift", "value": True}],
    )
    long = "note." + "g" * 59
    assert order.notes == "n" * 4000
    assert order.attributes[long] == "v" * 500
    assert order.attributes["note.gift"] == "True"
    assert order.attributes["shortened"] == f"notes, {long}"


def test_a_message_id_that_is_none_is_none() -> None:
    for given in ("x" * 201, "two words", ""):
        assert Shopify().message_id({"x-shopify-webhook-id": given}) is None

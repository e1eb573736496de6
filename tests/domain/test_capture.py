"""Capture: everything wrong is named at once, and nothing is refused."""

from datetime import date
from decimal import Decimal

import pytest

from domain.answer import Captured
from domain.capture import Offered, Routing, judge
from domain.catalog import CaptureFacts, Item, Location, LocationKind
from domain.documents import CaptureRequest, WantedLine
from domain.party import Company, Customer
from tests.domain.world import ADDRESS

ROUTING = Routing(systems={"erp": "erp"}, wms="wms-1", tms="tms-1")
BOX = Item(
    id="BOX",
    description="Boxes",
    unit="EA",
    units={"CS": Decimal(12)},
    currency="USD",
    price=Decimal("0.50"),
    weight=Decimal("0.1"),
    tax_code="P1",
)
ACME = Customer(
    id="acme",
    name="Acme",
    currency="USD",
    credit_limit=Decimal(1000),
    payment_terms="NET30",
    address=ADDRESS,
)
FACTS = CaptureFacts(
    company=Company(id="main", name="Main", currency="USD"),
    customer=ACME,
    account=ACME,
    items={"BOX": BOX},
    locations=(
        Location(id="EAST", name="East", kind=LocationKind.WAREHOUSE, wms="wms-e", address=ADDRESS),
        Location(id="SHOP", name="Shop", kind=LocationKind.STORE, address=ADDRESS),
    ),
)
PER_PIECE = Offered(price=Decimal("0.50"), unit="EA")


def judged(
    line: WantedLine,
    *,
    facts: CaptureFacts = FACTS,
    price: Offered | None = PER_PIECE,
    currency: str = "USD",
) -> Captured:
    request = CaptureRequest(
        goal={line.line: line.quantity},
        order_id="o",
        customer="acme",
        currency=currency,
        on=date(2030, 1, 1),
        lines=(line,),
    )
    return judge(request, facts, {line.line: price}, {"EAST": {"BOX": Decimal(9)}}, ROUTING)


def wanted(unit: str | None = None, price: str | None = None, per: str | None = None) -> WantedLine:
    given = Decimal(price) if price else None
    return WantedLine(
        line="1", item="BOX", quantity=Decimal(2), unit=unit, price=given, price_unit=per
    )


def reasons(captured: Captured) -> list[tuple[str, str]]:
    return [(problem.reason, problem.scope) for problem in captured.problems]


def test_a_line_takes_over_what_the_item_master_says() -> None:
    captured = judged(wanted("CS"))
    terms = captured.terms.lines["1"]
    assert (terms.unit, terms.price_unit, terms.tax_code) == ("CS", "EA", "P1")
    assert [terms.stock_factor, terms.price_stock_factor, terms.weight] == [12, 1, Decimal("1.2")]
    assert captured.problems == ()
    assert captured.standing == {"1": 2}
    assert captured.terms.payment_terms == "NET30"


def test_a_line_without_a_unit_is_in_the_stock_unit() -> None:
    assert judged(wanted()).terms.lines["1"].unit == "EA"


def test_locations_are_served_by_their_own_system_or_the_usual_one() -> None:
    sources = judged(wanted()).terms.sources
    assert {name: source.wms for name, source in sources.items()} == {
        "EAST": "wms-e",
        "SHOP": "wms-1",
    }


def test_unknown_customer() -> None:
    facts = FACTS.model_copy(update={"customer": None, "account": None})
    assert reasons(judged(wanted(), facts=facts)) == [("unknown_customer", "order")]


def test_everything_wrong_is_named_at_once() -> None:
    facts = FACTS.model_copy(update={"items": {}})
    assert reasons(judged(wanted(), facts=facts, currency="EUR")) == [
        ("currency_mismatch", "order"),
        ("unknown_item", "line/1"),
    ]


def test_in_another_currency_that_nothing_has_a_price_is_no_second_matter() -> None:
    found = judged(wanted(), price=None, currency="EUR")
    assert reasons(found) == [("currency_mismatch", "order")]


def test_unknown_unit_and_no_price() -> None:
    assert reasons(judged(wanted("PAL"))) == [("unknown_unit", "line/1")]
    assert reasons(judged(wanted(), price=None)) == [("no_price", "line/1")]
    strange = Offered(price=Decimal(1), unit="PAL")
    assert reasons(judged(wanted(), price=strange)) == [("unknown_unit", "line/1")]


@pytest.mark.parametrize(
    ("unit", "price", "per", "agrees"),
    [
        ("EA", "0.50", None, True),
        ("EA", "0.5", "EA", True),
        ("EA", "0.49", None, False),
        ("CS", "6.00", None, True),
        ("CS", "0.50", "EA", True),
        ("CS", "0.50", None, False),
    ],
)
def test_a_price_is_compared_in_the_unit_it_was_given_for(
    unit: str, price: str, per: str | None, agrees: bool
) -> None:
    expected = [] if agrees else [("price_mismatch", "line/1")]
    assert reasons(judged(wanted(unit, price, per))) == expected


def test_a_discount_is_off_contract_and_known_by_what_is_paid() -> None:
    less = wanted("EA", "0.50", None).model_copy(update={"discount": Decimal(5)})
    found = judged(less)
    assert reasons(found) == [("price_mismatch", "line/1")]
    assert "less 5 %" in found.problems[0].detail
    assert found.asked["1"].net_price == Decimal("0.475")

    same = wanted("EA", "1.00", None).model_copy(update={"discount": Decimal(50)})
    assert reasons(judged(same)) == [], "half of twice the price"


def test_a_price_in_a_unit_the_item_has_not_is_no_price() -> None:
    assert reasons(judged(wanted("EA", "0.50", "PAL"))) == [("unknown_unit", "line/1")]


def test_a_price_per_case_is_compared_with_one_per_piece() -> None:
    per_case = Offered(price=Decimal("6.00"), unit="CS")
    assert reasons(judged(wanted("EA", "0.50"), price=per_case)) == []

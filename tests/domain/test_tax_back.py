"""The tax that goes back is the tax that was charged."""

from datetime import timedelta
from decimal import Decimal

import pytest

from domain.amounts import credited_total, invoiced_total
from domain.answer import Done
from domain.base import Goal
from domain.documents import TaxDocument, TaxedLine
from domain.effect import Step
from domain.message import CreditGranted, MilestoneKind
from domain.order import Order
from domain.paperwork import document
from domain.plan import plan
from tests.domain.build import ask, captured, goal, going_on, placed, say, tell
from tests.domain.world import NOW

DAY = timedelta(days=1)


def sold(*shipments: tuple[str, int, str]) -> Order:
    """Of line 1 at 1.005: from where, how many, and the tax of them, one shipment a day."""
    quantity = sum(each[1] for each in shipments)
    offers = {at: {"BOLT": Decimal(each)} for at, each, _ in shipments}
    order = captured(placed({"1": quantity}, freight="0"), offers=offers)
    assert order.terms
    places = {
        name: each.model_copy(update={"address": each.address.model_copy(update={"city": name})})
        for name, each in order.terms.sources.items()
    }
    order.terms = order.terms.model_copy(update={"sources": places})
    going_on(order)
    for n, (at, each, tax) in enumerate(shipments):
        lines = goal(_1=each)
        say(order, MilestoneKind.SHIPPED, lines, source=at, shipment_id=f"S{n}", at=NOW + n * DAY)
        ask(order, f"tax/S{n}", Done(standing=lines, amounts=goal(_1=tax)))
    return going_on(order)


def bring_back(order: Order, quantity: int, name: str, shipment: str | None = None) -> None:
    say(
        order,
        MilestoneKind.RETURN_INSPECTED,
        goal(_1=quantity),
        source="SOUTH",
        document=name,
        shipment_id=shipment,
        at=NOW + 60 * DAY,
    )


def asked(order: Order, name: str) -> TaxDocument:
    action = next(each for each in plan(order) if each.effect == f"return_tax/{name}")
    found = document(order, action, NOW)
    assert isinstance(found, TaxDocument)
    return found


def answer(order: Order, name: str, rate: str) -> Decimal:
    """What the engine gives back: what it is told, or else at this rate."""
    (line,) = asked(order, name).lines
    tax = (line.amount * Decimal(rate)).quantize(Decimal("0.01")) if line.tax is None else line.tax
    amounts: Goal = {"1": tax}
    ask(order, f"return_tax/{name}", Done(standing={"1": line.quantity}, amounts=amounts))
    going_on(order)
    return tax


def city(line: TaxedLine) -> str:
    return line.ship_from.city if line.ship_from else ""


def test_it_is_worked_out_where_and_when_the_goods_were_sold() -> None:
    order = sold(("WEST", 5, "0.50"))
    bring_back(order, 2, "RMA")
    found = asked(order, "RMA")
    (line,) = found.lines
    assert (city(line), line.sold_on, line.tax) == ("WEST", NOW.date(), None)
    assert found.ship_from == line.ship_from
    assert found.date == (NOW + 60 * DAY).date(), "filed when it came back"


@pytest.mark.parametrize(("shipment", "expected"), [(None, "EAST"), ("S1", "WEST")])
def test_goods_come_from_the_first_sale_that_is_not_all_back_or_from_the_one_named(
    shipment: str | None, expected: str
) -> None:
    order = sold(("EAST", 5, "0.50"), ("WEST", 5, "0.25"))
    bring_back(order, 2, "RMA", shipment)
    (line,) = asked(order, "RMA").lines
    assert city(line) == expected


def test_the_next_sale_is_given_back_when_the_first_one_is() -> None:
    order = sold(("EAST", 5, "0.50"), ("WEST", 5, "0.25"))
    bring_back(order, 5, "RMA1")
    answer(order, "RMA1", "0.10")
    bring_back(order, 2, "RMA2")
    (line,) = asked(order, "RMA2").lines
    assert (city(line), line.sold_on) == ("WEST", (NOW + DAY).date())


def test_with_the_last_of_a_line_all_the_rest_is_given_back() -> None:
    order = sold(("EAST", 5, "0.36"))
    bring_back(order, 2, "RMA1")
    assert answer(order, "RMA1", "0.0725") == Decimal("-0.15")
    bring_back(order, 3, "RMA2")
    assert answer(order, "RMA2", "0.0725") == Decimal("-0.21"), "not 0.22"
    assert credited_total(order) == invoiced_total(order)


def test_never_more_than_was_charged_however_it_is_rounded() -> None:
    order = sold(("EAST", 5, "0.03"))  # 0.6 per cent: each alone would be a cent
    given = []
    for n in range(5):
        bring_back(order, 1, f"RMA{n}")
        given.append(answer(order, f"RMA{n}", "0.006"))
        assert sum(given) >= Decimal("-0.03")
    assert sum(given) == Decimal("-0.03")


def test_an_allowance_gives_back_its_share() -> None:
    order = sold(("EAST", 5, "0.50"))
    allowance = CreditGranted.model_validate(
        {"id": "c", "reason": "allowance", "lines": {"1": 5}, "per_unit": {"1": "0.5"}}
    )
    assert tell(order, allowance) == "done"
    assert answer(order, "o-C1", "0.10") == Decimal("-0.25")
    bring_back(order, 5, "RMA")
    assert answer(order, "RMA", "0.10") == Decimal("-0.25")
    assert credited_total(order) == invoiced_total(order)


def test_who_was_charged_nothing_is_given_nothing_back() -> None:
    order = sold(("EAST", 5, "0"))
    bring_back(order, 2, "RMA")
    assert answer(order, "RMA", "0.10") == 0
    assert order.standing(Step.CREDIT_NOTE, "RMA") == goal(_1=2)

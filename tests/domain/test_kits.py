"""Kits: one line for the customer, parts for everybody who moves goods."""

from decimal import Decimal

import pytest

from domain.amounts import credited_total, invoiced_total, order_value
from domain.catalog import Item
from domain.kits import UnknownPart, parts_of
from domain.message import (
    Amended,
    CancelRequested,
    CreditGranted,
    CreditReason,
    MilestoneKind,
    ReturnAuthorised,
)
from domain.order import Order
from domain.status import order_status
from tests.domain.build import captured, goal, going_on, placed, say, tell
from tests.domain.ledger import PARTS

OFFERS = {"EAST": {"BOLT": Decimal(100), "PIN": Decimal(100)}}


def a_kit(quantity: int = 3) -> Order:
    """So many sets at 7.775, of two bolts and a pin each; no freight."""
    order = placed({"5": quantity}, freight="0")
    return captured(order, offers=OFFERS, kits={"5": PARTS})


def shipped_kit(quantity: int = 3) -> Order:
    order = going_on(a_kit(quantity))
    say(order, MilestoneKind.SHIPPED, {"5.1": Decimal(2 * quantity), "5.2": Decimal(quantity)})
    return going_on(order)


def an_item(name: str, price: str = "1", **kit: int) -> Item:
    return Item(
        id=name,
        description=name,
        unit="EA",
        currency="USD",
        price=Decimal(price),
        kit={part: Decimal(q) for part, q in kit.items()},
    )


def test_a_kit_becomes_its_parts_which_cost_what_it_does() -> None:
    order = a_kit()
    assert {line.line: line.ordered for line in order.lines} == {"5.1": 6, "5.2": 3}
    assert {line.kit for line in order.lines} == {"5"}
    assert order_value(order) == Decimal("23.33"), "three at 7.775"
    assert order_status(going_on(order)) == "released"


def test_a_kit_is_changed_and_cancelled_whole() -> None:
    order = a_kit()
    assert tell(order, Amended(id="a", lines={"5": Decimal(2)})) == "done"
    assert [line.agreed for line in order.lines] == [4, 2]
    assert tell(order, CancelRequested(id="b", lines={"5": Decimal(1)})) == "done"
    assert [line.agreed for line in order.lines] == [2, 1]
    part = {"5.1": Decimal(1)}
    assert tell(order, Amended(id="c", lines=part)) == "part_of_a_kit"
    assert tell(order, CancelRequested(id="d", lines=part)) == "part_of_a_kit"


def test_a_kit_can_be_amended_before_anybody_knew_its_parts() -> None:
    order = placed({"5": 3})
    tell(order, Amended(id="a", lines={"5": Decimal(4)}))
    tell(order, CancelRequested(id="c", lines={"5": Decimal(1)}))
    captured(order, offers=OFFERS, kits={"5": PARTS})
    assert [line.agreed for line in order.lines] == [6, 3]


def test_whole_kits_that_left_before_their_parts_were_known_left_in_parts() -> None:
    order = placed({"5": 3}, freight="0")
    say(order, MilestoneKind.SHIPPED, {"5": Decimal(1)})
    captured(order, offers=OFFERS, kits={"5": PARTS})
    assert [line.total_shipped for line in order.lines] == [2, 1]
    assert order.shipments[0].lines == {"5.1": 2, "5.2": 1}


def test_a_kit_that_comes_back_comes_in_parts() -> None:
    order = shipped_kit()
    assert tell(order, ReturnAuthorised(id="r", lines={"5": Decimal(4)})) == "more_than_shipped"
    assert tell(order, ReturnAuthorised(id="r", lines={"5": Decimal(3)})) == "done"
    assert order.authorised[0].lines == {"5.1": 6, "5.2": 3}
    back = {"5.1": Decimal(6), "5.2": Decimal(3)}
    say(order, MilestoneKind.RETURN_INSPECTED, back, document=order.authorised[0].id)
    going_on(order)
    assert credited_total(order) == invoiced_total(order) == Decimal("23.33")


def test_an_allowance_on_a_kit_is_shared_among_its_parts() -> None:
    order = shipped_kit()
    allowance = CreditGranted(
        id="c",
        reason=CreditReason.ALLOWANCE,
        lines={"5": Decimal(3)},
        per_unit={"5": Decimal("1.00")},
    )
    assert tell(order, allowance) == "done"
    going_on(order)
    assert credited_total(order) == Decimal("3.00"), "one for each of three kits"


def test_kits_within_kits_are_multiplied_out() -> None:
    items = {"BOLT": an_item("BOLT"), "BAG": an_item("BAG", BOLT=10)}
    parts = parts_of(an_item("CHEST", BAG=3, BOLT=2), items, Decimal(2))
    assert {part.item: part.per_kit for part in parts} == {"BOLT": 64}


def test_a_kit_that_contains_itself_is_refused() -> None:
    loop = an_item("LOOP", LOOP=1)
    with pytest.raises(UnknownPart):
        parts_of(loop, {"LOOP": loop}, Decimal(1))


def test_goods_of_a_kit_are_released_by_part() -> None:
    order = going_on(a_kit(1))
    assert order.effects["release/EAST"].standing == {"5.1": 2, "5.2": 1}
    assert order.line("5.1").sources == goal(EAST=2)

"""One function says what an order is called."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.effect import Effect, Step, effect_name
from domain.hold import Hold
from domain.message import CancelRequested, HoldPlaced, MilestoneKind
from domain.order import Order
from domain.order_parts import Line, Shipment
from domain.status import (
    AFTER_SHIPPING,
    BEFORE_SHIPPING,
    TRANSITIONS,
    Quantities,
    Status,
    line_status,
    order_status,
    quantities,
)
from tests.domain.build import captured, goal, going_on, placed, say, tell
from tests.domain.world import NOW


def of(**known: int) -> Quantities:
    fields = {name: Decimal(known.get(name, 0)) for name in Quantities.model_fields}
    return Quantities(**fields)


@pytest.mark.parametrize(
    ("counted", "picking", "status"),
    [
        (of(ordered=5), False, "received"),
        (of(ordered=5, allocated=4), False, "received"),
        (of(ordered=5, allocated=4, backordered=1), False, "backordered"),
        (of(ordered=5, allocated=5), False, "allocated"),
        (of(ordered=5, cancelled=1, allocated=4), False, "allocated"),
        (of(ordered=5, allocated=5, released=5), False, "released"),
        (of(ordered=5, allocated=5, released=5), True, "picking"),
        (of(ordered=5, allocated=5, released=5, picked=1), False, "picking"),
        (of(ordered=5, allocated=5, released=5, picked=5, packed=5), False, "packed"),
        (of(ordered=5, released=5, picked=5, packed=5, shipped=2), False, "partially_shipped"),
        (of(ordered=5, released=5, packed=5, shipped=5), False, "shipped"),
        (of(ordered=5, cancelled=3, shipped=2), False, "shipped"),
        (of(ordered=5, shipped=5, delivered=4), False, "shipped"),
        (of(ordered=5, shipped=5, delivered=5), False, "delivered"),
        (of(ordered=5, shipped=5, delivered=5, invoiced=5), False, "invoiced"),
        (of(ordered=5, shipped=5, invoiced=5), False, "invoiced"),
        (of(ordered=5, cancelled=5), False, "cancelled"),
        (of(ordered=5, cancelled=5, shipped=1), False, "shipped"),
    ],
)
def test_the_status_of_a_line(counted: Quantities, picking: bool, status: str) -> None:
    assert line_status(counted, picking=picking) == status


def test_an_order_from_placed_to_closed() -> None:
    order = Order(id="o")
    assert order_status(order) == "received"
    order = placed()
    assert order_status(order) == "received"
    captured(order)
    assert order_status(order) == "received", "nothing is reserved yet"
    going_on(order, upto=Step.STOCK)
    assert order_status(order) == "allocated"
    going_on(order)
    assert order_status(order) == "released"
    say(order, MilestoneKind.PICKING)
    assert order_status(order) == "picking"
    say(order, MilestoneKind.PACKED, goal(_1=5, _2=3))
    assert order_status(order) == "packed"
    say(order, MilestoneKind.SHIPPED, goal(_1=5), shipment_id="S1")
    assert order_status(order) == "partially_shipped"
    say(order, MilestoneKind.SHIPPED, goal(_2=3), shipment_id="S2")
    assert order_status(order) == "shipped"
    say(order, MilestoneKind.DELIVERED)
    assert order_status(order) == "delivered"
    going_on(order)
    assert order_status(order) == "invoiced"
    order.close(NOW)
    assert order_status(order) == "closed"


def test_a_hold_goes_before_how_far_the_goods_are() -> None:
    order = going_on(captured(placed()))
    tell(order, HoldPlaced(id="h", scope="line/1"))
    assert order_status(order) == "held"


def test_an_order_of_which_nothing_is_left_is_cancelled_whatever_holds_it() -> None:
    order = captured(placed())
    tell(order, HoldPlaced(id="h"))
    tell(order, CancelRequested(id="c"))
    assert order_status(order) == "cancelled"


def test_a_cancelled_line_does_not_keep_an_order_back() -> None:
    order = going_on(captured(placed()))
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    tell(order, CancelRequested(id="c", lines=goal(_2=3)))
    assert order_status(order) == "shipped"


def test_something_backordered_goes_before_something_allocated() -> None:
    order = captured(placed(), offers={"EAST": goal(BOLT=5)})
    going_on(order, upto=Step.STOCK)
    assert order_status(order) == "backordered"
    going_on(order)
    assert order_status(order) == "released"


def test_what_has_gone_further_counts_as_having_got_there() -> None:
    order = going_on(captured(placed()))
    say(order, MilestoneKind.SHIPPED, goal(_1=4))
    counted = quantities(order, order.line("1"))
    assert counted == of(ordered=5, allocated=5, released=5, picked=4, packed=4, shipped=4)


LINES = st.builds(
    lambda n, ordered, cancelled, source, shipped: Line(
        line=str(n),
        item="BOLT",
        ordered=Decimal(max(ordered, cancelled)),
        cancelled=Decimal(cancelled),
        sources={"EAST": Decimal(source)} if source else {},
        shipped={"EAST": Decimal(shipped)} if shipped else {},
    ),
    st.integers(1, 3), st.integers(1, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5),
)  # fmt: skip
STANDING = st.dictionaries(st.sampled_from(["1", "2", "3"]), st.integers(1, 5).map(Decimal))


@given(
    st.lists(LINES, max_size=3, unique_by=lambda line: line.line),
    STANDING,
    STANDING,
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_every_order_has_a_status_that_is_in_the_diagram(
    lines: list[Line],
    released: dict[str, Decimal],
    invoiced: dict[str, Decimal],
    held: bool,
    closed: bool,
    picking: bool,
) -> None:
    order = Order(id="o", lines=lines, picking=["EAST"] if picking else [])
    order.shipments = [Shipment(id="S1", source="EAST", lines=invoiced, shipped_at=NOW)]
    for step, subject, standing in (
        (Step.RELEASE, "EAST", released),
        (Step.INVOICE, "S1", invoiced),
    ):
        name = effect_name(step, subject)
        order.effects[name] = Effect(step=step, subject=subject, standing=standing)
    if held:
        order.holds.append(Hold(id="o-H1", reason="manual", since=NOW))
    if closed:
        order.closed_at = NOW

    status = order_status(order)
    assert status in TRANSITIONS
    if any(line.total_shipped for line in lines) and not held and not closed:
        assert status in AFTER_SHIPPING


def test_the_diagram_leads_from_every_status_to_an_end_and_to_none_unknown() -> None:
    assert set().union(*TRANSITIONS.values()) <= set(TRANSITIONS)
    reached: set[Status] = {Status.RECEIVED}
    while more := {after for before in reached for after in TRANSITIONS[before]} - reached:
        reached |= more
    assert reached == set(TRANSITIONS)
    for status, following in TRANSITIONS.items():
        assert Status.CLOSED in following or status is Status.CLOSED
        if status in AFTER_SHIPPING:
            assert not following & BEFORE_SHIPPING

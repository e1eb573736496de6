"""Every status, derived from quantities and holds by one function. The code, the docs, the API and
the tests all ask here; `TRANSITIONS` is the diagram in docs/lifecycle.md.
"""

from decimal import Decimal
from enum import StrEnum

from domain.amounts import invoiced_quantities
from domain.base import ZERO, Fact, Goal
from domain.effect import Step
from domain.order import Order
from domain.order_parts import Line
from domain.sourcing import position


class Status(StrEnum):
    QUOTED = "quoted"
    EXPIRED = "expired"
    RECEIVED = "received"
    HELD = "held"
    BACKORDERED = "backordered"
    ALLOCATED = "allocated"
    RELEASED = "released"
    PICKING = "picking"
    PACKED = "packed"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    INVOICED = "invoiced"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Quantities(Fact):
    """How much of a line has got how far; each counts what has gone further, too."""

    ordered: Decimal
    allocated: Decimal
    backordered: Decimal
    released: Decimal
    picked: Decimal
    packed: Decimal
    shipped: Decimal
    delivered: Decimal
    invoiced: Decimal
    returned: Decimal
    cancelled: Decimal

    @property
    def agreed(self) -> Decimal:
        return max(self.ordered - self.cancelled, self.shipped)


def quantities(order: Order, line: Line, invoiced: Goal | None = None) -> Quantities:
    """The truth about one line. `invoiced`: of the order, for who asks for many lines."""
    invoiced = invoiced_quantities(order) if invoiced is None else invoiced
    reserved, released, packed, picked = ZERO, ZERO, ZERO, ZERO
    stock = order.standing(Step.STOCK)
    for location in {*line.sources, *line.picked, *line.packed, *line.shipped}:
        gone = line.shipped.get(location, ZERO)
        asked = order.standing(Step.RELEASE, location).get(line.line, ZERO)
        asked += line.unreleased.get(location, ZERO)
        reserved += max(stock.get(position(line.line, location), ZERO), gone)
        released += max(asked, gone)
        packed += max(line.packed.get(location, ZERO), gone)
        picked += max(line.picked.get(location, ZERO), line.packed.get(location, ZERO), gone)
    return Quantities(
        ordered=line.ordered,
        allocated=reserved,
        backordered=line.backordered if order.standing(Step.CAPTURE) else ZERO,
        released=released,
        picked=picked,
        packed=packed,
        shipped=line.total_shipped,
        delivered=line.delivered,
        invoiced=invoiced.get(line.line, ZERO),
        returned=line.returned,
        cancelled=line.cancelled,
    )


def line_status(of: Quantities, *, picking: bool = False) -> Status:
    """How far a line is; the furthest that all of it, or for parts that any of it, has got."""
    agreed = of.agreed
    if not agreed:
        return Status.CANCELLED
    for status, got in (
        (Status.INVOICED, of.invoiced),
        (Status.DELIVERED, of.delivered),
        (Status.SHIPPED, of.shipped),
    ):
        if got >= agreed:
            return status
    if of.shipped:
        return Status.PARTIALLY_SHIPPED
    if of.released:
        if of.packed >= of.released:
            return Status.PACKED
        return Status.PICKING if of.picked or picking else Status.RELEASED
    if of.backordered:
        return Status.BACKORDERED
    return Status.ALLOCATED if of.allocated >= agreed else Status.RECEIVED


PROGRESS = (
    Status.INVOICED,
    Status.DELIVERED,
    Status.SHIPPED,
    Status.PARTIALLY_SHIPPED,
    Status.PACKED,
    Status.PICKING,
    Status.RELEASED,
    Status.ALLOCATED,
    Status.BACKORDERED,
    Status.RECEIVED,
)
"""How far goods can have got, the furthest first."""

PRECEDENCE = (
    Status.EXPIRED, Status.CANCELLED, Status.CLOSED, Status.HELD, Status.QUOTED, *PROGRESS
)  # fmt: skip
"""Of an order: the first that fits."""


def order_status(order: Order) -> Status:
    """Precedence: see `PRECEDENCE`."""
    if order.lines and not any(line.agreed for line in order.lines):
        return Status.EXPIRED if order.quoted and order.lapsed else Status.CANCELLED
    if order.closed:
        return Status.CLOSED
    if order.open_holds:
        return Status.HELD
    if order.quoted and order.standing(Step.CAPTURE):
        return Status.QUOTED
    invoiced, picking = invoiced_quantities(order), bool(order.picking)
    each = [line_status(quantities(order, x, invoiced), picking=picking) for x in order.lines]
    lines: set[Status] = {status for status in each if status is not Status.CANCELLED}
    if not lines:
        return Status.RECEIVED
    moving = {Status.PARTIALLY_SHIPPED, Status.SHIPPED, Status.DELIVERED, Status.INVOICED}
    rank = {status: n for n, status in enumerate(PROGRESS)}
    slowest = max(lines, key=lambda status: rank[status])
    if lines & moving and slowest not in moving:
        return Status.PARTIALLY_SHIPPED
    if Status.PARTIALLY_SHIPPED in lines:
        return Status.PARTIALLY_SHIPPED
    furthest = min(lines, key=lambda status: rank[status])
    return slowest if slowest in moving else _before_shipping(lines, furthest, slowest)


def _before_shipping(lines: set[Status], furthest: Status, slowest: Status) -> Status:
    """Something is backordered until something is released; then the goods say how far it is."""
    released = {Status.RELEASED, Status.PICKING, Status.PACKED}
    if Status.BACKORDERED in lines and not lines & released:
        return Status.BACKORDERED
    going = lines & released
    if not going:
        return slowest
    return Status.PICKING if going == {Status.PICKING, Status.PACKED} else furthest


BEFORE_SHIPPING = frozenset({
    Status.RECEIVED, Status.BACKORDERED, Status.ALLOCATED, Status.RELEASED, Status.PICKING,
    Status.PACKED,
})  # fmt: skip
AFTER_SHIPPING = frozenset({
    Status.PARTIALLY_SHIPPED, Status.SHIPPED, Status.DELIVERED, Status.INVOICED,
})  # fmt: skip
_GONE = AFTER_SHIPPING | {Status.HELD, Status.CLOSED}

_ANY = BEFORE_SHIPPING | _GONE | {Status.CANCELLED}
_QUOTE = {Status.QUOTED, Status.EXPIRED}

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.RECEIVED: _ANY | _QUOTE,
    Status.HELD: _ANY | _QUOTE,
    Status.QUOTED: _ANY | _QUOTE,
    **dict.fromkeys(BEFORE_SHIPPING - {Status.RECEIVED}, _ANY),
    **dict.fromkeys((*AFTER_SHIPPING, Status.CLOSED, Status.CANCELLED), _GONE),
    Status.EXPIRED: _ANY,
}
"""From one record to the next, an order goes from a status only to one of these (or stays).

What left cannot come back: after the first shipment there is no way to a status before it, nor to
cancelled. Within each group amendments go back and forth. A cancelled order only goes on when goods
that could not be stopped leave after all; an expired quote, too, when it was accepted in time and
that was heard late.
"""

"""What a customer is promised of a line: the day it can leave, from goods there are."""

from datetime import date

from domain.base import Fact
from domain.catalog import LocationKind
from domain.effect import Step
from domain.order import Order
from domain.order_parts import Line
from domain.sourcing import position


class Promise(Fact):
    """`supply` is `stock`, or `supplier` where somebody else sends it for us."""

    ship_date: date
    supply: str


def promised(order: Order, line: Line) -> Promise | None:
    """Of what has not left yet: for a quote from what was on offer when it was priced, else from
    what is reserved, and no day before that was. `None` while any of it has no source: no day is
    promised without goods.
    """
    asked_on = order.accepted_at or order.placed_at
    if order.terms is None or order.header is None or asked_on is None:
        return None
    open_here = [at for at, q in line.sources.items() if q > line.shipped.get(at, 0)]
    if line.backordered or not open_here or not order.standing(Step.CAPTURE):
        return None
    reserved = order.standing(Step.STOCK)
    if not order.quoted and any(
        reserved.get(position(line.line, at), 0) < line.sources[at] for at in open_here
    ):
        return None
    stock = order.effect(Step.STOCK)
    reserved_at = (stock.since if stock and not order.quoted else None) or asked_on
    kinds = {order.terms.sources[at].kind for at in open_here if at in order.terms.sources}
    first_day = order.header.ship_not_before or asked_on.date()
    return Promise(
        ship_date=max(first_day, asked_on.date(), reserved_at.date()),
        supply="supplier" if LocationKind.SUPPLIER in kinds else "stock",
    )

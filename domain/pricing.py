"""Which of several prices a customer pays."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from domain.base import ZERO, Fact
from domain.catalog import Item, Price


class Choice(Fact):
    """The price per `unit`, and where it comes from: contract, list or item."""

    price: Decimal
    unit: str
    source: str


def choose_price(
    item: Item, prices: Iterable[Price], *, currency: str, quantity: Decimal, unit: str, on: date
) -> Choice | None:
    """What `quantity` `unit`s of `item` cost on that day; `None` without a price in `currency`.

    `prices` are those of the customer and of the customer's price list. A contract goes before the
    list, the list before the item's own price; within each, the highest quantity break that is
    reached wins, then a price in the unit that was asked for, then the one valid since last.
    """
    per_unit = item.factor(unit)
    if per_unit is None:
        return None
    stock_quantity = quantity * per_unit
    found: list[tuple[bool, Decimal, bool, date, Choice]] = []
    for price in prices:
        priced_in = price.unit or item.unit
        factor = item.factor(priced_in)
        if (
            price.item != item.id
            or price.currency != currency
            or factor is None
            or price.min_quantity * factor > stock_quantity
            or (price.valid_from or on) > on
            or (price.valid_to or on) < on
        ):
            continue
        contract = price.customer is not None
        choice = Choice(
            price=price.price, unit=priced_in, source="contract" if contract else "list"
        )
        since = price.valid_from or date.min
        found.append((contract, price.min_quantity * factor, priced_in == unit, since, choice))
    if found:
        return max(found, key=lambda candidate: candidate[:-1])[-1]
    if item.currency == currency and item.price >= ZERO:
        return Choice(price=item.price, unit=item.price_unit or item.unit, source="item")
    return None

"""Kits: one line for the customer, its parts for everybody who moves goods.

A kit is exploded when its order is captured. Each part is a line of its own, and each bears a share
of the kit's price, by its own list price; shares are rounded to the currency's minor unit, and the
last part bears the rest, so that the parts of one kit cost what the kit does.
"""

from collections.abc import Iterator, Mapping
from decimal import ROUND_DOWN, Decimal

from domain.base import ZERO, Goal
from domain.catalog import Item
from domain.money import minor_unit
from domain.order import Order
from domain.order_parts import Line
from domain.terms import LineTerms, Part

DEEPEST = 5
"""Kits within kits."""


class UnknownPart(Exception):
    """The kit names an item that master data does not know, or contains itself."""


def parts_of(kit: Item, items: Mapping[str, Item], per_line_unit: Decimal) -> tuple[Part, ...]:
    """What one unit of a line of this kit consists of. Raises `UnknownPart`."""
    found: dict[str, Part] = {}
    for item, quantity in _parts(kit, items, per_line_unit, DEEPEST):
        before = found[item.id].per_kit if item.id in found else ZERO
        per_price_unit = item.factor(item.price_unit or item.unit) or Decimal(1)
        each = before + quantity
        found[item.id] = Part(
            item=item.id,
            unit=item.unit,
            per_kit=each,
            value=item.price * each / per_price_unit,
            tax_code=item.tax_code or "",
            weight=item.weight or ZERO,
        )
    return tuple(found.values())


def _parts(
    kit: Item, items: Mapping[str, Item], times: Decimal, depth: int
) -> Iterator[tuple[Item, Decimal]]:
    for name, quantity in kit.kit.items():
        item = items.get(name)
        if item is None or depth == 0:
            raise UnknownPart(f"{name}, a part of {kit.id}")
        if item.kit:
            yield from _parts(item, items, times * quantity, depth - 1)
        else:
            yield item, times * quantity


def explode(order: Order, kits: Mapping[str, tuple[Part, ...]]) -> None:
    """Put parts in the place of every kit among the order's lines."""
    assert order.terms is not None
    lines, terms = list[Line](), dict(order.terms.lines)
    taken = {line.line for line in order.lines}
    for line in order.lines:
        parts = kits.get(line.line)
        if not parts or line.line not in terms:
            lines.append(line)
            continue
        for part, share in zip(parts, _shares(order, terms[line.line], parts), strict=True):
            number = _free_number(line.line, taken)
            lines.append(_part_line(line, number, part))
            terms[number] = LineTerms(
                item=part.item,
                unit=part.unit,
                price=share,
                price_unit=terms[line.line].unit,
                price_stock_factor=part.per_kit,
                tax_code=part.tax_code,
                weight=part.weight,
            )
    order.lines = lines
    order.terms = order.terms.model_copy(update={"lines": terms})
    for shipment in order.shipments:  # of whole kits, heard of before their parts were known
        shipment.lines = in_parts(order, shipment.lines)
    for back in order.returns:
        for name in ("received", "inspected", "credited"):
            setattr(back, name, in_parts(order, getattr(back, name)))


def _part_line(kit: Line, number: str, part: Part) -> Line:
    def of_part(kits: Goal) -> Goal:
        return {name: quantity * part.per_kit for name, quantity in kits.items()}

    return Line(
        line=number,
        item=part.item,
        kit=kit.line,
        per_kit=part.per_kit,
        ordered=kit.ordered * part.per_kit,
        cancelled=kit.cancelled * part.per_kit,
        sources=of_part(kit.sources),
        unreleased=of_part(kit.unreleased),
        picked=of_part(kit.picked),
        packed=of_part(kit.packed),
        shipped=of_part(kit.shipped),
        delivered=kit.delivered * part.per_kit,
        returned=kit.returned * part.per_kit,
    )


def _free_number(kit: str, taken: set[str]) -> str:
    count = 1
    while (number := f"{kit}.{count}") in taken:
        count += 1
    taken.add(number)
    return number


def _shares(order: Order, kit: LineTerms, parts: tuple[Part, ...]) -> list[Decimal]:
    """Of the price of one unit of the kit's line, by part."""
    assert order.header is not None
    price = kit.net_price * kit.stock_factor / kit.price_stock_factor
    return _shared(price, [part.value for part in parts], order.header.currency)


def _shared(amount: Decimal, values: list[Decimal], currency: str) -> list[Decimal]:
    if not any(values):
        values = [Decimal(1)] * len(values)
    total, smallest = sum(values, ZERO), minor_unit(currency)
    shares = [(amount * v / total).quantize(smallest, rounding=ROUND_DOWN) for v in values[:-1]]
    return [*shares, amount - sum(shares, ZERO)]


def in_parts(order: Order, lines: Goal) -> Goal:
    """The same quantities, those of kits in parts."""
    goal: Goal = {}
    for number, quantity in lines.items():
        parts = [line for line in order.lines if line.kit == number]
        for part in parts:
            goal[part.line] = goal.get(part.line, ZERO) + quantity * part.per_kit
        if not parts:
            goal[number] = goal.get(number, ZERO) + quantity
    return goal


def amounts_in_parts(order: Order, per_unit: Goal) -> Goal:
    """Amounts per unit of a line; of a kit, each part bears a share, per unit of its own."""
    assert order.header is not None
    goal: Goal = {}
    for number, amount in per_unit.items():
        parts = [line for line in order.lines if line.kit == number]
        prices = [order.line_terms(part.line).price for part in parts]
        shares = _shared(amount, prices, order.header.currency) if parts else []
        for part, share in zip(parts, shares, strict=True):
            goal[part.line] = share / part.per_kit
        if not parts:
            goal[number] = amount
    return goal


def is_part(order: Order, number: str) -> bool:
    """A part goes with its kit: nobody orders, amends or cancels it alone."""
    return any(line.line == number and line.kit for line in order.lines)

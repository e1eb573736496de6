"""The goods of the world around an order, and our stock of them."""

from decimal import ROUND_UP, Decimal

from domain.answer import Answer, Done, Refused
from domain.base import ZERO, Goal, tidy
from domain.message import StockArrived, StockLost
from domain.terms import LineTerms, Part

FACTORS = {
    "1": Decimal(1),
    "2": Decimal(1),
    "3": Decimal(12),
    "4": Decimal(1),
    "5.1": Decimal(1),
    "5.2": Decimal(1),
}
LINE_TERMS = {
    "1": LineTerms(item="BOLT", unit="EA", price=Decimal("1.005"), price_unit="EA"),
    "2": LineTerms(item="NUT", unit="EA", price=Decimal("3.333"), price_unit="EA"),
    "3": LineTerms(
        item="BOX",
        unit="CS",
        price=Decimal("0.125"),
        price_unit="EA",
        stock_factor=Decimal(12),
    ),
    "4": LineTerms(item="PIN", unit="EA", price=Decimal("0.25"), price_unit="EA"),
    "5": LineTerms(item="SET", unit="EA", price=Decimal("7.775"), price_unit="EA"),
}
"""Line 4 is added later; line 5 is a kit."""

PARTS = (
    Part(item="BOLT", unit="EA", per_kit=Decimal(2), value=Decimal("2.01")),
    Part(item="PIN", unit="EA", per_kit=Decimal(1), value=Decimal("0.25")),
)
ITEMS = {
    **{line: terms.item for line, terms in LINE_TERMS.items()},
    **{f"5.{n}": part.item for n, part in enumerate(PARTS, 1)},
}


class Ledger:
    """Our stock: facts move it at once, reservations are guarded."""

    def __init__(self, on_hand: dict[tuple[str, str], Decimal]) -> None:
        self.on_hand = on_hand
        self.shipped: Goal = {}
        self.reserved: Goal = {}

    def reserve(self, goal: Goal) -> Answer:
        """All of it or nothing; less than before is always possible."""
        before, after = self._needed(self.reserved), self._needed(goal)
        for place, quantity in after.items():
            if quantity > max(self.on_hand.get(place, ZERO), before.get(place, ZERO)):
                return Refused(
                    reason="unavailable_inventory", standing=self.reserved, offers=self.free()
                )
        self.reserved = tidy(goal)
        return Done(standing=self.reserved)

    def free(self) -> dict[str, Goal]:
        """What could be promised yet, by location and item."""
        used = self._needed(self.reserved)
        offers: dict[str, Goal] = {}
        for (location, item), quantity in self.on_hand.items():
            left = max(quantity - used.get((location, item), ZERO), ZERO)
            offers.setdefault(location, {})[item] = left
        return offers

    def ship(self, location: str, lines: Goal) -> None:
        for line, quantity in lines.items():
            name = f"{line}/{location}"
            self.shipped[name] = self.shipped.get(name, ZERO) + quantity
            self._move(location, ITEMS[line], -quantity * FACTORS[line])

    def arrive(self, location: str, item: str, quantity: Decimal) -> StockArrived:
        self._move(location, item, quantity)
        free = self.free()[location][item]
        return StockArrived(id="arrived", item=item, location=location, available=free)

    def lose(self, location: str, line: str, quantity: Decimal) -> StockLost | None:
        """Counted and not there; what was reserved of it is taken back, and the order told."""
        self._move(location, ITEMS[line], -quantity * FACTORS[line])
        name = f"{line}/{location}"
        short = self._needed(self.reserved).get((location, ITEMS[line]), ZERO) - max(
            self.on_hand[location, ITEMS[line]], ZERO
        )
        open_here = self.reserved.get(name, ZERO) - self.shipped.get(name, ZERO)
        taken = min((short / FACTORS[line]).to_integral_value(ROUND_UP), open_here)
        if taken <= 0:
            return None
        self.reserved = tidy({**self.reserved, name: self.reserved[name] - taken})
        return StockLost(id="lost", line=line, location=location, quantity=taken)

    def _move(self, location: str, item: str, quantity: Decimal) -> None:
        place = location, item
        self.on_hand[place] = self.on_hand.get(place, ZERO) + quantity

    def _needed(self, goal: Goal) -> dict[tuple[str, str], Decimal]:
        needed: dict[tuple[str, str], Decimal] = {}
        for name, quantity in goal.items():
            line, _, location = name.partition("/")
            rest = max(quantity - self.shipped.get(name, ZERO), ZERO) * FACTORS[line]
            needed[location, ITEMS[line]] = needed.get((location, ITEMS[line]), ZERO) + rest
        return needed

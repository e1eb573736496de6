"""What we need of whoever knows the prices."""

from datetime import date
from decimal import Decimal
from typing import Protocol

from domain.base import Fact


class PriceQuestion(Fact):
    """What does `customer` pay for `quantity` `unit`s of `item` on `on`?"""

    item: str
    quantity: Decimal
    unit: str
    on: date


class Quote(Fact):
    """The price per `unit`, in `currency`, and where it comes from: contract, list or item."""

    item: str
    price: Decimal
    unit: str
    currency: str
    source: str


class Pricing(Protocol):
    async def quote(
        self, customer: str, currency: str, questions: tuple[PriceQuestion, ...]
    ) -> tuple[Quote | None, ...]:
        """One answer per question, `None` where nobody has a price in that currency.

        Contract before price list before the item's own price; of several quantity breaks the
        highest that is reached. Raises `Unavailable`.
        """
        ...

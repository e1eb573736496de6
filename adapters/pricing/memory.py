"""Prices given in the program, for tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.pricing.contract_prices import PriceFacts, answer
from adapters.pricing.port import PriceQuestion, Quote
from domain.catalog import Item, Price


@dataclass
class MemoryPricing:
    """`price_lists` names each customer's price list."""

    items: dict[str, Item] = field(default_factory=dict)
    prices: list[Price] = field(default_factory=list)
    price_lists: Mapping[str, str] = field(default_factory=dict)

    async def quote(
        self, customer: str, currency: str, questions: tuple[PriceQuestion, ...]
    ) -> tuple[Quote | None, ...]:
        theirs = self.price_lists.get(customer)
        prices = tuple(
            price
            for price in self.prices
            if price.customer == customer or (theirs is not None and price.price_list == theirs)
        )
        return answer(PriceFacts(items=self.items, prices=prices), currency, questions)

"""Prices from our own master data."""

import json
from collections.abc import Mapping
from decimal import Decimal

from psycopg import OperationalError
from psycopg_pool import AsyncConnectionPool

from adapters.pricing.port import PriceQuestion, Quote
from domain.base import Fact
from domain.catalog import Item, Price
from domain.errors import Unavailable
from domain.pricing import choose_price


class PriceFacts(Fact):
    """What a decision about prices needs: the items, and the prices of customer and list."""

    items: Mapping[str, Item] = {}
    prices: tuple[Price, ...] = ()


def answer(
    facts: PriceFacts, currency: str, questions: tuple[PriceQuestion, ...]
) -> tuple[Quote | None, ...]:
    """One answer per question."""
    return tuple(_quote(facts, currency, question) for question in questions)


def _quote(facts: PriceFacts, currency: str, question: PriceQuestion) -> Quote | None:
    item = facts.items.get(question.item)
    if item is None:
        return None
    choice = choose_price(
        item,
        facts.prices,
        currency=currency,
        quantity=question.quantity,
        unit=question.unit,
        on=question.on,
    )
    if choice is None:
        return None
    return Quote(item=item.id, currency=currency, **choice.model_dump())


class ContractPrices:
    """Contracts, price lists and item prices in PostgreSQL, asked in one round trip."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def quote(
        self, customer: str, currency: str, questions: tuple[PriceQuestion, ...]
    ) -> tuple[Quote | None, ...]:
        items = sorted({question.item for question in questions})
        try:
            async with self._pool.connection() as db:
                found = await db.execute("select price_facts(%s, %s)::text", (customer, items))
                row = await found.fetchone()
        except OperationalError as away:
            raise Unavailable("the database does not answer") from away
        assert row is not None
        facts = PriceFacts.model_validate(json.loads(row[0], parse_float=Decimal))
        return answer(facts, currency, questions)

"""Prices: kept by `PUT`, asked for by `POST`."""

from datetime import UTC, date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from adapters.pricing.port import PriceQuestion
from api.deps import AnyId, Books, Caller
from api.guard import check_bound
from api.master_data import READ, WRITE
from api.paging import Cursor, Limit, Page, from_cursor, to_cursor
from api.routing import router
from api.shapes import Money, canonical, canonical_record
from domain.catalog import Price
from domain.money import Currency
from domain.order_in import Code, Quantity

routes = router("/prices", "prices")


class PriceIn(Price):
    model_config = ConfigDict(extra="forbid")


class PricesIn(BaseModel):
    """Each replaces the price of the same item, customer or list, currency, unit, break, start."""

    model_config = ConfigDict(extra="forbid")

    items: list[PriceIn] = Field(min_length=1, max_length=10_000)


class PriceWritten(BaseModel):
    outcome: Literal["created", "changed", "unchanged"]
    revision: int


class PricesWritten(BaseModel):
    """One per price, in the order given."""

    items: list[PriceWritten]


class PriceLine(BaseModel):
    """`unit` is the item's stock unit when it is not given."""

    model_config = ConfigDict(extra="forbid")

    item: AnyId
    quantity: Quantity
    unit: Code | None = None


class PricesAsked(BaseModel):
    """What would this customer pay? `on` is today when it is not given."""

    model_config = ConfigDict(extra="forbid")

    customer: AnyId
    currency: Currency | None = None
    on: date | None = None
    lines: list[PriceLine] = Field(min_length=1, max_length=1000)


class PriceAnswer(BaseModel):
    """`price` is per `unit`, and null where there is none; `source`: contract, list or item."""

    item: str
    price: Money | None = None
    unit: str | None = None
    currency: str | None = None
    source: str | None = None


class PriceAnswers(BaseModel):
    """One per line, in the order given."""

    items: list[PriceAnswer]


@routes.put("", openapi_extra=WRITE)
async def put_prices(given: PricesIn, books: Books) -> PricesWritten:
    """Write contract and list prices."""
    written = []
    for put in await books.master.put_prices(*given.items):
        assert put.outcome != "stale"
        written.append(PriceWritten(outcome=put.outcome, revision=put.version))
    return PricesWritten(items=written)


@routes.get("", openapi_extra=READ)
async def list_prices(books: Books, limit: Limit = 100, cursor: Cursor = None) -> Page[Price]:
    """Contract and list prices, the oldest first."""
    rows = await books.master.list_prices(from_cursor(cursor, 0), limit + 1)
    shown = rows[:limit]
    following = to_cursor(shown[-1][0]) if len(rows) > limit else None
    return Page(items=[canonical_record(price) for _, price in shown], next=following)


@routes.post("", openapi_extra=READ)
async def ask_prices(asked: PricesAsked, books: Books, caller: Caller) -> PriceAnswers:
    """What the customer would pay, in the customer's currency unless another one is given."""
    check_bound(caller, "customer", asked.customer)
    facts = await books.master.capture_facts(
        None, asked.customer, [line.item for line in asked.lines]
    )
    currency = asked.currency or (facts.customer.currency if facts.customer else None)
    on = asked.on or datetime.now(UTC).date()
    if currency is None:
        return PriceAnswers(items=[PriceAnswer(item=line.item) for line in asked.lines])
    questions = []
    for line in asked.lines:
        item = facts.items.get(line.item)
        unit = line.unit or (item.unit if item else "")
        questions.append(PriceQuestion(item=line.item, quantity=line.quantity, unit=unit, on=on))
    quotes = await books.pricing.quote(asked.customer, currency, tuple(questions))
    answers = [
        PriceAnswer(**quote.model_dump() | {"price": canonical(quote.price, quote.currency)})
        if quote
        else PriceAnswer(item=line.item)
        for line, quote in zip(asked.lines, quotes, strict=True)
    ]
    return PriceAnswers(items=answers)

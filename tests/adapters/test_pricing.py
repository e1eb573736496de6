"""What a customer pays, the same from memory and from PostgreSQL; and the master data behind it."""

import abc
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import make_url

from adapters.postgres.master import COLUMNS, Kind, MasterData
from adapters.postgres.tables import metadata
from adapters.pricing.contract_prices import ContractPrices
from adapters.pricing.memory import MemoryPricing
from adapters.pricing.port import PriceQuestion, Pricing, Quote
from domain.catalog import Item, Location, LocationKind, Price
from domain.errors import Unavailable
from domain.party import Address, Company, Customer

TODAY = date(2026, 3, 15)
ADDRESS = Address(
    line1="1 Mill Road", city="Dayton", region="OH", postal_code="45402", country="US"
)


def an_item(**changes: Any) -> Item:
    given: dict[str, Any] = {
        "id": "BOLT-8",
        "description": "Hex bolt M8",
        "unit": "EA",
        "units": {"CS": "12"},
        "currency": "USD",
        "price": "1.50",
    }
    return Item.model_validate(given | changes)


def a_customer(**changes: Any) -> Customer:
    given: dict[str, Any] = {
        "id": "ACME",
        "name": "Acme Works",
        "currency": "USD",
        "credit_limit": "5000",
        "payment_terms": "NET30",
        "address": ADDRESS,
        "price_list": "GOLD",
    }
    return Customer.model_validate(given | changes)


def a_price(**changes: Any) -> Price:
    given: dict[str, Any] = {"item": "BOLT-8", "currency": "USD", "price": "1"}
    return Price.model_validate(given | changes)


def asks(**changes: Any) -> PriceQuestion:
    given: dict[str, Any] = {"item": "BOLT-8", "quantity": "1", "unit": "EA", "on": TODAY}
    return PriceQuestion.model_validate(given | changes)


class PricingContract(abc.ABC):
    @abc.abstractmethod
    async def with_prices(self, *prices: Price) -> Pricing:
        """A pricing that knows `an_item()`, `a_customer()` and these prices."""

    async def one(self, pricing: Pricing, currency: str = "USD", **question: Any) -> Quote | None:
        (quote,) = await pricing.quote("ACME", currency, (asks(**question),))
        return quote

    async def price(self, *prices: Price, **question: Any) -> Decimal | None:
        quote = await self.one(await self.with_prices(*prices), **question)
        return quote.price if quote else None

    async def test_contract_goes_before_list_before_item(self) -> None:
        contract, listed = a_price(customer="ACME", price="3"), a_price(price_list="GOLD")

        assert await self.price(contract, listed) == 3
        assert await self.price(listed) == 1
        assert await self.price() == Decimal("1.50")

    async def test_says_where_a_price_comes_from(self) -> None:
        pricing = await self.with_prices(a_price(price_list="GOLD"))

        assert await self.one(pricing) == Quote(
            item="BOLT-8", price=Decimal(1), unit="EA", currency="USD", source="list"
        )

    async def test_prices_of_others_do_not_count(self) -> None:
        others = a_price(customer="OTHER"), a_price(price_list="SILVER")

        assert await self.price(*others) == Decimal("1.50")

    @pytest.mark.parametrize(
        ("quantity", "expected"), [("9", "5"), ("10", "4"), ("99", "4"), ("100", "3")]
    )
    async def test_the_highest_break_that_is_reached(self, quantity: str, expected: str) -> None:
        breaks = [
            a_price(customer="ACME", price="4", min_quantity="10"),
            a_price(customer="ACME", price="3", min_quantity="100"),
            a_price(customer="ACME", price="5"),
        ]

        assert await self.price(*breaks, quantity=quantity) == Decimal(expected)

    @pytest.mark.parametrize(
        ("quantity", "unit", "expected"),
        [("23", "EA", "1"), ("24", "EA", "10"), ("1", "CS", "1"), ("2", "CS", "10")],
    )
    async def test_breaks_are_compared_in_the_stock_unit(
        self, quantity: str, unit: str, expected: str
    ) -> None:
        breaks = [
            a_price(customer="ACME", price="1"),
            a_price(customer="ACME", price="10", unit="CS", min_quantity="2"),
        ]

        assert await self.price(*breaks, quantity=quantity, unit=unit) == Decimal(expected)

    async def test_a_price_keeps_its_own_unit(self) -> None:
        pricing = await self.with_prices(a_price(customer="ACME", price="10", unit="CS"))

        quote = await self.one(pricing, unit="EA")

        assert quote
        assert (quote.price, quote.unit) == (Decimal(10), "CS")

    async def test_a_price_in_the_unit_asked_for_is_preferred(self) -> None:
        same = [
            a_price(customer="ACME", price="1", unit="EA"),
            a_price(customer="ACME", price="10", unit="CS"),
        ]

        assert await self.price(*same, unit="EA") == 1
        assert await self.price(*same, unit="CS") == 10

    @pytest.mark.parametrize(
        ("on", "expected"),
        [
            (date(2026, 2, 28), "1.50"),
            (date(2026, 3, 1), "1"),
            (date(2026, 3, 31), "1"),
            (date(2026, 4, 1), "1.50"),
        ],
    )
    async def test_first_and_last_day_both_count(self, on: date, expected: str) -> None:
        march = a_price(customer="ACME", valid_from="2026-03-01", valid_to="2026-03-31")

        assert await self.price(march, on=on) == Decimal(expected)

    async def test_of_two_that_are_valid_the_later_one(self) -> None:
        both = [
            a_price(customer="ACME", price="2", valid_from="2026-03-01"),
            a_price(customer="ACME", price="3", valid_from="2026-01-01"),
        ]

        assert await self.price(*both) == 2

    async def test_no_price_in_another_currency(self) -> None:
        pricing = await self.with_prices(a_price(customer="ACME", currency="EUR", price="9"))

        assert await self.one(pricing, "CAD") is None
        assert (euros := await self.one(pricing, "EUR"))
        assert euros.price == 9

    async def test_no_price_for_what_nobody_knows(self) -> None:
        pricing = await self.with_prices()

        assert await self.one(pricing, item="NOWHERE") is None
        assert await self.one(pricing, unit="PALLET") is None

    async def test_answers_every_question_in_order(self) -> None:
        pricing = await self.with_prices()

        quotes = await pricing.quote("ACME", "USD", (asks(item="NOWHERE"), asks(), asks(unit="CS")))

        assert [quote is not None for quote in quotes] == [False, True, True]


class TestMemoryPricing(PricingContract):
    async def with_prices(self, *prices: Price) -> Pricing:
        return MemoryPricing({"BOLT-8": an_item()}, list(prices), {"ACME": "GOLD"})


class TestContractPrices(PricingContract):
    @pytest.fixture(autouse=True)
    def _keep(self, pool: AsyncConnectionPool) -> None:
        self.pool = pool

    async def with_prices(self, *prices: Price) -> Pricing:
        master = MasterData(self.pool)
        async with self.pool.connection() as db:
            await db.execute("truncate price")
        await master.put_items(an_item())
        await master.put_customers(a_customer())
        await master.put_prices(*prices)
        return ContractPrices(self.pool)


async def test_without_the_database_prices_are_unavailable(pool: AsyncConnectionPool) -> None:
    pricing = ContractPrices(pool)
    await pool.close()

    with pytest.raises(Unavailable):
        await pricing.quote("ACME", "USD", (asks(),))


async def test_writing_the_same_again_changes_nothing(pool: AsyncConnectionPool) -> None:
    master = MasterData(pool)

    (first,) = await master.put_items(an_item())
    (second,) = await master.put_items(an_item())
    (third,) = await master.put_items(an_item(price="2"))

    assert (first.outcome, first.version) == ("created", 1)
    assert (second.outcome, second.version) == ("unchanged", 1)
    assert (third.outcome, third.version) == ("changed", 2)
    kept = await master.get_item("BOLT-8")
    assert kept
    assert (kept.record, kept.version) == (an_item(price="2"), 2)


async def test_a_stale_version_changes_nothing(pool: AsyncConnectionPool) -> None:
    master = MasterData(pool)
    await master.put_items(an_item())
    await master.put_items(an_item(price="2"))

    (stale,) = await master.put_items(an_item(price="3"), expected=1)
    (missing,) = await master.put_items(an_item(id="NEW"), expected=1)
    (current,) = await master.put_items(an_item(price="4"), expected=2)

    assert [put.outcome for put in (stale, missing, current)] == ["stale", "stale", "changed"]
    assert await master.get_item("NEW") is None


async def test_the_last_of_several_rows_with_one_id_wins(pool: AsyncConnectionPool) -> None:
    master = MasterData(pool)

    put = await master.put_items(an_item(price="2"), an_item(id="NUT"), an_item(price="3"))

    assert [row.outcome for row in put] == ["created"] * 3
    kept = await master.get_item("BOLT-8")
    assert kept
    assert kept.record.price == 3


async def test_a_price_is_replaced_under_the_same_terms(pool: AsyncConnectionPool) -> None:
    master = MasterData(pool)

    await master.put_prices(a_price(customer="ACME"))
    (again,) = await master.put_prices(a_price(customer="ACME", price="2"))

    assert again.outcome == "changed"
    assert [price for _, price in await master.list_prices()] == [
        a_price(customer="ACME", price="2")
    ]


async def test_lists_go_on_where_they_ended(pool: AsyncConnectionPool) -> None:
    master = MasterData(pool)
    await master.put_items(*(an_item(id=f"I{n}") for n in range(5)))

    first = await master.list_items(limit=3)
    rest = await master.list_items(after=first[-1].id, limit=3)

    assert [item.id for item in (*first, *rest)] == ["I0", "I1", "I2", "I3", "I4"]


async def test_capture_looks_everything_up_at_once(pool: AsyncConnectionPool) -> None:
    master = MasterData(pool)
    company = Company(id="US", name="Throughline Inc", currency="USD")
    customer, payer = a_customer(bill_to="HQ"), a_customer(id="HQ")
    east = Location(
        id="EAST", name="East", kind=LocationKind.WAREHOUSE, address=ADDRESS, wms="wms-east"
    )
    await master.put_companies(company)
    await master.put_customers(customer, payer)
    await master.put_items(an_item(weight="0.1"))
    await master.put_locations(east, east.model_copy(update={"id": "OLD", "active": False}))

    facts = await master.capture_facts(None, "ACME", ["BOLT-8", "NOWHERE"])

    assert facts.company == company
    assert (facts.customer, facts.account) == (customer, payer)
    assert facts.items == {"BOLT-8": an_item(weight="0.1")}
    assert facts.locations == (east,)
    nothing = await master.capture_facts("CA", "NOBODY", [])
    assert (nothing.company, nothing.customer, nothing.account) == (None, None, None)


@pytest.mark.parametrize("kind", sorted(COLUMNS))
def test_master_data_knows_the_columns_of_its_tables(kind: Kind) -> None:
    dialect = make_url("postgresql+psycopg://").get_dialect()()
    ours = {"version", "updated_at", "number"}
    columns = [c for c in metadata.tables[kind].columns if c.name not in ours]

    assert COLUMNS[kind] == {c.name: c.type.compile(dialect).lower() for c in columns}

"""What is sold, where it comes from, and for how much."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.base import Fact, Id
from domain.money import Currency
from domain.order_in import Code, Quantity, UnitPrice
from domain.party import Address, Company, Customer, Name

ONE = Decimal(1)

ShortText = Annotated[str, Field(min_length=1, max_length=64)]


class ItemData(Fact):
    """An article. Stock is kept in `unit`; `units` says exactly how many of it others hold.

    `price` is the list price per `price_unit` (per `unit` when that is not given) in `currency`;
    `weight` is in kilograms per `unit`. `kit` lists the components, in their own units, that one
    `unit` of a kit parent consists of.
    """

    description: Name
    unit: Code
    units: dict[Code, Quantity] = Field(default_factory=dict)
    currency: Currency
    price: UnitPrice
    price_unit: Code | None = None
    tax_code: ShortText | None = None
    weight: UnitPrice | None = None
    lot_controlled: bool = False
    serial_controlled: bool = False
    kit: dict[Id, Quantity] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _units_agree(self) -> Self:
        if self.units.get(self.unit, ONE) != ONE:
            raise ValueError("one stock unit holds exactly one stock unit")
        if self.price_unit and self.factor(self.price_unit) is None:
            raise ValueError("price_unit is none of the item's units")
        return self

    def factor(self, unit: str) -> Decimal | None:
        """How many of the stock unit one `unit` holds; `None` for a unit this item has not."""
        return ONE if unit == self.unit else self.units.get(unit)


class Item(ItemData):
    id: Id


class LocationKind(StrEnum):
    WAREHOUSE = "warehouse"
    SUPPLIER = "supplier"
    STORE = "store"


class LocationData(Fact):
    """A source of goods. `wms` and `tms` name the system instances that run it and book for it.

    `safety_stock` is kept back from promises, in stock units of every item held there. Nothing new
    is promised from a location that is not `active`.
    """

    name: Name
    kind: LocationKind
    wms: Code | None = None
    tms: Code | None = None
    address: Address
    safety_stock: UnitPrice = Decimal(0)
    active: bool = True


class Location(LocationData):
    id: Code


class Price(Fact):
    """A contract or list price per `unit` from `min_quantity` of that unit on.

    `unit` is the item's stock unit when it is not given. `valid_from` and `valid_to` are the first
    and the last day.
    """

    item: Id
    customer: Id | None = None
    price_list: Id | None = None
    currency: Currency
    price: UnitPrice
    unit: Code | None = None
    min_quantity: UnitPrice = Decimal(0)
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _whose(self) -> Self:
        if (self.customer is None) == (self.price_list is None):
            raise ValueError("name either a customer or a price_list")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        return self


class CaptureFacts(Fact):
    """What master data knows of one order: the one look capture takes at it.

    `company` is the one that was asked for, or the only one there is. `account` is the customer who
    pays. `items` has only what exists; `locations` are the active ones.
    """

    company: Company | None = None
    customer: Customer | None = None
    account: Customer | None = None
    items: Mapping[str, Item] = {}
    locations: tuple[Location, ...] = ()

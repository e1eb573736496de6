"""What is sold, where it comes from, and for how much."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from domain.base import Fact, Id
from domain.party import Address, Name


class Item(Fact):
    """An article. Stock is kept in `unit`; `units` says exactly how many of it others hold.

    `price` is the list price per `unit` in `currency`; `weight` is in kilograms per `unit`.
    `kit` lists the components, in their own units, that one `unit` of a kit parent consists of.
    """

    id: Id
    description: Name
    unit: str = Field(max_length=20)
    units: dict[str, Decimal] = {}
    currency: str
    price: Decimal = Field(ge=0)
    price_unit: str | None = None
    tax_code: str | None = None
    weight: Decimal | None = Field(None, ge=0)
    lot_controlled: bool = False
    serial_controlled: bool = False
    kit: dict[str, Decimal] = {}

    def factor(self, unit: str) -> Decimal | None:
        """How many of the stock unit one `unit` holds; `None` for a unit this item has not."""
        return Decimal(1) if unit == self.unit else self.units.get(unit)


class LocationKind(StrEnum):
    WAREHOUSE = "warehouse"
    SUPPLIER = "supplier"
    STORE = "store"


class Location(Fact):
    """A source of goods. `wms` names the system instance that runs it.

    `safety_stock` is kept back from promises, in stock units of every item held there.
    """

    id: Id
    name: Name
    kind: LocationKind
    wms: str | None = None
    address: Address
    safety_stock: Decimal = Field(Decimal(0), ge=0)


class Price(Fact):
    """A contract or list price per `unit` from `min_quantity` of that unit on."""

    item: Id
    customer: Id | None = None
    price_list: Id | None = None
    currency: str
    price: Decimal = Field(ge=0)
    unit: str | None = None
    min_quantity: Decimal = Field(Decimal(0), ge=0)
    valid_from: date | None = None
    valid_to: date | None = None

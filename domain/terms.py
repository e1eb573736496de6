"""What capture adds to an order: who pays how, what each line costs and holds, who delivers."""

from decimal import Decimal

from domain.base import Fact
from domain.catalog import LocationKind
from domain.party import Address

ONE = Decimal(1)


class LineTerms(Fact):
    """One line in the words of our item master.

    `price` is per `price_unit`. One `unit` of the line holds `stock_factor` stock units, one price
    unit `price_stock_factor`: kept apart, so that no quotient is ever rounded on the way.
    `discount` is in percent of the price; `weight` is kilograms per `unit`.
    """

    item: str
    unit: str
    price: Decimal
    price_unit: str
    stock_factor: Decimal = ONE
    price_stock_factor: Decimal = ONE
    discount: Decimal = Decimal(0)
    tax_code: str = ""
    weight: Decimal = Decimal(0)

    @property
    def net_price(self) -> Decimal:
        """Per price unit, what is paid of the price."""
        return self.price * (100 - self.discount) / 100


class Part(Fact):
    """Of a kit: `per_kit` stock units go into one unit of its line; `value` is their list price."""

    item: str
    unit: str
    per_kit: Decimal
    value: Decimal = Decimal(0)
    tax_code: str = ""
    weight: Decimal = Decimal(0)


class SourceTerms(Fact):
    """A location that can deliver. `wms` and `tms` name the system instances that serve it;
    `other_tms` those that are asked, in turn, when that carrier refuses.
    """

    kind: LocationKind
    wms: str
    tms: str
    other_tms: tuple[str, ...] = ()
    address: Address

    @property
    def carriers(self) -> tuple[str, ...]:
        return (self.tms, *self.other_tms)


class Terms(Fact):
    """`account` is whose credit is used; `payment_terms` a term code such as NET30.

    `systems` names the system instance per capability (erp, tax, payment): routing is data.
    """

    company: str = ""
    account: str = ""
    payment_terms: str = ""
    tax_exempt: bool = False
    lines: dict[str, LineTerms] = {}
    sources: dict[str, SourceTerms] = {}
    systems: dict[str, str] = {}

"""What each outside system is told: no more of an order than that step needs.

Every document says in `goal` exactly what is to stand under its key; an empty goal takes it back,
and then the rest of the document is only there to say whose it was. Quantities are in the line's
unit, amounts in `currency`.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from domain.base import Fact, Goal
from domain.party import Address

D = TypeVar("D", bound="Document")


class Document(Fact):
    goal: Goal
    order_id: str


class Instruction(Fact, Generic[D]):
    """One call: make `document.goal` stand under `key` at `system`.

    `ask` first when an earlier call's outcome is unknown. `run` is the run that wants it: after a
    reset, Temporal repeats calls for another one.
    """

    key: str
    effect: str
    system: str
    ask: bool
    run: str
    document: D


class WantedLine(Fact):
    """A line as the channel asked for it, or (`part_of`) the part of a kit: priced with that."""

    line: str
    item: str
    quantity: Decimal
    unit: str | None = None
    price: Decimal | None = None
    price_unit: str | None = None
    discount: Decimal = Decimal(0)
    part_of: str = ""


class CaptureRequest(Document):
    """What is to be looked up for an order. Goal: quantity by line."""

    company: str | None = None
    customer: str
    bill_to: str | None = None
    currency: str
    on: date
    lines: tuple[WantedLine, ...] = ()


class CreditClaim(Document):
    """How much of an account's credit the order uses. Goal: {"open": …, "invoiced": …}. `check` it
    against the limit even where it is no more than before.
    """

    account: str
    currency: str
    check: bool = False


class StockPosition(Fact):
    """`quantity` of the line, and the same in stock units."""

    position: str
    line: str
    item: str
    location: str
    quantity: Decimal
    stock_quantity: Decimal


class StockClaim(Document):
    """What is to be reserved for the order, shipped goods included. Goal: quantity by position.

    `factors` is how many stock units one unit of each line holds, for what is heard of later.
    """

    positions: tuple[StockPosition, ...] = ()
    items: dict[str, str] = {}
    factors: dict[str, Decimal] = {}


class SoldLine(Fact):
    """A line as sold: `price` is per `price_unit`, `discount` in percent of it; `amount`
    is net of tax and discount, and rounded.
    """

    line: str
    item: str
    quantity: Decimal
    unit: str
    price: Decimal
    price_unit: str
    discount: Decimal = Decimal(0)
    amount: Decimal


class SalesOrder(Document):
    """The order as the ERP books it. Goal: quantity by line."""

    company: str
    customer: str
    purchase_order: str
    currency: str
    ship_to: Address | None = None
    lines: tuple[SoldLine, ...] = ()


class PickLine(Fact):
    line: str
    item: str
    quantity: Decimal
    unit: str


class WarehouseRelease(Document):
    """What one warehouse shall pick and ship. Goal: quantity by line."""

    fulfilment_id: str
    warehouse: str
    ship_to: Address | None = None
    ship_method: str = ""
    lines: tuple[PickLine, ...] = ()


class TransportBooking(Document):
    """Transport for one fulfilment. Goal: quantity by line. `weight` is in kilograms."""

    fulfilment_id: str
    warehouse: str
    ship_from: Address | None = None
    ship_to: Address | None = None
    ship_method: str = ""
    weight: Decimal = Decimal(0)


class ShipmentConfirmation(Document):
    """What left a warehouse, for the ERP. Goal: quantity by line."""

    sales_order: str
    shipment_id: str
    warehouse: str
    carrier: str = ""
    tracking: str = ""
    shipped_at: datetime | None = None


class TaxedLine(Fact):
    """A line to tax: `amount` is net; negative on a return. Of a return, `ship_from` and `sold_on`
    are those of the sale, and `tax` what is given back where the engine shall not work it out.
    """

    line: str
    item: str
    quantity: Decimal
    amount: Decimal
    tax_code: str = ""
    ship_from: Address | None = None
    sold_on: date | None = None
    tax: Decimal | None = None


class TaxDocument(Document):
    """Final tax of one shipment, or of one return. Goal: quantity by line; answers tax by line.

    `code` is the document's number in the tax engine, unique for ever.
    """

    code: str
    company: str
    customer: str
    currency: str
    date: date
    is_return: bool = False
    exempt: bool = False
    ship_from: Address | None = None
    ship_to: Address | None = None
    lines: tuple[TaxedLine, ...] = ()


class BilledLine(SoldLine):
    tax: Decimal


class Billing(Document):
    """One shipment's invoice, or one return's credit note. Goal: quantity by line.

    The ERP gives the number. All amounts are positive, on a credit note too.
    """

    company: str
    customer: str
    sales_order: str
    purchase_order: str
    document_id: str
    currency: str
    payment_terms: str
    lines: tuple[BilledLine, ...] = ()
    freight: Decimal = Decimal(0)
    restocking: Decimal = Decimal(0)
    subtotal: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    total: Decimal = Decimal(0)


class PaymentAuthorisation(Document):
    """A claim on a card for the whole order. Goal: {"amount": …}."""

    customer: str
    currency: str
    token: str


class PaymentCapture(Document):
    """Money taken for one invoice, from its order's authorisation. Goal: {"amount": …}."""

    authorisation: str
    document_id: str
    currency: str


class PaymentRefund(Document):
    """Money given back for one credit note. Goal: {"amount": …}."""

    captured: str
    document_id: str
    currency: str

"""The shapes in which orders and what belongs to them are shown, decimals always in one way."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, PlainSerializer

from domain.base import Fact
from domain.money import MINOR_UNITS
from domain.party import Address

F = TypeVar("F", bound=Fact)
_PRICED = {"price", "credit_limit"}


def canonical(value: Decimal, currency: str | None = None) -> Decimal:
    """Without powers of ten and trailing zeros; money with all of its currency's minor unit."""
    whole, _, part = f"{value:f}".partition(".")
    part = part.rstrip("0").ljust(MINOR_UNITS[currency] if currency else 0, "0")
    found = Decimal(f"{whole}.{part}" if part else whole)
    return found if found else abs(found)


def canonical_record(record: F) -> F:
    """A record of master data with its decimals as we show them."""
    currency = getattr(record, "currency", None)
    shown: dict[str, Any] = {}
    for name, value in record:
        if isinstance(value, Decimal):
            shown[name] = canonical(value, currency if name in _PRICED else None)
        elif isinstance(value, dict):
            shown[name] = {unit: canonical(quantity) for unit, quantity in value.items()}
    return record.model_copy(update=shown)


Amount = Annotated[Decimal, PlainSerializer(lambda value: f"{canonical(value):f}", return_type=str)]
"""A quantity as a decimal string."""
Money = Annotated[Decimal, PlainSerializer(lambda value: f"{value:f}", return_type=str)]
"""Money as a decimal string; made `canonical` by whoever knows its currency."""


class QuantitiesOut(BaseModel):
    ordered: Amount
    allocated: Amount
    backordered: Amount
    released: Amount
    picked: Amount
    packed: Amount
    shipped: Amount
    delivered: Amount
    invoiced: Amount
    returned: Amount
    cancelled: Amount


class PromiseOut(BaseModel):
    """The first day all that is open can leave; `supply` is `stock` or `supplier`."""

    ship_date: str
    supply: str


class LineOut(BaseModel):
    """`kit`: the line it is a part of, `per_kit` of it to each; its price is a share of that one's.
    Whoever names the kit's line in a command means all of its parts.
    """

    line: str
    kit: str | None
    per_kit: Amount | None
    item: str
    unit: str | None
    price: Money | None
    price_unit: str | None
    discount: Amount
    status: str
    promise: PromiseOut | None = None
    quantities: QuantitiesOut


class PartOut(BaseModel):
    """Some of a line."""

    line: str
    quantity: Amount


class ShipmentOut(BaseModel):
    id: str
    order_id: str
    source: str
    carrier: str
    tracking: str
    document: str
    shipped_at: datetime
    delivered_at: datetime | None
    lost: bool
    came_back: bool
    lines: list[PartOut]


class FulfilmentOut(BaseModel):
    """What one source was asked for; `lines` is what it shall ship in all."""

    id: str
    source: str
    status: str
    lines: list[PartOut]
    shipments: list[ShipmentOut]


class HoldOut(BaseModel):
    id: str
    order_id: str
    scope: str
    reason: str
    owner: str
    since: datetime
    until: datetime | None
    detail: str
    clears_on: str
    released_at: datetime | None
    released_by: str


class WaitOut(BaseModel):
    """`text` says `what` is waited for in a sentence."""

    what: str
    text: str
    system: str
    since: datetime | None
    attempts: int
    last_error: str
    deadline: datetime | None


class EffectOut(BaseModel):
    """A standing claim on a system: `operation` under `key`. `skipped`: done by hand, and why."""

    system: str
    operation: str
    subject: str
    key: str
    state: str
    standing: dict[str, Money]
    reference: str
    skipped: str
    at: datetime | None


class BilledLineOut(BaseModel):
    line: str
    quantity: Amount
    price: Money
    amount: Money
    tax: Money


class InvoiceOut(BaseModel):
    id: str
    number: str
    order_id: str
    shipment_id: str
    lines: list[BilledLineOut]
    subtotal: Money
    freight: Money
    tax: Money
    total: Money
    currency: str
    posted_at: datetime | None


class CreditOut(BaseModel):
    """`kind` is `goods` for what came back, or why there is credit without goods; `restocking` is
    what was kept of it.
    """

    id: str
    number: str
    order_id: str
    return_id: str
    kind: str
    lines: list[BilledLineOut]
    subtotal: Money
    freight: Money
    restocking: Money
    tax: Money
    total: Money
    currency: str
    posted_at: datetime | None


class PaymentOut(BaseModel):
    kind: str
    document_id: str
    reference: str
    state: str
    amount: Money
    currency: str
    at: datetime | None


class AuthorisedReturnOut(BaseModel):
    """A return that was agreed to. `open` while something of it may still come back; `expires` is
    its last day.
    """

    id: str
    order_id: str
    lines: list[PartOut]
    received: list[PartOut]
    reason: str
    restocking_percent: Amount
    at: datetime
    expires: date | None
    expired: bool
    open: bool


class CreditedPartOut(PartOut):
    """`per_unit`: only so much of each one's price is credited, net."""

    per_unit: Money | None


class ReturnOut(BaseModel):
    """Goods that came back, or (another `kind` than `goods`) credit without goods. `authorised` is
    what was agreed to; if nothing of that has come yet, it is all there is.
    """

    id: str
    order_id: str
    kind: str
    source: str
    received: list[PartOut]
    inspected: list[PartOut]
    credited: list[CreditedPartOut]
    restocking_percent: Amount
    received_at: datetime | None
    inspected_at: datetime | None
    authorised: AuthorisedReturnOut | None


class PrepaidOut(BaseModel):
    """`paid` came in, less what went back; `due` is to come in before anything is released, or
    (negative) to go back. No `due` without prices.
    """

    paid: Money
    due: Money | None
    currency: str


class TotalsOut(BaseModel):
    """`open` is agreed and not invoiced yet, net of tax; the rest with tax and freight."""

    currency: str
    open: Money
    invoiced: Money
    credited: Money


class LinksOut(BaseModel):
    """Where else to look."""

    self: str
    timeline: str
    temporal: str


class OrderOut(BaseModel):
    id: str
    revision: int
    company: str | None
    kind: str
    channel: str
    reference: str
    customer: str
    purchase_order: str | None
    currency: str
    status: str
    placed_at: datetime
    closed_at: datetime | None
    ship_not_before: date | None
    cancel_after: date | None
    valid_until: date | None
    ship_to: Address
    lines: list[LineOut]
    fulfilments: list[FulfilmentOut]
    holds: list[HoldOut]
    waiting_for: list[WaitOut]
    effects: list[EffectOut]
    invoices: list[InvoiceOut]
    credits: list[CreditOut]
    authorised_returns: list[AuthorisedReturnOut]
    returns: list[ReturnOut]
    payments: list[PaymentOut]
    prepaid: PrepaidOut | None
    totals: TotalsOut | None
    attributes: dict[str, Any]
    links: LinksOut

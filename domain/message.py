"""Everything that can reach an order from outside: one way in, one shape.

`n` is the message's number among those of its order, without gaps: an order hears its messages in
that order, each once, and knows by the last number it heard which ones it has not heard yet.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from domain.answer import Done, Refused
from domain.base import Fact, Goal, Id
from domain.order_in import Code, LineIn, LineNumber, OrderIn, Percent, Quantity, UnitPrice
from domain.party import Address
from domain.patience import Patience


class Heard(Fact):
    """What every message carries. `id` is the sender's own for it."""

    id: Id
    n: int = 0
    correlation_id: str = ""


class Placed(Heard):
    """`duplicate_of` names an order like this one that was placed within the last day."""

    kind: Literal["placed"] = "placed"
    order: OrderIn
    duplicate_of: str = ""
    patience: Patience = Patience()


class CancelRequested(Heard):
    """Cancel what has not left: of these lines this much, or everything."""

    kind: Literal["cancel"] = "cancel"
    lines: dict[LineNumber, Quantity] = {}
    reason: str = Field("", max_length=200)
    by: str = ""


class Amended(Heard):
    """These lines shall be of these quantities, these lines be added, and the rest be so."""

    kind: Literal["amend"] = "amend"
    lines: dict[LineNumber, Quantity] = {}
    add: tuple[LineIn, ...] = ()
    ship_to: Address | None = None
    ship_not_before: date | None = None
    cancel_after: date | None = None
    valid_until: date | None = None
    by: str = ""


class QuoteAccepted(Heard):
    """The customer takes the quote as it is: from now on it is an order. `received_at` is when that
    was stored: whether the quote was still good then is what counts.
    """

    kind: Literal["accept"] = "accept"
    received_at: datetime | None = None
    by: str = ""


RETURN_DAYS = 90
"""How long a return is waited for when whoever agrees to it names no last day."""


class ReturnAuthorised(Heard):
    """The customer may send so much of these lines back. `restocking` is the share kept of what is
    credited, in percent; `expires` the last day, or else the one so many `days` from now.
    """

    kind: Literal["return"] = "return"
    lines: dict[LineNumber, Quantity] = Field(min_length=1)
    reason: str = Field("", max_length=200)
    restocking: Percent = Decimal(0)
    expires: date | None = None
    days: int | None = Field(None, ge=0, le=3650)
    by: str = ""


class CreditReason(StrEnum):
    """Why money is given back though no goods come back."""

    SHORTAGE = "shortage"
    DAMAGED = "damaged"
    LOST = "lost"
    PRICE_PROTECTION = "price_protection"
    ALLOWANCE = "allowance"


class CreditGranted(Heard):
    """Credit without a return: whole units that did not arrive as sold or, with `per_unit` (net, by
    line), part of their price; and so much of the `freight`. `shipment` is the one that it is
    about, if it is about one.
    """

    kind: Literal["credit"] = "credit"
    reason: CreditReason
    lines: dict[LineNumber, Quantity] = Field(min_length=1)
    per_unit: dict[LineNumber, UnitPrice] = {}
    freight: UnitPrice = Decimal(0)
    shipment: Id | None = None
    by: str = ""


class PaymentReceived(Heard):
    """Money that came in for an order, prepaid or on account; negative when it was given back."""

    kind: Literal["payment"] = "payment"
    receipt: Id
    amount: Decimal
    by: str = ""


class RetryAsked(Heard):
    """Do now what waits to be tried again: one effect, or everything."""

    kind: Literal["retry"] = "retry"
    effect: str = Field("", max_length=200)
    by: str = ""


class ReplanAsked(Heard):
    """Look again at where everything not released yet shall come from."""

    kind: Literal["replan"] = "replan"
    by: str = ""


class HoldPlaced(Heard):
    """Somebody wants a scope of the order (see `Hold`) looked at before it goes on, or before
    `until`. A fulfilment may be named by its id, too.
    """

    kind: Literal["hold"] = "hold"
    reason: Code = "manual"
    detail: str = Field("", max_length=500)
    scope: str = Field("order", max_length=200)
    until: datetime | None = None
    by: str = ""


class HoldReleased(Heard):
    """`edit` is changed first. `skip`: what it is about has been done by hand, for this reason."""

    kind: Literal["hold_release"] = "hold_release"
    hold: Id
    edit: Amended | None = None
    skip: str = Field("", max_length=200)
    note: str = Field("", max_length=500)
    by: str = ""


class MilestoneKind(StrEnum):
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PICKING = "picking"
    PICKED = "picked"
    PACKED = "packed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    DELIVERY_EXCEPTION = "delivery_exception"
    CANCEL_ACCEPTED = "cancel_accepted"
    CANCEL_REFUSED = "cancel_refused"
    RETURN_RECEIVED = "return_received"
    RETURN_INSPECTED = "return_inspected"


class Disposition(StrEnum):
    RESTOCK = "restock"
    DAMAGED = "damaged"
    QUARANTINE = "quarantine"
    SCRAP = "scrap"


class MilestoneLine(Fact):
    line: LineNumber
    quantity: Quantity
    lots: tuple[str, ...] = ()
    serials: tuple[str, ...] = ()
    disposition: Disposition | None = None


class Milestone(Heard):
    """What a warehouse or carrier says happened. Quantities are this message's own."""

    kind: Literal["milestone"] = "milestone"
    milestone: MilestoneKind
    source: Code
    fulfilment_id: Id | None = None
    document: Id | None = None
    occurred_at: datetime
    shipment_id: Id | None = None
    carrier: str = Field("", max_length=80)
    tracking: str = Field("", max_length=120)
    final: bool = False
    lines: tuple[MilestoneLine, ...] = ()

    @property
    def quantities(self) -> Goal:
        total: Goal = {}
        for line in self.lines:
            total[line.line] = total.get(line.line, Decimal(0)) + line.quantity
        return total


class Answered(Heard):
    """The late answer to a call that said `Pending`."""

    kind: Literal["answer"] = "answer"
    key: str
    answer: Annotated[Done | Refused, Field(discriminator="kind")]


class StockArrived(Heard):
    """An item the order waits for can be had: `available` stock units of it at `location`, free
    again or just come. `came_at`: when any of it last came there, by a receipt or a count.
    """

    kind: Literal["stock_arrived"] = "stock_arrived"
    item: str
    location: str
    available: Decimal
    came_at: datetime | None = None


class StockLost(Heard):
    """Goods reserved for the order are not there: `quantity` in the line's unit."""

    kind: Literal["stock_lost"] = "stock_lost"
    line: LineNumber
    location: str
    quantity: Decimal


class Skipped(Heard):
    """Stands in for a message nobody could read, so that the next one can be heard."""

    kind: Literal["skipped"] = "skipped"


Message = Annotated[
    Placed
    | CancelRequested
    | Amended
    | QuoteAccepted
    | ReturnAuthorised
    | CreditGranted
    | PaymentReceived
    | RetryAsked
    | ReplanAsked
    | HoldPlaced
    | HoldReleased
    | Milestone
    | Answered
    | StockArrived
    | StockLost
    | Skipped,
    Field(discriminator="kind"),
]
MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)

"""What people ask once goods left or money came in: returns, credit without goods, payments."""

from datetime import date
from decimal import Decimal
from typing import Self

from pydantic import Field, model_validator

from api.orders import WRITE, OrderId
from api.problems import Problem
from api.routing import needs, router
from api.sending import DONE, Asked, Command, LineQuantity, Sending, by_line
from domain.base import Id
from domain.message import (
    RETURN_DAYS,
    CreditGranted,
    CreditReason,
    PaymentReceived,
    ReturnAuthorised,
)
from domain.money import Currency, round_money
from domain.order_in import MoneyMoved, Percent, Quantity, UnitPrice

routes = router("", "commands")


class NewReturn(Asked):
    """So much of these lines may come back, until the end of the day `expires`; where none is
    named, for 90 days.

    `restocking_percent` of the credit is kept.
    """

    lines: list[LineQuantity] = Field(min_length=1, max_length=1000)
    reason: str = Field("", max_length=200)
    restocking_percent: Percent = Decimal(0)
    expires: date | None = None


class CreditedLine(LineQuantity):
    """Whole units; with `per_unit`, that amount of each one's price, net."""

    per_unit: Quantity | None = None


class NewCredit(Asked):
    """Money back though no goods come back. `per_unit` goes with `price_protection` and
    `allowance`, on every line; whole units with the other reasons. `freight` is given back, too, as
    far as it was invoiced.
    """

    reason: CreditReason
    lines: list[CreditedLine] = Field(min_length=1, max_length=1000)
    freight: UnitPrice = Decimal(0)
    shipment_id: Id | None = None

    @model_validator(mode="after")
    def _per_unit_or_whole(self) -> Self:
        part = self.reason in (CreditReason.PRICE_PROTECTION, CreditReason.ALLOWANCE)
        if any((line.per_unit is not None) != part for line in self.lines):
            which = "needs per_unit on every line" if part else "is for whole units"
            raise ValueError(f"wrong per_unit: {self.reason} {which}")
        return self


class NewPayment(Asked):
    """What came in for an order, prepaid or on account; a negative amount went back. A receipt
    counts once.
    """

    receipt_id: Id
    amount: MoneyMoved
    currency: Currency

    @model_validator(mode="after")
    def _an_amount_of_it(self) -> Self:
        if not self.amount:
            raise ValueError("no money: the amount is 0")
        if round_money(self.amount, self.currency) != self.amount:
            raise ValueError("too many decimals: more than the currency has")
        return self


@routes.post("/orders/{order_id}/returns", status_code=202, openapi_extra=WRITE, responses=DONE)
async def authorise_return(order_id: OrderId, asked: NewReturn, sender: Sending) -> Command:
    """Agree to take goods back. The outcome's detail names the authorisation."""
    await sender.find(order_id)
    message = ReturnAuthorised(
        lines=by_line(asked.lines),
        reason=asked.reason,
        restocking=asked.restocking_percent,
        expires=asked.expires,
        days=None if asked.expires else RETURN_DAYS,
        **sender.signed(order_id),
    )
    return await sender.send(order_id, message)


@routes.post(
    "/orders/{order_id}/credits",
    status_code=202,
    openapi_extra=needs("credits:write"),
    responses=DONE,
)
async def grant_credit(order_id: OrderId, asked: NewCredit, sender: Sending) -> Command:
    """Give money back without goods: never more than was invoiced."""
    await sender.find(order_id)
    message = CreditGranted(
        reason=asked.reason,
        lines=by_line(asked.lines),
        per_unit={line.line: line.per_unit for line in asked.lines if line.per_unit is not None},
        freight=asked.freight,
        shipment=asked.shipment_id,
        **sender.signed(order_id),
    )
    return await sender.send(order_id, message)


@routes.post(
    "/orders/{order_id}/payments",
    status_code=202,
    openapi_extra=needs("payments:write"),
    responses=DONE,
)
async def note_payment(order_id: OrderId, asked: NewPayment, sender: Sending) -> Command:
    """Note what came in for an order that is prepaid or on account, or was given back."""
    header = (await sender.find(order_id)).order.header
    if header is None or asked.currency != header.currency:
        detail = f"The order is in {header.currency if header else 'another currency'}."
        raise Problem(422, "another_currency", detail, pointer="/currency")
    message = PaymentReceived(
        receipt=asked.receipt_id, amount=asked.amount, **sender.signed(order_id)
    )
    return await sender.send(order_id, message)

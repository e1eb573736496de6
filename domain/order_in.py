"""The order as a channel sends it: the public contract, checked before anything is stored.

Only what is wrong with the document itself is refused here. What the document asks for (unknown
customers, prices off contract) is a matter for the order, which is held until somebody decides.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from domain.base import Id
from domain.money import Currency
from domain.party import Address

MOST = Decimal(10) ** 9
"""No line of a distributor's order is a thousand million of anything: a slip of the keyboard."""

MOST_LINES = 500
MOST_BYTES = 256 * 1024
"""Of a whole order as JSON: it travels through every system and stays in histories for long."""
_SURELY_SMALL = 20
"""So many lines, each with the longest words it may have, never come to that size."""
MOST_EXTRAS = 10
LONGEST_NAME, LONGEST_VALUE, LONGEST_EXTRA, LONGEST_NOTES = 64, 500, 200, 4000
_LONGEST_NUMBER = 64

_PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")


def _plain_number(value: object) -> object:
    # Python also reads 1_000, blanks around and digits of other scripts; no partner means those.
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        raise ValueError("not a decimal number")
    if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
        raise ValueError("too many digits")
    return value


def _at_most_six_decimals(value: Decimal) -> Decimal:
    digits, exponent = value.as_tuple().digits, value.as_tuple().exponent
    while digits and digits[-1] == 0:
        digits, exponent = digits[:-1], int(exponent) + 1
    if digits and int(exponent) < -6:
        raise ValueError("too many decimals: at most 6")
    return value


Quantity = Annotated[
    Decimal,
    BeforeValidator(_plain_number),
    Field(gt=0, lt=MOST),
    AfterValidator(_at_most_six_decimals),
]
UnitPrice = Annotated[
    Decimal,
    BeforeValidator(_plain_number),
    Field(ge=0, lt=MOST),
    AfterValidator(_at_most_six_decimals),
]
MoneyMoved = Annotated[
    Decimal,
    BeforeValidator(_plain_number),
    Field(gt=-MOST, lt=MOST),
    AfterValidator(_at_most_six_decimals),
]
"""Negative when it went back."""
Percent = Annotated[
    Decimal,
    BeforeValidator(_plain_number),
    Field(ge=0, le=100),
    AfterValidator(_at_most_six_decimals),
]
LineNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
"""A code of ours or of a unit: safe in a key, a queue's name and a URL."""


def _scalar(longest: int) -> AfterValidator:
    """Text, a number, true, false or null: never something with parts of its own."""

    def check(value: object) -> object:
        if value is not None and not isinstance(value, str | bool | int | Decimal):
            raise ValueError("not a scalar: text, a number, true, false or null")
        if isinstance(value, str) and len(value) > longest:
            raise ValueError(f"string too long: at most {longest} characters")
        return value

    return AfterValidator(check)


def _scalar_schema(longest: int) -> WithJsonSchema:
    types = ["string", "number", "boolean", "null"]
    return WithJsonSchema({"type": types, "maxLength": longest})


AttributeName = Annotated[str, StringConstraints(max_length=LONGEST_NAME)]
AttributeValue = Annotated[Any, _scalar(LONGEST_VALUE), _scalar_schema(LONGEST_VALUE)]
PaymentExtra = Annotated[Any, _scalar(LONGEST_EXTRA), _scalar_schema(LONGEST_EXTRA)]


class _Contract(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PaymentIn(BaseModel):
    """`account` is invoiced under the customer's terms; `card` carries the gateway's `token`.

    Up to ten other scalars may go along.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, PaymentExtra]

    method: Literal["account", "card", "prepaid"] = "account"
    token: str | None = Field(None, max_length=200)
    paid: UnitPrice | None = None

    @model_validator(mode="after")
    def _card_has_token(self) -> Self:
        if self.method == "card" and not self.token:
            raise ValueError("a card payment needs the gateway's token")
        return self

    @model_validator(mode="after")
    def _few_extras(self) -> Self:
        if len(self.__pydantic_extra__) > MOST_EXTRAS:
            raise ValueError(f"too many extras: at most {MOST_EXTRAS}")
        if any(len(name) > LONGEST_NAME for name in self.__pydantic_extra__):
            raise ValueError(f"name too long: at most {LONGEST_NAME} characters")
        return self


class LineIn(_Contract):
    """`item` is our number; `customer_item` the buyer's own. `price` is per `price_unit`;
    `discount` is in percent of it, or of the customer's price.
    """

    line: LineNumber | None = None
    item: Id
    customer_item: Id | None = None
    quantity: Quantity
    unit: Code | None = None
    price: UnitPrice | None = None
    price_unit: Code | None = None
    discount: Percent = Decimal(0)
    requested_date: date | None = None


class OrderIn(_Contract):
    """An order or a quote request. Lines without a number get 1, 2, 3…"""

    company: Id | None = None
    channel: Code
    reference: Id
    customer: Id
    purchase_order: Id | None = None
    currency: Currency
    ship_to: Address
    bill_to: Id | None = None
    payment: PaymentIn = PaymentIn()
    freight: UnitPrice | None = None
    ship_method: Code | None = None
    fulfilment: Literal["partial", "complete", "line_complete", "fill_or_kill"] = "partial"
    ship_not_before: date | None = None
    cancel_after: date | None = None
    valid_until: date | None = None
    requested_date: date | None = None
    kind: Literal["order", "quote"] = "order"
    notes: str | None = Field(None, max_length=LONGEST_NOTES)
    attributes: dict[AttributeName, AttributeValue] = Field(default_factory=dict, max_length=50)
    lines: tuple[LineIn, ...] = Field(min_length=1, max_length=MOST_LINES)

    @model_validator(mode="after")
    def _numbered_once(self) -> Self:
        numbers = [line.line or str(n) for n, line in enumerate(self.lines, 1)]
        if len(set(numbers)) != len(numbers):
            raise ValueError("line numbers must be unique")
        return self

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        first, last = self.ship_not_before, self.cancel_after
        if first and last and last < first:
            raise ValueError("cancel_after lies before ship_not_before")
        return self

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if len(self.lines) <= _SURELY_SMALL and not self.attributes:
            return self
        if len(self.model_dump_json().encode()) > MOST_BYTES:
            raise ValueError(f"order too large: at most {MOST_BYTES} bytes as JSON")
        return self

    def numbered(self) -> "OrderIn":
        """The same order with a number on every line."""
        lines = tuple(
            line.model_copy(update={"line": line.line or str(n)})
            for n, line in enumerate(self.lines, 1)
        )
        return self.model_copy(update={"lines": lines})

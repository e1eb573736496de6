"""Money: decimal amounts, each with its currency, rounded at the currency's minor unit.

Minor units are those of ISO 4217; the table lists the currencies this product accepts.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

from pydantic import AfterValidator

from domain.base import Fact

MINOR_UNITS = {
    "AED": 2, "AUD": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CLP": 0, "CNY": 2, "COP": 2,
    "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HKD": 2, "HUF": 2, "IDR": 2, "ILS": 2, "INR": 2,
    "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "MXN": 2, "MYR": 2, "NOK": 2, "NZD": 2,
    "OMR": 3, "PEN": 2, "PHP": 2, "PLN": 2, "RON": 2, "SAR": 2, "SEK": 2, "SGD": 2, "THB": 2,
    "TND": 3, "TRY": 2, "TWD": 2, "USD": 2, "VND": 0, "ZAR": 2,
}  # fmt: skip


def _known_currency(value: str) -> str:
    if value not in MINOR_UNITS:
        raise ValueError("unknown currency")
    return value


Currency = Annotated[str, AfterValidator(_known_currency)]


class UnknownCurrency(ValueError):
    """No such currency is accepted here."""


class Money(Fact):
    """An amount in one currency."""

    amount: Decimal
    currency: str


def minor_unit(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for USD, 1 for JPY. Raises `UnknownCurrency`."""
    if currency not in MINOR_UNITS:
        raise UnknownCurrency(currency)
    return Decimal(1).scaleb(-MINOR_UNITS[currency])


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Half up at the currency's minor unit: the one rounding rule for amounts of ours."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_HALF_UP)

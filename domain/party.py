"""Whom we sell for and to: companies, customers, their addresses and terms."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from domain.base import Fact, Id
from domain.money import Currency

Name = Annotated[str, Field(min_length=1, max_length=200)]


class Address(Fact):
    """A postal address. `country` is ISO 3166-1 alpha-2, `region` its state or province."""

    name: str | None = Field(None, max_length=200)
    line1: Name
    line2: str | None = Field(None, max_length=200)
    city: Name
    region: str = Field(max_length=100)
    postal_code: str = Field(max_length=20)
    country: str = Field(pattern=r"^[A-Z]{2}$")


class CompanyData(Fact):
    """The legal entity that sells."""

    name: Name
    currency: Currency


class Company(CompanyData):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class CustomerData(Fact):
    """Who buys (sold-to). `bill_to` names another customer's account when somebody else pays.

    `credit_limit` is in the customer's currency; `payment_terms` is a term code such as NET30.
    """

    name: Name
    currency: Currency
    credit_limit: Decimal = Field(ge=0, lt=10**15, decimal_places=6)
    payment_terms: str = Field(min_length=1, max_length=40)
    address: Address
    bill_to: Id | None = None
    price_list: Id | None = None
    tax_exempt: bool = False


class Customer(CustomerData):
    id: Id

"""Master data: companies, customers, items, locations and prices, each with a version."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Column, Identity, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from adapters.postgres.tables.columns import BIGINT, JSON, MOMENT, NUMERIC, TEXT, default


class Versioned(SQLModel):
    """`version` grows with every change; it is what an ETag tells."""

    version: int = Field(sa_type=BIGINT, default=1, sa_column_kwargs=default("1"))
    updated_at: datetime | None = Field(
        sa_type=MOMENT, default=None, nullable=False, sa_column_kwargs=default("now()")
    )


class Company(Versioned, table=True):
    __tablename__ = "company"

    id: str = Field(sa_type=TEXT, primary_key=True)
    name: str = Field(sa_type=TEXT)
    currency: str = Field(sa_type=TEXT)


class Customer(Versioned, table=True):
    __tablename__ = "customer"

    id: str = Field(sa_type=TEXT, primary_key=True)
    name: str = Field(sa_type=TEXT)
    currency: str = Field(sa_type=TEXT)
    credit_limit: Decimal = Field(sa_type=NUMERIC)
    payment_terms: str = Field(sa_type=TEXT)
    address: dict[str, Any] = Field(sa_type=JSON)
    bill_to: str | None = Field(sa_type=TEXT, default=None)
    price_list: str | None = Field(sa_type=TEXT, default=None)
    tax_exempt: bool = Field(default=False, sa_column_kwargs=default("false"))


class Item(Versioned, table=True):
    __tablename__ = "item"

    id: str = Field(sa_type=TEXT, primary_key=True)
    description: str = Field(sa_type=TEXT)
    unit: str = Field(sa_type=TEXT)
    units: dict[str, Any] = Field(sa_type=JSON, sa_column_kwargs=default("'{}'"))
    currency: str = Field(sa_type=TEXT)
    price: Decimal = Field(sa_type=NUMERIC)
    price_unit: str | None = Field(sa_type=TEXT, default=None)
    tax_code: str | None = Field(sa_type=TEXT, default=None)
    weight: Decimal | None = Field(sa_type=NUMERIC, default=None)
    lot_controlled: bool = Field(default=False, sa_column_kwargs=default("false"))
    serial_controlled: bool = Field(default=False, sa_column_kwargs=default("false"))
    kit: dict[str, Any] = Field(sa_type=JSON, sa_column_kwargs=default("'{}'"))


class Location(Versioned, table=True):
    __tablename__ = "location"

    id: str = Field(sa_type=TEXT, primary_key=True)
    name: str = Field(sa_type=TEXT)
    kind: str = Field(sa_type=TEXT)
    wms: str | None = Field(sa_type=TEXT, default=None)
    tms: str | None = Field(sa_type=TEXT, default=None)
    address: dict[str, Any] = Field(sa_type=JSON)
    safety_stock: Decimal = Field(
        sa_type=NUMERIC, default=Decimal(0), sa_column_kwargs=default("0")
    )
    active: bool = Field(default=True, sa_column_kwargs=default("true"))


class Price(Versioned, table=True):
    """A customer's contract price or one of a price list: exactly one of the two is named."""

    __tablename__ = "price"
    __table_args__ = (
        UniqueConstraint(
            *("item", "customer", "price_list", "currency", "unit", "min_quantity", "valid_from"),
            name="price_key",
            postgresql_nulls_not_distinct=True,
        ),
        Index("price_customer_idx", "customer", postgresql_where=text("customer is not null")),
    )

    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), primary_key=True)
    )
    item: str = Field(sa_type=TEXT)
    customer: str | None = Field(sa_type=TEXT, default=None)
    price_list: str | None = Field(sa_type=TEXT, default=None)
    currency: str = Field(sa_type=TEXT)
    price: Decimal = Field(sa_type=NUMERIC)
    unit: str | None = Field(sa_type=TEXT, default=None)
    min_quantity: Decimal = Field(
        sa_type=NUMERIC, default=Decimal(0), sa_column_kwargs=default("0")
    )
    valid_from: date | None = Field(default=None)
    valid_to: date | None = Field(default=None)

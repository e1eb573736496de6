"""Orders: their latest snapshot, which is the read model too, and who may write it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Identity, Index, text
from sqlmodel import Field, SQLModel

from adapters.postgres.tables.columns import (
    BIGINT,
    INTEGER,
    JSON,
    MOMENT,
    NUMERIC,
    TEXT,
    TEXTS,
    default,
)


class Engine(SQLModel, table=True):
    """The one Temporal namespace that runs our orders; another one's runs are refused."""

    __tablename__ = "engine"

    what: str = Field(sa_type=TEXT, default="orders", primary_key=True)
    namespace_id: str = Field(sa_type=TEXT)
    since: datetime | None = Field(
        sa_type=MOMENT, default=None, nullable=False, sa_column_kwargs=default("now()")
    )


class OrderRow(SQLModel, table=True):
    """An order from the moment it was accepted; `state` from its first record on.

    `run` has the order, `replaced` had it before; it went out from the state of revision
    `based_on`; `history_length` and `revision` say how far it was when it wrote the state.
    """

    __tablename__ = "orders"
    __table_args__ = (
        Index("orders_alike_idx", "alike", "placed_at"),
        Index("orders_open_idx", "id", postgresql_where=text("finished_at is null")),
        Index("orders_customer_idx", "customer", "number"),
        Index("orders_status_idx", "status", "number"),
        Index("orders_placed_at_idx", "placed_at"),
        Index("orders_held_idx", "number", postgresql_where=text("hold_reasons <> '{}'")),
        Index("orders_reference_key", "channel", "reference", unique=True),
    )

    id: str = Field(sa_type=TEXT, primary_key=True)
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), nullable=False, unique=True)
    )
    """The order in which orders were accepted, for lists."""
    channel: str = Field(sa_type=TEXT)
    reference: str = Field(sa_type=TEXT)
    customer: str = Field(sa_type=TEXT)
    content: str = Field(sa_type=TEXT)
    """Hash of what was ordered, to tell a repetition from another order of the same reference."""
    alike: str = Field(sa_type=TEXT)
    """Hash of customer, ship-to and lines, to suspect duplicates."""
    placed_at: datetime = Field(sa_type=MOMENT)
    status: str = Field(sa_type=TEXT, default="received", sa_column_kwargs=default("'received'"))
    hold_reasons: list[str] = Field(sa_type=TEXTS, default=[], sa_column_kwargs=default("'{}'"))
    total: Decimal | None = Field(sa_type=NUMERIC, default=None)
    currency: str = Field(sa_type=TEXT)
    run: str | None = Field(sa_type=TEXT, default=None)
    replaced: list[str] = Field(sa_type=TEXTS, default=[], sa_column_kwargs=default("'{}'"))
    based_on: int = Field(sa_type=INTEGER, default=0, sa_column_kwargs=default("0"))
    history_length: int = Field(sa_type=INTEGER, default=0, sa_column_kwargs=default("0"))
    revision: int = Field(sa_type=INTEGER, default=0, sa_column_kwargs=default("0"))
    state: dict[str, Any] | None = Field(sa_type=JSON, default=None)
    updated_at: datetime | None = Field(
        sa_type=MOMENT, default=None, nullable=False, sa_column_kwargs=default("now()")
    )
    finished_at: datetime | None = Field(sa_type=MOMENT, default=None)
    """While nothing is left to do for it."""


class OrderKey(SQLModel, table=True):
    """An Idempotency-Key that came with an order: which one it made, or found there before."""

    __tablename__ = "order_key"

    owner: str = Field(sa_type=TEXT, primary_key=True)
    key: str = Field(sa_type=TEXT, primary_key=True)
    request: str = Field(sa_type=TEXT)
    order_id: str = Field(sa_type=TEXT)
    made_it: bool = Field(sa_type=Boolean(), default=True, sa_column_kwargs=default("true"))
    created_at: datetime | None = Field(
        sa_type=MOMENT, default=None, nullable=False, sa_column_kwargs=default("now()")
    )


class Wanted(SQLModel, table=True):
    """An item an order waits for, `quantity` in stock units."""

    __tablename__ = "wanted"
    __table_args__ = (Index("wanted_item_idx", "item", "since"),)

    order_id: str = Field(sa_type=TEXT, primary_key=True)
    item: str = Field(sa_type=TEXT, primary_key=True)
    quantity: Decimal = Field(sa_type=NUMERIC)
    since: datetime = Field(sa_type=MOMENT)


class Fence(SQLModel, table=True):
    """The latest statement of an order about one of our books; an earlier one does not count."""

    __tablename__ = "fence"

    order_id: str = Field(sa_type=TEXT, primary_key=True)
    what: str = Field(sa_type=TEXT, primary_key=True)
    run: str = Field(sa_type=TEXT)
    n: int = Field(sa_type=BIGINT)

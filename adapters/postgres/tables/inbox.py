"""Everything that came in for orders: stored, handed over to its order, applied by its record."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, SmallInteger, text
from sqlmodel import Field, SQLModel

from adapters.postgres.tables.columns import BYTES, INTEGER, JSON, MOMENT, TEXT, default


class InboxNumber(SQLModel, table=True):
    """The last number given to a message of an order. Its row serialises them."""

    __tablename__ = "inbox_number"

    order_id: str = Field(sa_type=TEXT, primary_key=True)
    last: int = Field(sa_type=INTEGER)


class Inbox(SQLModel, table=True):
    """A message for an order: number `n` of it, without gaps, in the order of storing.

    `external_id` is the sender's own, unique per `source`; `content` a hash of what it said.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        Index("inbox_external_key", "source", "external_id", unique=True),
        Index(
            "inbox_fresh_idx",
            *("bucket", "stored_at"),
            postgresql_where=text("applied_at is null and handed_at is null"),
        ),
        Index(
            "inbox_handed_idx",
            *("bucket", "handed_at"),
            postgresql_where=text("applied_at is null and handed_at is not null"),
        ),
    )

    order_id: str = Field(sa_type=TEXT, primary_key=True)
    n: int = Field(sa_type=INTEGER, primary_key=True)
    bucket: int = Field(sa_type=SmallInteger())
    """Of sixteen, by order: the loops that hand over divide them among themselves."""
    source: str = Field(sa_type=TEXT)
    external_id: str = Field(sa_type=TEXT)
    kind: str = Field(sa_type=TEXT)
    body: dict[str, Any] = Field(sa_type=JSON)
    raw: bytes | None = Field(sa_type=BYTES, default=None)
    content: str = Field(sa_type=TEXT)
    correlation_id: str = Field(sa_type=TEXT, default="", sa_column_kwargs=default("''"))
    stored_at: datetime | None = Field(
        sa_type=MOMENT, default=None, nullable=False, sa_column_kwargs=default("clock_timestamp()")
    )
    handed_at: datetime | None = Field(sa_type=MOMENT, default=None)
    applied_at: datetime | None = Field(sa_type=MOMENT, default=None)
    outcome: dict[str, Any] | None = Field(sa_type=JSON, default=None)

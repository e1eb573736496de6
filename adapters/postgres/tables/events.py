"""The event log, its leases, and who is told."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Identity, Index, text
from sqlmodel import Field, SQLModel

from adapters.postgres.tables.columns import (
    BIGINT,
    INTEGER,
    JSON,
    MOMENT,
    TEXT,
    TEXTS,
    default,
)


class Lease(SQLModel, table=True):
    """Who runs a loop now. The epoch grows whenever its owner changes."""

    __tablename__ = "lease"

    name: str = Field(sa_type=TEXT, primary_key=True)
    owner: str = Field(sa_type=TEXT)
    epoch: int = Field(sa_type=BIGINT)
    until: datetime = Field(sa_type=MOMENT)


class Event(SQLModel, table=True):
    """What happened, for whoever wants to know. `position` is given after the commit."""

    __tablename__ = "event"
    __table_args__ = (
        # What the sequencer has still to number, in the order it does it.
        Index("event_new_idx", "written", postgresql_where=text("position is null")),
        Index(
            "event_subject_idx",
            *("subject", "position"),
            postgresql_ops={"subject": "text_pattern_ops"},
        ),
        Index("event_correlation_id_idx", "correlation_id"),
    )

    id: str = Field(sa_type=TEXT, primary_key=True)
    kind: str = Field(sa_type=TEXT)
    subject: str = Field(sa_type=TEXT)
    data: dict[str, Any] = Field(sa_type=JSON)
    occurred_at: datetime = Field(sa_type=MOMENT)
    correlation_id: str = Field(sa_type=TEXT, default="", sa_column_kwargs=default("''"))
    causation_id: str = Field(sa_type=TEXT, default="", sa_column_kwargs=default("''"))
    position: int | None = Field(sa_type=BIGINT, default=None, unique=True)
    written: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(), nullable=False)
    )
    """The order of writing, in which the sequencer numbers what has been committed."""


class Subscription(SQLModel, table=True):
    """Somebody who is told of events by webhook, and how far that has come."""

    __tablename__ = "subscription"

    id: str = Field(sa_type=TEXT, primary_key=True)
    url: str = Field(sa_type=TEXT)
    secret: str = Field(sa_type=TEXT, repr=False)
    """As Standard Webhooks writes it: `whsec_` and base64."""
    kinds: list[str] = Field(sa_type=TEXTS, default=[], sa_column_kwargs=default("'{}'"))
    """Empty: all of them."""
    subject_prefix: str = Field(sa_type=TEXT, default="", sa_column_kwargs=default("''"))
    state: str = Field(sa_type=TEXT, default="active", sa_column_kwargs=default("'active'"))
    """`active` or `paused`."""
    cursor: int = Field(sa_type=BIGINT, default=0, sa_column_kwargs=default("0"))
    """All it wants up to this position has been delivered, or is a dead letter."""
    round: int = Field(sa_type=INTEGER, default=1, sa_column_kwargs=default("1"))
    """Grows with every replay, so that what was under way before it settles nothing after it."""
    attempts: int = Field(sa_type=INTEGER, default=0, sa_column_kwargs=default("0"))
    """Failures since the last success."""
    failing_since: datetime | None = Field(sa_type=MOMENT, default=None)
    next_at: datetime | None = Field(sa_type=MOMENT, default=None)
    """While it fails throughout: when it is tried again, with one delivery."""
    last_error: str = Field(sa_type=TEXT, default="", sa_column_kwargs=default("''"))
    created_at: datetime | None = Field(
        sa_type=MOMENT, default=None, nullable=False, sa_column_kwargs=default("now()")
    )


class Delivery(SQLModel, table=True):
    """One event for one subscription, where it is not simply still to come or behind the cursor."""

    __tablename__ = "delivery"

    subscription_id: str = Field(
        sa_type=TEXT, primary_key=True, foreign_key="subscription.id", ondelete="CASCADE"
    )
    position: int = Field(sa_type=BIGINT, primary_key=True)
    done: bool = Field(sa_type=Boolean())
    """Settled before one with a lower position; else it has failed and is tried again."""
    attempts: int = Field(sa_type=INTEGER, default=0, sa_column_kwargs=default("0"))
    failing_since: datetime | None = Field(sa_type=MOMENT, default=None)
    next_at: datetime | None = Field(sa_type=MOMENT, default=None)
    last_error: str = Field(sa_type=TEXT, default="", sa_column_kwargs=default("''"))

"""Around the orders: outside systems and their limits, what is waited for, dead letters."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, Index, text
from sqlmodel import Field, SQLModel

from adapters.postgres.tables.columns import (
    BYTES,
    INTEGER,
    JSON,
    MOMENT,
    NUMERIC,
    TEXT,
    default,
)


class System(SQLModel, table=True):
    """One outside system instance, and what may be asked of it by all of us together."""

    __tablename__ = "system"

    name: str = Field(sa_type=TEXT, primary_key=True)
    capability: str = Field(sa_type=TEXT, default="", sa_column_kwargs=default("''"))
    vendor: str = Field(sa_type=TEXT, default="", sa_column_kwargs=default("''"))
    requests_per_second: Decimal | None = Field(sa_type=NUMERIC, default=None)
    """None: as many as we like."""
    burst: int = Field(sa_type=INTEGER, default=1, sa_column_kwargs=default("1"))
    """How many requests may come at once after a quiet time (a twentieth of a second's always)."""
    concurrency: int | None = Field(sa_type=INTEGER, default=None)
    """How many requests may be under way. None: as many as we like."""
    paused: bool = Field(sa_type=Boolean(), default=False, sa_column_kwargs=default("false"))
    """By a person; nothing is asked until it is resumed."""
    closed_until: datetime | None = Field(sa_type=MOMENT, default=None)
    """By the system itself, which was asked too much."""
    ramp_seconds: int = Field(sa_type=INTEGER, default=0, sa_column_kwargs=default("0"))
    """How long the rate grows from a tenth to its whole after a pause or a closing."""
    opened_at: datetime | None = Field(sa_type=MOMENT, default=None)
    """When the last pause or closing ended, or will."""
    tokens: Decimal | None = Field(sa_type=NUMERIC, default=None)
    """Requests that could be made at `tokens_at`. None: none was ever taken."""
    tokens_at: datetime | None = Field(sa_type=MOMENT, default=None)


class SystemCaller(SQLModel, table=True):
    """A process that calls a system of limited concurrency; the places are shared between them."""

    __tablename__ = "system_caller"

    system: str = Field(
        sa_type=TEXT, primary_key=True, foreign_key="system.name", ondelete="CASCADE"
    )
    owner: str = Field(sa_type=TEXT, primary_key=True)
    since: datetime = Field(sa_type=MOMENT)
    until: datetime = Field(sa_type=MOMENT)


class Waiting(SQLModel, table=True):
    """An order that waits for a system, as an activity saw it last."""

    __tablename__ = "waiting"
    __table_args__ = (Index("waiting_system_idx", "system"),)

    order_id: str = Field(sa_type=TEXT, primary_key=True)
    what: str = Field(sa_type=TEXT, primary_key=True)
    system: str = Field(sa_type=TEXT)
    since: datetime = Field(sa_type=MOMENT)
    attempts: int = Field(sa_type=INTEGER)
    last_error: str = Field(sa_type=TEXT)
    deadline: datetime | None = Field(sa_type=MOMENT, default=None)


class DeadLetter(SQLModel, table=True):
    """A message in or out that nobody could use, kept until a person has decided about it."""

    __tablename__ = "dead_letter"
    __table_args__ = (
        Index("dead_letter_open_idx", "created_at", postgresql_where=text("resolved_at is null")),
    )

    id: str = Field(sa_type=TEXT, primary_key=True)
    kind: str = Field(sa_type=TEXT)
    """What it was: `webhook`, `milestone`, `order` and so on."""
    source: str = Field(sa_type=TEXT)
    """Where it came from, or whom it was for."""
    reason: str = Field(sa_type=TEXT)
    """A word that can be counted: `undeliverable`, `unknown_order`."""
    detail: dict[str, Any] = Field(sa_type=JSON, default={}, sa_column_kwargs=default("'{}'"))
    body: bytes | None = Field(sa_type=BYTES, default=None)
    """As it came, or would have gone."""
    created_at: datetime | None = Field(
        sa_type=MOMENT, default=None, nullable=False, sa_column_kwargs=default("now()")
    )
    resolved_at: datetime | None = Field(sa_type=MOMENT, default=None)
    resolution: str = Field(sa_type=TEXT, default="", sa_column_kwargs=default("''"))

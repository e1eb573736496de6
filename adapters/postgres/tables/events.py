"""The event log, its leases, and who is told."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Identity, Index, text
from sqlmodel import Field, SQLModel

from adapters.postgres.tables.columns import BIGINT, JSON, MOMENT, TEXT, default


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

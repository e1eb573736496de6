"""The stock ledger: positions, the chain of movements behind each, and who has reserved what."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from adapters.postgres.tables.columns import BIGINT, MOMENT, NUMERIC, TEXT, default

ZERO = default("0")


class StockPosition(SQLModel, table=True):
    """An item at a location, in stock units. `last` numbers its latest movement."""

    __tablename__ = "stock_position"

    item: str = Field(sa_type=TEXT, primary_key=True)
    location: str = Field(sa_type=TEXT, primary_key=True)
    on_hand: Decimal = Field(sa_type=NUMERIC, default=Decimal(0), sa_column_kwargs=ZERO)
    reserved: Decimal = Field(sa_type=NUMERIC, default=Decimal(0), sa_column_kwargs=ZERO)
    damaged: Decimal = Field(sa_type=NUMERIC, default=Decimal(0), sa_column_kwargs=ZERO)
    quarantined: Decimal = Field(sa_type=NUMERIC, default=Decimal(0), sa_column_kwargs=ZERO)
    last: int = Field(sa_type=BIGINT, default=0, sa_column_kwargs=ZERO)


class Movement(SQLModel, table=True):
    """One change of one position: how much, and what the position was afterwards.

    Movements of a position are numbered without gaps, each begins where the one before ended.
    """

    __tablename__ = "movement"
    __table_args__ = (
        Index("movement_order_idx", "order_id", postgresql_where=text("order_id is not null")),
        Index("movement_recorded_idx", "recorded_at"),
    )

    item: str = Field(sa_type=TEXT, primary_key=True)
    location: str = Field(sa_type=TEXT, primary_key=True)
    n: int = Field(sa_type=BIGINT, primary_key=True)
    kind: str = Field(sa_type=TEXT)
    on_hand: Decimal = Field(sa_type=NUMERIC, sa_column_kwargs=ZERO)
    reserved: Decimal = Field(sa_type=NUMERIC, sa_column_kwargs=ZERO)
    damaged: Decimal = Field(sa_type=NUMERIC, sa_column_kwargs=ZERO)
    quarantined: Decimal = Field(sa_type=NUMERIC, sa_column_kwargs=ZERO)
    on_hand_after: Decimal = Field(sa_type=NUMERIC)
    reserved_after: Decimal = Field(sa_type=NUMERIC)
    damaged_after: Decimal = Field(sa_type=NUMERIC)
    quarantined_after: Decimal = Field(sa_type=NUMERIC)
    order_id: str | None = Field(sa_type=TEXT, default=None)
    document: str | None = Field(sa_type=TEXT, default=None)
    lot: str | None = Field(sa_type=TEXT, default=None)
    source: str = Field(sa_type=TEXT, default="", sa_column_kwargs=default("''"))
    movement_id: str | None = Field(sa_type=TEXT, default=None)
    occurred_at: datetime = Field(sa_type=MOMENT)
    recorded_at: datetime | None = Field(
        sa_type=MOMENT, default=None, nullable=False, sa_column_kwargs=default("clock_timestamp()")
    )


class MovementReport(SQLModel, table=True):
    """A movement as somebody reported it, by its id: known ones are not booked again."""

    __tablename__ = "movement_report"

    source: str = Field(sa_type=TEXT, primary_key=True)
    movement_id: str = Field(sa_type=TEXT, primary_key=True)
    content: str = Field(sa_type=TEXT)
    result: str = Field(sa_type=TEXT)
    """`booked`, or `matched` where another source had told the same fact before."""
    received_at: datetime | None = Field(
        sa_type=MOMENT, default=None, nullable=False, sa_column_kwargs=default("now()")
    )


class StockFact(SQLModel, table=True):
    """How much of an item moved under one document, as milestones and as stock feeds say.

    One physical fact told by both counts once: what moves the stock is the larger of the two.
    """

    __tablename__ = "stock_fact"
    __table_args__ = (
        Index(
            "stock_fact_unmatched_idx",
            *("item", "location", "fed_at"),
            postgresql_where=text("by_feed > by_milestone"),
        ),
    )

    location: str = Field(sa_type=TEXT, primary_key=True)
    document: str = Field(sa_type=TEXT, primary_key=True)
    item: str = Field(sa_type=TEXT, primary_key=True)
    direction: str = Field(sa_type=TEXT, primary_key=True)
    by_milestone: Decimal = Field(sa_type=NUMERIC, default=Decimal(0), sa_column_kwargs=ZERO)
    by_feed: Decimal = Field(sa_type=NUMERIC, default=Decimal(0), sa_column_kwargs=ZERO)
    fed_at: datetime | None = Field(sa_type=MOMENT, default=None)
    """When a stock feed told of it last."""


class StockClaim(SQLModel, table=True):
    """What an order is entitled to at a position, and what of it has shipped, in stock units.

    `factor` is how many of them one unit of the line holds. What is reserved for the order there is
    the difference.
    """

    __tablename__ = "stock_claim"
    __table_args__ = (Index("stock_claim_item_idx", "item", "location"),)

    order_id: str = Field(sa_type=TEXT, primary_key=True)
    line: str = Field(sa_type=TEXT, primary_key=True)
    location: str = Field(sa_type=TEXT, primary_key=True)
    item: str = Field(sa_type=TEXT)
    factor: Decimal = Field(sa_type=NUMERIC)
    quantity: Decimal = Field(sa_type=NUMERIC)
    shipped: Decimal = Field(sa_type=NUMERIC, default=Decimal(0), sa_column_kwargs=ZERO)


class GoodsFact(SQLModel, table=True):
    """Goods of an order's line that moved, as a warehouse told it, in the line's unit.

    `booked_at` is empty until the ledger knows which item that is.
    """

    __tablename__ = "goods_fact"
    __table_args__ = (
        Index("goods_fact_open_idx", "order_id", postgresql_where=text("booked_at is null")),
    )

    source: str = Field(sa_type=TEXT, primary_key=True)
    message_id: str = Field(sa_type=TEXT, primary_key=True)
    number: int = Field(sa_type=BIGINT, primary_key=True)
    order_id: str = Field(sa_type=TEXT)
    kind: str = Field(sa_type=TEXT)
    """`shipped`, `return_received` or `return_inspected`."""
    line: str = Field(sa_type=TEXT)
    location: str = Field(sa_type=TEXT)
    document: str | None = Field(sa_type=TEXT, default=None)
    disposition: str | None = Field(sa_type=TEXT, default=None)
    quantity: Decimal = Field(sa_type=NUMERIC)
    occurred_at: datetime = Field(sa_type=MOMENT)
    booked_at: datetime | None = Field(sa_type=MOMENT, default=None)

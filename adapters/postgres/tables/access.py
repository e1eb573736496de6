"""Who may call the API."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from adapters.postgres.tables.columns import BYTES, INTEGER, MOMENT, TEXT, TEXTS, default


class AccessKey(SQLModel, table=True):
    """An API key. Only its SHA-256 is kept; `prefix` is how it is found.

    `warehouse`, `channel` and `customer` bind it to one partner's own business.
    """

    __tablename__ = "access_key"

    id: str = Field(sa_type=TEXT, primary_key=True)
    prefix: str = Field(sa_type=TEXT, index=True)
    digest: bytes = Field(sa_type=BYTES, unique=True)
    name: str = Field(sa_type=TEXT)
    scopes: list[str] = Field(sa_type=TEXTS)
    warehouse: str | None = Field(sa_type=TEXT, default=None)
    channel: str | None = Field(sa_type=TEXT, default=None)
    customer: str | None = Field(sa_type=TEXT, default=None)
    requests_per_second: int | None = Field(sa_type=INTEGER, default=None)
    created_at: datetime | None = Field(
        sa_type=MOMENT, default=None, nullable=False, sa_column_kwargs=default("now()")
    )
    revoked_at: datetime | None = Field(sa_type=MOMENT, default=None)

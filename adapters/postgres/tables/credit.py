"""Credit: how much of each account's limit its orders use."""

from decimal import Decimal

from sqlmodel import Field, SQLModel

from adapters.postgres.tables.columns import NUMERIC, TEXT, default

ZERO = default("0")


class CreditAccount(SQLModel, table=True):
    """Sums of the account's claims, in the customer's currency; the limit is master data."""

    __tablename__ = "credit_account"

    account: str = Field(sa_type=TEXT, primary_key=True)
    open: Decimal = Field(sa_type=NUMERIC, default=Decimal(0), sa_column_kwargs=ZERO)
    invoiced: Decimal = Field(sa_type=NUMERIC, default=Decimal(0), sa_column_kwargs=ZERO)


class CreditClaim(SQLModel, table=True):
    """What one order uses: `open` is not invoiced yet, `invoiced` is receivable."""

    __tablename__ = "credit_claim"

    order_id: str = Field(sa_type=TEXT, primary_key=True)
    account: str = Field(sa_type=TEXT, primary_key=True)
    open: Decimal = Field(sa_type=NUMERIC)
    invoiced: Decimal = Field(sa_type=NUMERIC)

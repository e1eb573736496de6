"""The column types of our tables: `Field(sa_type=TEXT)`.

SQLModel's own choices (varchar, a time of its own) are not used: a test refuses them.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, Numeric, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

TEXT = Text()
TEXTS = ARRAY(Text())
NUMERIC = Numeric()
INTEGER = Integer()
BIGINT = BigInteger()
MOMENT = DateTime(timezone=True)
JSON = JSONB()
BYTES = BYTEA()


def default(sql: str) -> Mapping[str, Any]:
    """`sa_column_kwargs` of a column that PostgreSQL fills: `default("now()")`, `default("''")`."""
    return {"server_default": text(sql)}

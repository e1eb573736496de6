"""Statements that may be repeated: what they say holds, however often it is said."""

from typing import Any

from psycopg.errors import DeadlockDetected, SerializationFailure, UniqueViolation
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

# Another statement was in the way, and nothing was done: the same came at the same moment and is
# known by now, or each had locked what the other one wanted.
IN_THE_WAY = (UniqueViolation, DeadlockDetected, SerializationFailure)
TRIES = 3


class JsonText(Jsonb):
    """JSON that is text already."""

    def __init__(self, text: str) -> None:
        super().__init__(text, dumps=str)


async def value_of(pool: AsyncConnectionPool, query: bytes, values: tuple[object, ...]) -> Any:
    """The one value it answers; tried up to three times where another statement is in the way.

    At once: whoever was in the way is through. (A library's retrying costs half as much as the
    statement itself, every time, even where nothing is repeated.)
    """
    for left in reversed(range(TRIES)):
        try:
            return await _value_of(pool, query, values)
        except IN_THE_WAY:
            if not left:
                raise
    raise AssertionError("unreachable")


async def _value_of(pool: AsyncConnectionPool, query: bytes, values: tuple[object, ...]) -> Any:
    async with pool.connection() as db:
        row = await (await db.execute(query, values)).fetchone()
    assert row is not None
    return row[0]

"""Statements that may be repeated: what they say holds, however often it is said."""

from typing import Any

from psycopg.errors import DeadlockDetected, SerializationFailure, UniqueViolation
from psycopg_pool import AsyncConnectionPool
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt

# Another statement was in the way, and nothing was done: the same came at the same moment and is
# known by now, or each had locked what the other one wanted.
IN_THE_WAY = (UniqueViolation, DeadlockDetected, SerializationFailure)


async def value_of(pool: AsyncConnectionPool, query: bytes, values: tuple[object, ...]) -> Any:
    """The one value it answers; tried up to three times where another statement is in the way."""
    async for attempt in AsyncRetrying(
        stop=stop_after_attempt(3), retry=retry_if_exception_type(IN_THE_WAY), reraise=True
    ):
        with attempt:
            async with pool.connection() as db:
                row = await (await db.execute(query, values)).fetchone()
            assert row is not None
            return row[0]

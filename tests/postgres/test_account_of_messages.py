"""What the account of messages makes of messages that nobody has applied."""

from datetime import timedelta

import pytest
from psycopg_pool import AsyncConnectionPool

from stack.account import messages
from tests.postgres.books import Books, differences


@pytest.fixture
async def books(pool: AsyncConnectionPool) -> Books:
    books = Books(pool)
    await books.fill()
    await books.place("KNOWN")
    await books.sql("update inbox set applied_at = now()")
    return books


async def test_a_message_of_an_order_that_is_there_has_to_be_applied(
    books: Books, database: str
) -> None:
    told = await books.tell("picking", "KNOWN", {})
    assert _differences(database) == []

    await books.sql("update inbox set stored_at = now() - interval '4 minutes'")
    assert _differences(database) == [
        f"KNOWN message {told.n} (milestone): not applied for minutes"
    ]


async def test_a_message_of_an_order_that_never_came_waits_and_is_buried(
    books: Books, database: str
) -> None:
    await books.tell("picking", "NOBODY", {})
    await books.sql("update inbox set stored_at = now() - interval '23 hours'")
    assert _differences(database) == []

    await books.sql("update inbox set stored_at = now() - interval '26 hours'")
    assert _differences(database) == ["NOBODY message 1 (milestone): its order never came"]

    assert await books.inbox.bury_unknown(timedelta(hours=24)) == 1
    assert await books.sql("select reason from dead_letter") == [("unknown_order",)]
    assert await books.sql("select applied_at from inbox where order_id = 'NOBODY'") == [(None,)]
    assert _differences(database) == []


def _differences(database: str) -> list[str]:
    """Of messages that are not applied."""
    return differences(database, messages.account)

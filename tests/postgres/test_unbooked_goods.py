"""Goods nobody can book stay visible until somebody has decided about them."""

from psycopg_pool import AsyncConnectionPool

from stack.account import stock
from tests.postgres.books import Books, differences


async def test_goods_of_a_line_the_order_does_not_have_are_a_difference_at_its_end(
    pool: AsyncConnectionPool, database: str
) -> None:
    books = Books(pool)
    await books.fill()
    await books.move("receipt", 10)
    await books.place("A")
    await books.claim("A", {"1": 1})
    told = await books.tell("shipped", "A", {"7": 2}, id="m")
    assert _differences(database) == []

    await books.sql("update orders set finished_at = now()")
    assert _differences(database) == ["A line 7: shipped at EAST, not booked"]

    await books.inbox.bury("A", told.n, "not_understood", "no such line")
    await books.sql("update dead_letter set resolved_at = now()")
    assert _differences(database) == []


def _differences(database: str) -> list[str]:
    """Of goods that are not booked."""
    return [each for each in differences(database, stock.account) if "not booked" in each]

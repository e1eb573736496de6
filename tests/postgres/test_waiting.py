"""What an order waits for."""

from datetime import UTC, datetime, timedelta

from psycopg_pool import AsyncConnectionPool

from adapters.postgres.waiting import Waiting


async def test_attempts_are_noted_and_the_first_moment_is_kept(pool: AsyncConnectionPool) -> None:
    waiting = Waiting(pool)
    await waiting.note("1", "post order", "erp", attempts=1, last_error="503")
    [first] = await waiting.of_order("1")
    until = datetime.now(UTC) + timedelta(days=1)
    await waiting.note("1", "post order", "erp", attempts=2, last_error="x" * 900, deadline=until)

    [second] = await waiting.of_order("1")

    assert (second.attempts, second.last_error) == (2, "x" * 500)
    assert second.since == first.since
    assert second.deadline == until


async def test_one_thing_is_cleared_or_all_of_an_order(pool: AsyncConnectionPool) -> None:
    waiting = Waiting(pool)
    for order, what in [("1", "a"), ("1", "b"), ("2", "a")]:
        await waiting.note(order, what, "erp", attempts=1, last_error="503")

    await waiting.clear("1", "a")
    assert [wait.what for wait in await waiting.of_order("1")] == ["b"]

    await waiting.clear("1")
    assert await waiting.of_order("1") == []
    assert [wait.what for wait in await waiting.of_order("2")] == ["a"]

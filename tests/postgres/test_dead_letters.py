"""Dead letters: kept once, listed until resolved."""

from psycopg_pool import AsyncConnectionPool

from adapters.postgres.dead_letters import DeadLetters


async def test_they_are_kept_once_and_listed_until_resolved(pool: AsyncConnectionPool) -> None:
    letters = DeadLetters(pool)
    for id in ("1", "2", "3"):
        assert await letters.put(id, "milestone", "EAST", "bad", detail={"n": id}, body=b"\x00raw")
    assert not await letters.put("1", "milestone", "EAST", "bad", detail={})

    assert [each.id for each in await letters.open(limit=2)] == ["1", "2"]
    assert [each.id for each in await letters.open(after="2")] == ["3"]
    assert await letters.counts() == {("milestone", "bad"): 3}

    assert await letters.resolve("2", "discarded")
    assert not await letters.resolve("2", "resubmitted")

    assert [each.id for each in await letters.open(after="1")] == ["3"]
    kept = await letters.get("2")
    assert kept
    assert (kept.resolution, kept.body, kept.detail) == ("discarded", b"\x00raw", {"n": "2"})
    assert kept.resolved_at
    assert await letters.get("4") is None

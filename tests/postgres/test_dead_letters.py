"""Dead letters: kept once, listed until resolved."""

from psycopg_pool import AsyncConnectionPool

from adapters.postgres.dead_letters import DeadLetters


async def test_they_are_kept_once_and_listed_until_resolved(pool: AsyncConnectionPool) -> None:
    letters = DeadLetters(pool)
    what = {"kind": "milestone", "source": "EAST"}
    for id in ("1", "2", "3"):
        await letters.add(id, **what, reason="bad", detail={"n": id}, body=b"\x00raw")
    await letters.add("1", **what, reason="worse", detail={}, body=b"")

    assert [each.id for each in await letters.page(limit=2)] == ["3", "2"]
    assert len(await letters.page(reason="bad")) == 3
    assert await letters.page(kind="webhook") == []

    assert await letters.resolve("2", "discarded")
    assert not await letters.resolve("2", "resubmitted")

    assert [each.id for each in await letters.page()] == ["3", "1"]
    kept = await letters.get("2")
    assert kept
    assert [kept] == await letters.page(open=False)
    assert (kept.resolution, kept.body, kept.detail) == ("discarded", b"\x00raw", {"n": "2"})
    assert kept.resolved_at
    assert await letters.get("4") is None

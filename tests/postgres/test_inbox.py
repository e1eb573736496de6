"""What comes in: stored once, numbered without gaps, and nothing of it lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.lease import Lease
from adapters.postgres.read_model import ReadModel
from adapters.postgres.records import Records
from domain.message import CancelRequested
from domain.order import Order
from tests.postgres.books import Books

SOON = timedelta(seconds=5)


@pytest.fixture
async def books(pool: AsyncConnectionPool) -> AsyncIterator[Books]:
    opened = Books(pool)
    await opened.fill()
    yield opened
    counted = await opened.sql(
        "select order_id, array_agg(i.n order by i.n), max(last) from inbox i"
        " join inbox_number using (order_id) group by order_id"
    )
    assert [row for row in counted if row[1] != list(range(1, row[2] + 1))] == []


async def letters(books: Books) -> list[tuple[str, str, str]]:
    return [
        (kind, source, reason)
        for kind, source, reason in await books.sql("select kind, source, reason from dead_letter")
    ]


# messages


async def test_a_repeated_message_is_known_and_moves_nothing(books: Books) -> None:
    await books.move("receipt", 10)
    await books.place("A")
    await books.claim("A", {"1": 5})
    at = "2026-11-01T00:00:00Z"

    first = await books.tell("shipped", "A", {"1": 5}, id="m", at=at)
    again = await books.tell("shipped", "A", {"1": 5}, id="m", at=at)

    assert (first.outcome, first.n, again.outcome, again.n) == ("stored", 2, "repeat", 2)
    assert await books.position() == (5, 0)
    assert await letters(books) == []


async def test_a_known_id_with_another_content_is_a_dead_letter_once(books: Books) -> None:
    await books.place("A")
    await books.tell("delivered", "A", {}, id="m", at="2026-11-01T00:00:00Z")

    for _ in range(2):
        other = await books.tell("shipped", "A", {"1": 1}, id="m", at="2026-11-01T00:00:00Z")
        assert other.outcome == "conflict"

    assert await letters(books) == [("milestone", "warehouse/EAST", "conflicting_content")]
    assert await books.sql("select 1 from goods_fact") == []


async def test_what_an_older_hash_is_of_and_cannot_be_read_is_another_content(
    books: Books,
) -> None:
    await books.tell("delivered", "A", {}, id="m", at="2026-11-01T00:00:00Z")
    await books.sql("""update inbox set content = 'older', body = '{"kind": "nonsense"}'""")

    again = await books.tell("delivered", "A", {}, id="m", at="2026-11-01T00:00:00Z")

    assert (again.outcome, again.n) == ("conflict", 1)


async def test_a_command_for_a_revision_waits_for_the_record_that_is_being_made(
    books: Books,
) -> None:
    """It is for the revision before, and would be applied to the one after."""
    await books.place("A")

    async def ask(revision: int) -> str:
        asked = CancelRequested(id="c", by="me")
        stored = await books.inbox.store_command(
            "A", asked, source="command", raw=b"{}", revision=revision
        )
        return stored.outcome

    async with books.pool.connection() as db, db.transaction():
        await db.execute("""update orders set revision = 1, state = '{"header": {}}'""")
        asking = asyncio.create_task(ask(0))
        await books.waiting(1)

    assert await asking == "stale"
    assert [await ask(1), await ask(1)] == ["stored", "repeat"]


async def test_nobody_speaks_in_anothers_name(books: Books) -> None:
    """A warehouse called like our ledger silences nothing that the ledger has to say."""
    await books.move("receipt", 5)
    await books.place("A")
    await books.want("A", 5)
    told = await books.tell(
        "delivery_exception", "A", {}, location="ledger", id="arrived/BOLT/EAST/2/A"
    )
    assert told.outcome == "stored"

    await books.move("receipt", 5)

    [arrived] = await books.heard("A", "stock_arrived")
    assert (arrived["id"], arrived["available"]) == ("arrived/BOLT/EAST/2/A", "10")


async def test_a_message_for_an_order_nobody_placed_waits_unless_only_known_ones_are_taken(
    books: Books,
) -> None:
    asked = CancelRequested(id="c", by="me")

    refused = await books.inbox.store("A", asked, source="command", raw=b"{}", known_only=True)
    kept = await books.tell("delivered", "A", {})

    assert (refused.outcome, kept.outcome, kept.n) == ("unknown_order", "stored", 1)
    assert await books.inbox.fresh(0, 1) == []


async def test_an_order_is_seen_whatever_a_run_recorded_before_it_was_told_of_it(
    books: Books,
) -> None:
    """As a run does that is rebuilt before the order's first record: it hears of it later."""
    await books.place("A")
    before = await ReadModel(books.pool).order("A")
    assert before
    assert before.order.header

    await books.sql("update orders set state = %s", Order(id="A").model_dump_json())

    after = await ReadModel(books.pool).order("A")
    assert after
    assert after.order == before.order


async def test_numbers_have_no_gaps_and_follow_the_order_of_commits(books: Books) -> None:
    stored = await asyncio.gather(*(books.tell("delivered", "A", {}) for _ in range(50)))

    assert sorted(each.n for each in stored) == list(range(1, 51))
    by_commit = await books.sql("select n from inbox order by stored_at")
    assert [n for (n,) in by_commit] == list(range(1, 51))


async def test_the_same_message_at_the_same_moment_is_stored_once(books: Books) -> None:
    at = "2026-11-01T00:00:00Z"
    stored = await asyncio.gather(
        *(books.tell("shipped", "A", {"1": 1}, id="m", at=at) for _ in range(8))
    )

    assert sorted(each.outcome for each in stored) == [*["repeat"] * 7, "stored"]


async def test_what_nobody_placed_an_order_for_becomes_a_dead_letter(books: Books) -> None:
    await books.place("B")
    await books.tell("delivered", "A", {})
    await books.tell("delivered", "B", {})

    assert await books.inbox.bury_unknown(timedelta(hours=1)) == 0
    assert await books.inbox.bury_unknown(timedelta(0)) == 1
    assert await books.inbox.bury_unknown(timedelta(0)) == 0

    assert await letters(books) == [("milestone", "warehouse/EAST", "unknown_order")]
    await books.place("A")
    [waiting] = [each for each in await books.inbox.fresh(0, 1) if each.order_id == "A"]
    assert [(each.n, each.kind) for each in waiting.messages] == [(1, "skipped"), (2, "placed")]


async def test_what_cannot_be_read_is_buried_and_blocks_nothing_after_it(books: Books) -> None:
    await books.place("A")
    await books.tell("delivered", "A", {})
    await books.sql("""update inbox set body = '{"kind": "nonsense"}' where n = 1""")

    [waiting] = await books.inbox.fresh(0, 1)

    assert [each.kind for each in waiting.messages] == ["skipped", "milestone"]
    assert await letters(books) == [("placed", "channel/web", "unreadable")]


# orders


async def test_an_order_that_comes_again_is_the_first_one(books: Books) -> None:
    first = await books.accept("A", key="k", street="Elm")
    by_key = await books.accept("B", reference="A", key="k", street="Elm")
    by_reference = await books.accept("C", reference="A", street="Elm")

    assert (first.outcome, by_key.outcome, by_reference.outcome) == ("accepted", "repeat", "same")
    assert {first.order_id, by_key.order_id, by_reference.order_id} == {"A"}
    assert await books.sql("select id from orders") == [("A",)]


async def test_a_key_that_is_used_for_another_request_is_refused(books: Books) -> None:
    await books.accept("A", key="k", raw=b"one")

    again = await books.accept("B", key="k", raw=b"two")

    assert (again.outcome, again.order_id) == ("key_reused", "A")


async def test_the_same_reference_with_another_content_is_a_dead_letter(books: Books) -> None:
    await books.accept("A", street="Elm")

    other = await books.accept("B", reference="A", quantity=2, street="Elm", key="k")

    assert (other.outcome, other.order_id) == ("conflict", "A")
    assert await letters(books) == [("order", "channel/web", "conflicting_reference")]
    # The key is free for the corrected order.
    assert (await books.accept("C", key="k")).outcome == "accepted"


async def test_one_like_another_names_it(books: Books) -> None:
    await books.accept("A", street="Elm")

    twin = await books.accept("B", street="Elm")

    assert (twin.outcome, twin.duplicate_of) == ("accepted", "A")
    [placed] = await books.heard("B", "placed")
    assert placed["duplicate_of"] == "A"


async def test_one_key_at_the_same_moment_makes_one_order(books: Books) -> None:
    names = [f"O{n}" for n in range(8)]
    accepted = await asyncio.gather(
        *(books.accept(name, reference="R", street="Elm", key="k") for name in names)
    )

    assert sorted(each.outcome for each in accepted) == ["accepted", *["repeat"] * 7]
    assert len({each.order_id for each in accepted}) == 1


async def test_one_reference_at_the_same_moment_makes_one_order(books: Books) -> None:
    names = [f"O{n}" for n in range(8)]
    accepted = await asyncio.gather(
        *(books.accept(name, reference="R", street="Elm") for name in names)
    )

    assert sorted(each.outcome for each in accepted) == ["accepted", *["same"] * 7]
    assert len({each.order_id for each in accepted}) == 1


async def test_of_those_alike_at_the_same_moment_all_but_one_name_the_first(books: Books) -> None:
    names = [f"O{n}" for n in range(8)]
    accepted = await asyncio.gather(*(books.accept(name, street="Elm") for name in names))

    [first] = [each.order_id for each in accepted if not each.duplicate_of]
    assert {each.duplicate_of for each in accepted} == {"", first}


# handing over


async def test_what_a_rebuild_wants_anew_is_not_noted_as_handed_over_before(books: Books) -> None:
    """It was on its way to a run that the rebuild ended: nobody would hear it for a minute."""
    lease = Lease(books.pool, "handover")
    epoch = await lease.take()
    assert epoch
    await books.place("A")

    first = await books.inbox.fresh(0, 1)
    await Records(books.pool).hand_over_anew(["A"])
    await books.inbox.handed_over(first, lease.name, epoch)
    again = await books.inbox.fresh(0, 1)
    assert [each.numbers for each in again] == [[1]]

    await books.inbox.handed_over(again, lease.name, epoch)
    assert await books.inbox.fresh(0, 1) == []


async def test_no_more_is_under_way_than_there_is_room_for(books: Books) -> None:
    lease = Lease(books.pool, "handover")
    epoch = await lease.take()
    assert epoch
    orders = ["A", "B", "C", "D", "E"]
    for order in orders:
        await books.place(order)

    async def next_ones(room: int, at_least: int) -> list[str]:
        found = await books.inbox.fresh(0, 1, room, within=SOON, at_least=at_least)
        return [each.order_id for each in found]

    first = await books.inbox.fresh(0, 1, 3, within=SOON)
    assert [each.order_id for each in first] == ["A", "B", "C"], "the oldest first"
    await books.inbox.handed_over(first, lease.name, epoch)

    assert await next_ones(3, at_least=1) == []
    assert await next_ones(4, at_least=1) == ["D"]
    assert await next_ones(4, at_least=2) == [], "not in ones and twos"
    await books.sql("update inbox set applied_at = now() where order_id = 'A'")
    assert await next_ones(4, at_least=2) == ["D", "E"]


async def test_what_is_stuck_takes_no_room(books: Books) -> None:
    lease = Lease(books.pool, "handover")
    epoch = await lease.take()
    assert epoch
    await books.place("stuck")
    await books.inbox.handed_over(await books.inbox.fresh(0, 1), lease.name, epoch)
    await books.place("A")
    assert await books.inbox.fresh(0, 1, 1, within=SOON) == []

    await books.sql("update inbox set handed_at = handed_at - %s where handed_at is not null", SOON)

    [waiting] = await books.inbox.fresh(0, 1, 1, within=SOON)
    assert waiting.order_id == "A"

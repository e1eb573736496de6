"""The event log: numbered after the commit, so that no cursor skips a late one."""

import psycopg
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.events import EventLog, NewEvent, Sequencer, StoredEvent
from tests.postgres.conftest import event, eventually, running


async def numbered(log: EventLog, count: int) -> list[StoredEvent]:
    async def there() -> bool:
        return await log.tail() == count

    await eventually(there)
    return await log.read(0)


def row(new: NewEvent) -> dict[str, object]:
    return {**vars(new), "occurred_at": new.occurred_at.isoformat()}


async def test_a_late_commit_is_behind_every_cursor(
    database: str, pool: AsyncConnectionPool
) -> None:
    log = EventLog(pool)
    late = await psycopg.AsyncConnection.connect(database)
    async with late, running(Sequencer(pool)):
        await late.execute("select write_events(%s)", (Jsonb([row(event("late"))]),))
        await log.write([event("quick")])
        [quick] = await numbered(log, 1)
        assert quick.id == "quick"

        await late.commit()

        assert [e.id for e in await numbered(log, 2)] == ["quick", "late"]
        assert [e.id for e in await log.read(quick.position)] == ["late"]


async def test_events_of_one_write_keep_their_order(pool: AsyncConnectionPool) -> None:
    log = EventLog(pool)
    ids = [f"{number}" for number in range(50)]
    await log.write([event(id) for id in ids])
    async with running(Sequencer(pool)):
        assert [e.id for e in await numbered(log, 50)] == ids


async def test_the_same_id_is_written_once(pool: AsyncConnectionPool) -> None:
    log = EventLog(pool)
    await log.write([event("a")])
    await log.write([event("a", subject="orders/2"), event("b")])
    async with running(Sequencer(pool)):
        assert [(e.id, e.subject) for e in await numbered(log, 2)] == [
            ("a", "orders/1"),
            ("b", "orders/1"),
        ]


async def test_reading_by_subject_and_kind(pool: AsyncConnectionPool) -> None:
    log = EventLog(pool)
    await log.write(
        [
            event("1", "orders/1"),
            event("2", "orders/10", "throughline.order.shipped.v1"),
            event("3", "inventory/a%_b/EAST"),
            event("4", "inventory/aXXb/EAST"),
        ]
    )
    async with running(Sequencer(pool)):
        await numbered(log, 4)

    async def ids(**filters: object) -> list[str]:
        return [e.id for e in await log.read(0, **filters)]  # type: ignore[arg-type] # each as named

    assert await ids(subject="orders/1") == ["1"]
    assert await ids(subject_prefix="orders/1") == ["1", "2"]
    assert await ids(subject_prefix="inventory/a%_b") == ["3"]
    assert await ids(kinds=["throughline.order.shipped.v1"]) == ["2"]
    assert [e.id for e in await log.read(1, 2)] == ["2", "3"]


async def test_more_than_a_batch_is_numbered_without_gaps(pool: AsyncConnectionPool) -> None:
    log = EventLog(pool)
    await log.write([event(f"{number}", f"orders/{number}") for number in range(1_200)])
    async with running(Sequencer(pool)):
        await numbered(log, 1_200)
    assert [e.position for e in await log.read(0, 2_000)] == list(range(1, 1_201))

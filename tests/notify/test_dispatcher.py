"""Subscriptions, end to end: events written, numbered, delivered over HTTP, remembered."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from adapters.notify.client import WebhookClient
from adapters.notify.dispatcher import Dispatcher
from adapters.notify.guard import AddressGuard
from adapters.notify.lane import Policy
from adapters.notify.webhook import WebhookSender, new_secret
from adapters.postgres.events import EventLog, Sequencer
from adapters.postgres.subscriptions import Subscription, Subscriptions
from stack.ports import free_ports
from tests.notify.subscriber import Subscriber, Told, subscriber
from tests.postgres.conftest import event, eventually, running

QUICK = Policy(first_pause=timedelta(milliseconds=50), longest_pause=timedelta(milliseconds=200))


@asynccontextmanager
async def dispatching(
    pool: AsyncConnectionPool, policy: Policy = QUICK, timeout: float = 5
) -> AsyncIterator[Dispatcher]:
    client = WebhookClient(AddressGuard(allow_private=True), timeout=timedelta(seconds=timeout))
    dispatcher = Dispatcher(pool, WebhookSender(client), policy=policy)
    try:
        async with running(Sequencer(pool), dispatcher):
            yield dispatcher
    finally:
        await client.aclose()


async def subscribe(
    pool: AsyncConnectionPool, told: Subscriber, id: str = "s", **wanted: object
) -> Subscription:
    made = await Subscriptions(pool).create(id, told.url, told.secret, **wanted)  # type: ignore[arg-type] # each as named
    assert made
    return made


async def has(told: Subscriber, count: int, within: float = 5) -> None:
    async def there() -> bool:
        return len(told.accepted) >= count

    await eventually(there, within)


async def state(pool: AsyncConnectionPool, id: str = "s") -> Subscription:
    found = await Subscriptions(pool).get(id)
    assert found
    return found


async def test_an_event_in_a_long_transaction_and_one_committed_after_it(
    database: str, pool: AsyncConnectionPool
) -> None:
    log = EventLog(pool)
    row = {**vars(event("late")), "occurred_at": "2026-01-01T00:00:00Z"}
    async with subscriber() as told, dispatching(pool):
        await subscribe(pool, told)
        async with await psycopg.AsyncConnection.connect(database) as long:
            await long.execute("select write_events(%s)", (Jsonb([row]),))
            await log.write([event("quick")])
            await has(told, 1)
            await long.commit()
        await has(told, 2)
        await log.write([event("last")])
        await has(told, 3)

    assert told.ids == ["quick", "late", "last"]
    assert [each["position"] for each in told.accepted] == [1, 2, 3]


async def test_what_is_told_is_a_cloud_event(pool: AsyncConnectionPool) -> None:
    async with subscriber() as told, dispatching(pool):
        await subscribe(pool, told)
        new = event("order/ü 1/shipped")
        await EventLog(pool).write([new])
        await has(told, 1)
    assert told.accepted == [
        {
            "specversion": "1.0",
            "id": "order/ü 1/shipped",
            "source": "/throughline",
            "type": "throughline.order.created.v1",
            "subject": "orders/1",
            "time": new.occurred_at.isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "position": 1,
            "data": {"id": "order/ü 1/shipped"},
        }
    ]


async def test_in_order_within_a_subject_and_eight_at_once(pool: AsyncConnectionPool) -> None:
    under_way: set[str] = set()

    async def one_per_subject(told: Told) -> int:
        assert told["subject"] not in under_way
        under_way.add(told["subject"])
        await asyncio.sleep(0.02)
        under_way.remove(told["subject"])
        return 200

    async with subscriber(one_per_subject) as told, dispatching(pool):
        await subscribe(pool, told)
        await EventLog(pool).write(
            [event(f"{number}", f"orders/{number % 20}") for number in range(200)]
        )
        await has(told, 200, within=20)

    assert told.most_at_once == 8
    assert told.connections == 8
    assert len(told.ids) == 200
    for order in range(20):
        of_order = [int(id) for id in told.ids if int(id) % 20 == order]
        assert of_order == sorted(of_order)


async def test_one_is_told_only_of_what_it_wants(pool: AsyncConnectionPool) -> None:
    async with subscriber() as all_of_it, subscriber() as some, dispatching(pool):
        await subscribe(pool, all_of_it, "all")
        await subscribe(
            pool, some, "some", kinds=["throughline.order.shipped.v1"], subject_prefix="orders/2"
        )
        await EventLog(pool).write(
            [
                event("1", "orders/1", "throughline.order.shipped.v1"),
                event("2", "orders/2"),
                event("3", "orders/2", "throughline.order.shipped.v1"),
                event("4", "inventory/2"),
            ]
        )
        await has(all_of_it, 4)
        await has(some, 1)
        assert some.ids == ["3"]

        async def has_passed_the_rest() -> bool:
            return (await state(pool, "some")).cursor == 4

        await eventually(has_passed_the_rest)


async def test_a_failing_subject_is_tried_again_and_holds_up_only_itself(
    pool: AsyncConnectionPool,
) -> None:
    healthy = asyncio.Event()

    async def poisoned(told: Told) -> int:
        return 500 if told["subject"] == "orders/bad" and not healthy.is_set() else 200

    async with subscriber(poisoned) as told, dispatching(pool):
        await subscribe(pool, told)
        await EventLog(pool).write(
            [event("bad 1", "orders/bad"), event("bad 2", "orders/bad")]
            + [event(f"{number}", f"orders/{number}") for number in range(50)]
        )
        await has(told, 50)
        assert (await state(pool)).cursor == 0
        assert len({*told.ids}) == 50
        healthy.set()
        await has(told, 52)

    assert told.ids[50:] == ["bad 1", "bad 2"]
    assert (await state(pool)).cursor == 52


async def test_a_dead_and_a_slow_subscriber_do_not_slow_a_quick_one(
    pool: AsyncConnectionPool,
) -> None:
    async def slow(_: Told) -> int:
        await asyncio.sleep(1)
        return 200

    dead = Subscriber(url=f"http://127.0.0.1:{free_ports(['dead'])['dead']}/")
    log = EventLog(pool)
    took = []
    async with subscriber() as quick, subscriber(slow) as sluggish, dispatching(pool):
        await subscribe(pool, dead, "dead")
        await subscribe(pool, sluggish, "slow")
        await subscribe(pool, quick, "quick")
        for number in range(40):
            began = time.monotonic()
            await log.write([event(f"{number}", f"orders/{number}")])
            await has(quick, number + 1)
            took.append(time.monotonic() - began)
        failing = await state(pool, "dead")

    assert sorted(took)[-2] < 0.6, took
    assert failing.attempts > 0
    assert failing.failing_since
    assert failing.last_error


async def test_after_some_time_a_delivery_is_a_dead_letter_and_the_subject_goes_on(
    pool: AsyncConnectionPool,
) -> None:
    async def poisoned(told: Told) -> int:
        return 400 if told["id"] == "bad" else 200

    policy = Policy(
        first_pause=timedelta(milliseconds=30), give_up_after=timedelta(milliseconds=200)
    )
    async with subscriber(poisoned) as told, dispatching(pool, policy):
        await subscribe(pool, told)
        await EventLog(pool).write([event("bad"), event("good")])
        await has(told, 1)
        assert told.ids == ["good"]
        async with pool.connection() as db:
            found = await db.execute("select kind, source, reason, detail, body from dead_letter")
            [(kind, source, reason, detail, body)] = await found.fetchall()

    assert (kind, source, reason) == ("webhook", "s", "undeliverable")
    assert detail["event"] == "bad"
    assert detail["last_error"] == "answered 400"
    assert detail["attempts"] == len([1 for each in told.asked if each["id"] == "bad"])
    assert b'"id":"bad"' in body


async def test_nothing_is_repeated_after_a_restart(pool: AsyncConnectionPool) -> None:
    blocked = asyncio.Event()

    async def first_blocks(told: Told) -> int:
        if told["id"] == "0" and not blocked.is_set():
            blocked.set()
            return 503
        return 200

    patient = Policy(first_pause=timedelta(seconds=1))
    async with subscriber(first_blocks) as told:
        await subscribe(pool, told)
        await EventLog(pool).write([event(f"{number}", f"orders/{number}") for number in range(30)])
        async with dispatching(pool, patient):
            await has(told, 29)
        assert (await state(pool)).cursor == 0
        assert [
            row.position for row in await Subscriptions(pool).unsettled("s") if not row.done
        ] == [1]
        async with dispatching(pool, patient):
            await has(told, 30)

    assert len(told.ids) == len({*told.ids}) == 30
    assert told.ids[-1] == "0"
    assert await Subscriptions(pool).unsettled("s") == []


async def test_a_replay_tells_all_of_it_again(pool: AsyncConnectionPool) -> None:
    async with subscriber() as told, dispatching(pool):
        await subscribe(pool, told)
        await EventLog(pool).write([event(f"{number}") for number in range(6)])
        await has(told, 6)
        replayed = await Subscriptions(pool).replay("s", 3)
        assert replayed
        await has(told, 10)
    assert told.ids == ["0", "1", "2", "3", "4", "5", "2", "3", "4", "5"]


async def test_a_paused_one_is_told_when_it_is_active_again(pool: AsyncConnectionPool) -> None:
    subscriptions = Subscriptions(pool)
    async with subscriber() as told, subscriber() as other, dispatching(pool):
        await subscribe(pool, told)
        await subscribe(pool, other, "other")
        await subscriptions.change("s", state="paused")
        await asyncio.sleep(0.6)  # longer than the dispatcher goes without looking
        await EventLog(pool).write([event("1")])
        await has(other, 1)
        assert told.ids == []
        await subscriptions.change("s", state="active")
        await has(told, 1)


async def test_a_subscriber_that_comes_back_gets_what_it_missed(
    pool: AsyncConnectionPool,
) -> None:
    down = asyncio.Event()

    async def unless_down(told: Told) -> int:
        return 503 if not down.is_set() else 200

    policy = Policy(first_pause=timedelta(milliseconds=20), longest_pause=timedelta(seconds=0.3))
    async with subscriber(unless_down) as told, dispatching(pool, policy):
        await subscribe(pool, told)
        await EventLog(pool).write(
            [event(f"{number}", f"orders/{number}") for number in range(100)]
        )

        async def is_down() -> bool:
            return (await state(pool)).attempts >= policy.down_after + 2

        await eventually(is_down)
        told.most_at_once = 0
        before = len(told.asked)
        await asyncio.sleep(0.5)
        assert told.most_at_once <= 1
        assert len(told.asked) - before <= 5
        down.set()
        await has(told, 100)
        assert sorted(told.ids, key=int) == [f"{number}" for number in range(100)]


async def test_by_default_one_is_told_from_now_on(pool: AsyncConnectionPool) -> None:
    log = EventLog(pool)
    async with running(Sequencer(pool)):
        await log.write([event("old")])

        async def numbered() -> bool:
            return await log.tail() == 1

        await eventually(numbered)
    subscriptions = Subscriptions(pool)
    made = await subscriptions.create("new", "http://127.0.0.1/", new_secret())
    old = await subscriptions.create("all", "http://127.0.0.1/", new_secret(), after=0)
    assert made
    assert old
    assert (made.cursor, old.cursor) == (1, 0)
    assert await subscriptions.create("all", "http://127.0.0.1/", new_secret()) is None
    assert [each.id for each in await subscriptions.page()] == ["all", "new"]
    assert await subscriptions.remove("all")
    assert [each.id for each in await subscriptions.active()] == ["new"]

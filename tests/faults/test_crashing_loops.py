"""Workers killed in what they do all the time: handing over, numbering events, telling subscribers.

And where they keep what came in some other way than by the API.
"""

import asyncio
import signal
from collections import defaultdict
from typing import Any

import pytest

from adapters.postgres.subscriptions import Subscriptions
from domain.status import order_status
from tests.faults.test_crashes import IMPATIENT, by_night, is_over, shipping
from tests.notify.subscriber import Subscriber, subscriber
from tests.workflows.world import World

POINTS = [
    *("handed:1", "handed:2", "sequence:1", "sequence:2"),
    *("deliver:1", "deliver:4", "settle:1", "settle:2"),
]
OFTEN = {"settle:1"}
NONSENSE = """update inbox set body = '{"kind": "nonsense"}' where order_id = %s and kind = %s"""


@pytest.fixture(autouse=True)
def _subscribers_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THROUGHLINE_PRIVATE_WEBHOOKS", "1")


@pytest.mark.parametrize("where", [pytest.param(x, marks=by_night(x in OFTEN)) for x in POINTS])
async def test_subscribers_are_told_everything_in_order(outside: World, where: str) -> None:
    async with subscriber() as told:
        pool = outside.adapters.books.pool
        assert await Subscriptions(pool).create("s", told.url, told.secret, after=0)
        worker = await outside.worker_process(where)
        await outside.place(patience=IMPATIENT)

        async with shipping(outside):
            await dies(worker)
            worker = await outside.worker_process()
            await outside.ends(order_status(await outside.until(is_over, within=90)), within=60)
        await all_is_settled(outside)
        await stop(worker)

        await outside.assert_agreed()
        await assert_told(outside, told)


async def assert_told(world: World, told: Subscriber) -> None:
    """Every event of the log; one that came again, under the same id and with the same content; and
    what is about one thing, in the order of the log.
    """
    log = await world.sql("select id, position, subject from event order by position")
    assert None not in [position for _, position, _ in log]
    first: dict[str, dict[str, Any]] = {}
    for event in told.accepted:
        assert first.setdefault(event["id"], event) == event
    seen, wanted = defaultdict(list), defaultdict(list)
    for event in first.values():
        seen[event["subject"]].append((event["id"], event["position"]))
    for id, position, subject in log:
        wanted[subject].append((id, position))
    assert seen == wanted


async def all_is_settled(world: World) -> None:
    """Every event has its position, and the cursor is behind the last one."""
    async with asyncio.timeout(30):
        while await world.sql(
            "select 1 from event where position is null"
            " union all select 1 from subscription"
            " where cursor < (select max(position) from event)"
        ):
            await asyncio.sleep(0.05)


@pytest.mark.nightly
async def test_what_cannot_be_read_is_buried_once(outside: World) -> None:
    """Its worker dies of it, and the next one goes on with what came after."""
    await outside.place(patience=IMPATIENT)
    await outside.hold()
    await outside.cancel()
    await outside.sql(NONSENSE, outside.order, "hold")

    await dies(await outside.worker_process("bury:1"))
    worker = await outside.worker_process()
    order = await outside.ends("cancelled", within=60)
    await stop(worker)

    assert not order.holds
    assert await letters(outside) == [("hold", "unreadable")]
    await outside.assert_agreed()


@pytest.mark.parametrize(
    ("where", "asked", "kept", "dead"),
    [
        pytest.param("store:1", "cancel", 1, [], marks=pytest.mark.nightly),
        pytest.param(
            *("dead-letter:1", "credit", 0, [("command", "not_understood")]),
            marks=pytest.mark.nightly,
        ),
    ],
)
async def test_what_support_asks_for_is_kept_once(
    outside: World, where: str, asked: str, kept: int, dead: list[tuple[str, str]]
) -> None:
    """By a signal from Temporal's own pages."""
    before = await outside.worker_process()
    await outside.place(patience=IMPATIENT)
    await outside.settles("released", within=60)
    await stop(before)

    worker = await outside.worker_process(where)
    await outside.handle.signal("ask", {"kind": asked, "by": "sam"})
    await dies(worker)
    worker = await outside.worker_process()
    await outside.cancel()
    await outside.ends("cancelled", within=60)
    await stop(worker)

    ((stored,),) = await outside.sql("select count(*) from inbox where source = 'temporal-ui'")
    assert stored == kept
    assert await letters(outside) == dead
    await outside.assert_agreed()


async def letters(world: World) -> list[tuple[Any, ...]]:
    return await world.sql("select kind, reason from dead_letter")


async def dies(worker: asyncio.subprocess.Process) -> None:
    assert await asyncio.wait_for(worker.wait(), 60) == -signal.SIGKILL


async def stop(worker: asyncio.subprocess.Process) -> None:
    worker.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(worker.wait(), 60) == 0

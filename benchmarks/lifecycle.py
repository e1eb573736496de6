"""Whole orders over HTTP and PostgreSQL, against a bare workflow of the same shape."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from psycopg_pool import AsyncConnectionPool
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from adapters.postgres.pool import open_pool
from benchmarks import floor
from benchmarks.company import WAREHOUSES, fill
from benchmarks.day import Day, Through
from benchmarks.result import Result, percentile
from benchmarks.site import HERE, Site, api, child, worker
from domain.order import workflow_id
from stack.console import report

LOCAL = "core_local_activity"
"""What the SDK calls the marker a local activity leaves in a history."""
SAMPLE = 20
WARM_UP = 15
MANY_LINES = 10


@dataclass(frozen=True)
class History:
    """What one order left in its history, and how many messages it was sent."""

    events: int
    regular: int
    local: int
    signals: int
    tasks: int
    kb: float

    @classmethod
    async def of(cls, client: Client, order: str) -> "History":
        history = await client.get_workflow_handle(workflow_id(order)).fetch_history()
        kinds = [event.event_type for event in history.events]
        return cls(
            events=len(kinds),
            regular=kinds.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED),
            local=sum(
                event.marker_recorded_event_attributes.marker_name == LOCAL
                for event in history.events
            ),
            signals=kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED),
            tasks=kinds.count(EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED),
            kb=len(history.to_json()) / 1024,
        )


async def measure(site: Site, rounds: int, quick: bool) -> Result:
    orders, at_once = (20, 10) if quick else (60, 30)
    client = await Client.connect(site.address)
    async with open_pool(site.database_url) as pool:
        await fill(pool)
        ours, bare, seen = [], [], History(0, 0, 0, 0, 0, 0.0)
        for n in range(rounds):
            day = await play(site, pool, orders, at_once)
            seen = _median([await History.of(client, order) for order in day.orders[-SAMPLE:]])
            ours.append(day.rate)
            shape = [seen.regular, seen.local, seen.signals, len(WAREHOUSES)]
            bare.append(await play_floor(site, client, shape, orders, at_once))
            report(f"round {n + 1}: {ours[-1]:.2f} orders/s, floor {bare[-1]:.2f}")
        messages = await _messages(pool, day.orders)
        many = await play(site, pool, 1, 1, lines=MANY_LINES)
        long = await History.of(client, many.orders[0])
    return Result(
        name="lifecycle",
        unit="orders/s",
        what="whole orders from two warehouses, against a bare workflow of the same shape",
        target=0.6,
        ours=ours,
        floor=bare,
        more={
            "orders_per_s": round(statistics.median(ours), 2),
            "events": seen.events,
            "events_allowed": 6 * seen.regular + 4 * messages + 20,
            "activities": seen.regular,
            "local_activities": seen.local,
            "messages": messages,
            "signals": seen.signals,
            "workflow_tasks": seen.tasks,
            "history_kb": round(seen.kb, 1),
            "history_kb_of_10_lines": round(long.kb, 1),
            "p50_s": percentile(day.each, 0.5),
            "p99_s": percentile(day.each, 0.99),
        },
    )


async def play(
    site: Site, pool: AsyncConnectionPool, orders: int, at_once: int, *, lines: int = 2
) -> Through:
    """One round of ours, by processes that were started for it, after a few orders to warm up."""
    queue = uuid4().hex
    async with api(site, connections=at_once) as caller:
        day = Day(caller, pool)
        async with worker(site, queue, day.hear):
            await day.through(min(WARM_UP, orders), at_once, lines=lines)
            return await day.through(orders, at_once, lines=lines)


async def play_floor(
    site: Site, client: Client, shape: list[int], orders: int, at_once: int
) -> float:
    """The same for the floor: orders per second."""
    queue = uuid4().hex
    async with child("floor", str(HERE / "floor.py"), site.address, queue):
        await floor.drive(client, queue, shape, min(WARM_UP, orders), at_once)
        return await floor.drive(client, queue, shape, orders, at_once)


def _median(histories: Sequence[History]) -> History:
    """The order in the middle, by its number of events."""
    return sorted(histories, key=lambda history: history.events)[len(histories) // 2]


async def _messages(pool: AsyncConnectionPool, orders: list[str]) -> int:
    """How many messages one order was sent."""
    async with pool.connection() as db:
        found = await db.execute("select count(*) from inbox where order_id = any(%s)", (orders,))
        row = await found.fetchone()
    assert row
    return int(row[0]) // len(orders)

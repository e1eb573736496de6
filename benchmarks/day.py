"""A day's work: orders are placed over HTTP, and their warehouses ship what they are asked for."""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from psycopg_pool import AsyncConnectionPool

from benchmarks.company import an_order
from benchmarks.load import Caller

MILESTONES = ("picked", "packed", "shipped")
LOOK_EVERY = 0.05
FINISHED = b"select id from orders where id = any(%s) and finished_at is not null"
PATIENCE = 900.0


class Day:
    """Plays one day. `ship` off: goods are never sent, and orders stay open."""

    def __init__(self, caller: Caller, pool: AsyncConnectionPool, *, ship: bool = True) -> None:
        self._caller = caller
        self._pool = pool
        self._ship = ship
        self._name = uuid4().hex[:8]
        self._placed = 0
        self._finished: dict[str, asyncio.Future[None]] = {}
        self._playing: set[asyncio.Task[None]] = set()

    def hear(self, line: str) -> None:
        """What the worker's process prints."""
        if self._ship and line.startswith("{"):
            task = asyncio.create_task(self._play(json.loads(line)))
            self._playing.add(task)
            task.add_done_callback(self._playing.discard)

    async def place(self, *, lines: int = 2) -> str:
        """Have an order accepted; its id."""
        self._placed += 1
        order = an_order(f"{self._name}-{self._placed}", self._placed, lines=lines)
        accepted = await self._caller.post("/v1/orders", order)
        return str(accepted["id"])

    async def report(self, order: str, warehouse: str, kind: str, lines: dict[str, str]) -> None:
        """Something happened to goods at a warehouse."""
        milestone = {
            "milestone_id": uuid4().hex,
            "order_id": order,
            "kind": kind,
            "occurred_at": datetime.now(UTC).isoformat(),
            "lines": [{"line": line, "quantity": quantity} for line, quantity in lines.items()],
        }
        await self._caller.post(f"/v1/warehouses/{warehouse}/milestones", milestone)

    async def through(self, orders: int, at_once: int, *, lines: int = 2) -> "Through":
        """Place so many orders, so many of them under way at once, until all are closed."""
        places, ids, seconds = asyncio.Semaphore(at_once), list[str](), list[float]()

        async def one() -> None:
            async with places:
                began = time.perf_counter()
                order = await self.place(lines=lines)
                ids.append(order)
                self._finished[order] = asyncio.get_running_loop().create_future()
                await self._finished[order]
                seconds.append(time.perf_counter() - began)

        watch = asyncio.create_task(self._watch())
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
                for _ in range(orders):
                    group.create_task(one())
        finally:
            watch.cancel()
        return Through(ids, time.perf_counter() - began, seconds)

    async def _play(self, release: dict[str, Any]) -> None:
        for kind in MILESTONES:
            await self.report(release["order"], release["warehouse"], kind, release["lines"])

    async def _watch(self) -> None:
        while True:
            if self._finished:
                async with self._pool.connection() as db:
                    found = await db.execute(FINISHED, (list(self._finished),))
                    for (order,) in await found.fetchall():
                        self._finished.pop(order).set_result(None)
            await asyncio.sleep(LOOK_EVERY)


class Through:
    """What `Day.through` saw: order ids, seconds in all, and the seconds of each."""

    def __init__(self, orders: list[str], seconds: float, each: list[float]) -> None:
        self.orders = orders
        self.seconds = seconds
        self.each = each

    @property
    def rate(self) -> float:
        return len(self.orders) / self.seconds

"""Waiting with a deadline, and loops that run for the length of a block."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from adapters.postgres.events import NewEvent
from adapters.postgres.lease import LeasedLoop


async def eventually(condition: Callable[[], Awaitable[bool]], within: float = 5.0) -> float:
    """Seconds until the condition held; fails when it does not within the given seconds."""
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() - began < within, f"not within {within} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


@asynccontextmanager
async def running(*loops: LeasedLoop) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(loop.run()) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def event(
    id: str, subject: str = "orders/1", kind: str = "throughline.order.created.v1"
) -> NewEvent:
    return NewEvent(id, kind, subject, datetime.now(UTC), {"id": id})

"""Ctrl-C and SIGTERM end work in an orderly way."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


async def until_stopped(work: Coroutine[object, object, T]) -> T | None:
    """Run `work` to its end, or cancel it on the first SIGINT or SIGTERM and return None.

    Further signals change nothing: what `work` does to end in order is not cut short.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    working = asyncio.create_task(work)
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if stopped.is_set():
        working.cancel()
    await asyncio.wait({working})
    return None if working.cancelled() else working.result()

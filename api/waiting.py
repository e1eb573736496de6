"""`Prefer: wait=5`: how long a caller would like to wait for what becomes of a request."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Header

T = TypeVar("T")

LONGEST = 30
"""Seconds we wait for anybody."""
_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.2

Prefer = Annotated[str | None, Header(description="`wait=5` waits that many seconds at most.")]


def seconds_to_wait(prefer: str | None) -> float:
    """0 when nobody asked for it."""
    match = _WAIT.search(prefer or "")
    return min(int(match[1]), LONGEST) if match else 0


async def wait_for(seconds: float, look: Callable[[], Awaitable[T | None]]) -> T | None:
    """What `look` finds, asked again and again for so long; `None` when it is not there in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    pause = _FIRST_PAUSE
    while True:
        found = await look()
        left = deadline - loop.time()
        if found is not None or left <= 0:
            return found
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)

"""What stands before every request to a system: its rate, its concurrency, its closing times."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Protocol


class Gate(Protocol):
    """The meter of one system instance, shared by all who call it."""

    def request(self) -> AbstractAsyncContextManager[None]:
        """Wait for a token and a free place, and hold the place for the length of the block.

        Raises `Unavailable`, with `retry_after` where it is known, when the system is closed or
        paused.
        """
        ...

    async def close_for(self, wait: timedelta) -> None:
        """Let nobody through for this long: the system said that it is asked too much."""
        ...


class OpenGate(Gate):
    """No limits: for tests, and for systems that have none."""

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        yield

    async def close_for(self, wait: timedelta) -> None:
        """Nothing is shared, so nobody else is told."""

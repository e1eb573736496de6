"""Serves a simulated system until it is told to stop."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from stack.simulators.app import App, Receive, Scope, Send
from stack.simulators.book import Book
from stack.simulators.outbox import Outbox
from stack.simulators.registry import VENDORS
from stack.simulators.system import System


class DroppingProtocol(H11Protocol):
    """HTTP whose application may drop its connection: `scope["drop"]`."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        app: Any = self.config.loaded_app

        async def with_drop(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "drop": transport.abort}, receive, send)

        self.app = with_drop


class Server(uvicorn.Server):
    """Signals are the caller's: uvicorn would raise them again, and the process die of them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(name: str, port: int, book_path: Path, *, host: str = "127.0.0.1") -> None:
    """Run the system `name`. `SIM_API_URL` and `SIM_API_KEY` say whom it tells, and as whom."""
    book_path.parent.mkdir(parents=True, exist_ok=True)
    book = Book(book_path)
    outbox = Outbox(book, os.environ.get("SIM_API_URL", ""), os.environ.get("SIM_API_KEY", ""))
    system = System(VENDORS[name](name, book, outbox), book, outbox)
    server = Server(
        uvicorn.Config(
            App(system),
            interface="asgi3",
            host=host,
            port=port,
            http=DroppingProtocol,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=2,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.handle_exit, number, None)
    background = [asyncio.create_task(system.keep_time()), asyncio.create_task(outbox.deliver())]
    serving = asyncio.create_task(server.serve())
    # A background task never ends by itself: if one does, the supervisor starts all afresh.
    await asyncio.wait([serving, *background], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    for task in background:
        if task.done():
            task.result()
        task.cancel()
    await asyncio.wait(background)
    book.close()

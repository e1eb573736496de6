"""A subscriber: a real HTTP server that checks signatures and answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook

from adapters.notify.webhook import new_secret

Told = dict[str, Any]
Answer = Callable[[Told], Awaitable[int]]


async def fine(_: Told) -> int:
    return 204


@dataclass
class Subscriber:
    answer: Answer = fine
    secret: str = field(default_factory=new_secret)
    asked: list[Told] = field(default_factory=list)
    """Every event of every request, in the order of arrival."""
    accepted: list[Told] = field(default_factory=list)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    url: str = ""

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.accepted]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")[1:-2]
                headers = dict(line.split(": ", 1) for line in lines)
                body = await reader.readexactly(int(headers["Content-Length"]))
                self.at_once += 1
                self.most_at_once = max(self.at_once, self.most_at_once)
                try:
                    status = await self._take(headers, body)
                finally:
                    self.at_once -= 1
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _take(self, headers: dict[str, str], body: bytes) -> int:
        Webhook(self.secret).verify(body, headers)
        event: Told = json.loads(body)
        assert headers["Content-Type"] == "application/cloudevents+json"
        self.asked.append(event)
        status = await self.answer(event)
        if status < 300:
            self.accepted.append(event)
        return status


@asynccontextmanager
async def subscriber(answer: Answer = fine) -> AsyncIterator[Subscriber]:
    told = Subscriber(answer)
    server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
    told.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield told
    finally:
        server.close()

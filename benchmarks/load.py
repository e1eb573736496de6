"""A client that costs little, so that what is measured is the server."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any


class Failed(Exception):
    """The server answered otherwise than it had to."""


class Connection:
    """One HTTP/1.1 connection that is kept alive, and made again when the server has closed it."""

    def __init__(self, port: int, head: str) -> None:
        self._port = port
        self._head = head
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.streams is None or self.streams[0].at_eof():
            self.close()
            self.streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self.streams

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        reader, writer = await self.open()
        head = f"POST {path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        return int(lines[0].split()[1]), await reader.readexactly(length)

    def close(self) -> None:
        if self.streams:
            self.streams[1].close()


class Caller:
    """Shares a number of connections out among those who call."""

    def __init__(self, connections: list[Connection]) -> None:
        self.idle: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for connection in connections:
            self.idle.put_nowait(connection)

    async def post(self, path: str, body: Any, expected: int = 202) -> dict[str, Any]:
        """The JSON that is answered. Raises `Failed` at another status than the expected one."""
        connection = await self.idle.get()
        try:
            status, answer = await connection.post(path, json.dumps(body).encode())
        finally:
            self.idle.put_nowait(connection)
        if status != expected:
            raise Failed(f"{path}: {status} {answer[:500]!r}")
        found: dict[str, Any] = json.loads(answer)
        return found


@asynccontextmanager
async def calling(
    port: int, connections: int, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Caller]:
    """So many connections to a server on this machine that takes and answers JSON."""
    said = {"Host": "127.0.0.1", "Content-Type": "application/json", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    opened = [Connection(port, head) for _ in range(connections)]
    try:
        yield Caller(opened)
    finally:
        for connection in opened:
            connection.close()

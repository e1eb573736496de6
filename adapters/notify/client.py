"""A small HTTP/1.1 client for webhooks: one POST, connections kept, addresses guarded.

It connects to the very address that was checked, so that a name cannot change its mind in between;
it follows no redirect and uses no proxy.
"""

import asyncio
import ssl
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult

import h11

from adapters.notify.guard import AddressGuard

TIMEOUT = timedelta(seconds=10)
KEEP = 4.0
"""Seconds a connection is kept unused; many servers close theirs after five."""
KEPT_PER_HOST = 16
LONGEST_ANSWER = 65_536
"""Bytes of an answer that are read before its connection is given up."""

Header = tuple[bytes, bytes]
Origin = tuple[str, str, int]


class Unreachable(Exception):
    """No answer came, and this is why. Whether the request arrived is not known."""


@dataclass(frozen=True)
class HttpAnswer:
    status: int
    retry_after: timedelta | None = None


@dataclass
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))
    used_at: float = 0.0

    def is_fresh(self) -> bool:
        return time.monotonic() - self.used_at < KEEP and not self.reader.at_eof()

    def close(self) -> None:
        self.writer.close()


class WebhookClient:
    """Posts to any number of hosts; close it with `aclose`."""

    def __init__(self, guard: AddressGuard, *, timeout: timedelta = TIMEOUT) -> None:
        self.guard = guard
        self._timeout = timeout.total_seconds()
        self._kept: dict[Origin, list[_Connection]] = defaultdict(list)
        self._tls = ssl.create_default_context()

    async def post(self, url: str, headers: Sequence[Header], body: bytes) -> HttpAnswer:
        """Post the body and read the answer. Raises `Unreachable`."""
        try:
            parts = self.guard.check(url)
            async with asyncio.timeout(self._timeout):
                return await self._exchange(parts, headers, body)
        except TimeoutError:
            raise Unreachable(f"no answer within {self._timeout:g} s") from None
        except (OSError, h11.ProtocolError, ValueError) as failure:
            raise Unreachable(str(failure) or type(failure).__name__) from None

    async def aclose(self) -> None:
        """Close what is kept."""
        for connections in self._kept.values():
            for connection in connections:
                connection.close()
                with suppress(OSError):
                    await connection.writer.wait_closed()
        self._kept.clear()
        self.guard.close()

    async def _exchange(
        self, parts: SplitResult, headers: Sequence[Header], body: bytes
    ) -> HttpAnswer:
        origin = _origin(parts)
        request = _request(parts, headers, body)
        if (kept := self._take(origin)) is not None:
            try:
                return await self._ask(origin, kept, request, body)
            except (ConnectionError, h11.RemoteProtocolError):
                # It was closed while we took it: what it was to carry goes by a new one.
                pass
        return await self._ask(origin, await self._connect(origin), request, body)

    def _take(self, origin: Origin) -> _Connection | None:
        kept = self._kept[origin]
        while kept:
            connection = kept.pop()
            if connection.is_fresh():
                return connection
            connection.close()
        return None

    async def _connect(self, origin: Origin) -> _Connection:
        scheme, host, port = origin
        tls = self._tls if scheme == "https" else None
        failure = OSError("the name has no address")
        for address in await self.guard.addresses(host, port):
            try:
                reader, writer = await asyncio.open_connection(
                    address, port, ssl=tls, server_hostname=host if tls else None
                )
            except OSError as refused:
                failure = refused
            else:
                return _Connection(reader, writer)
        raise failure

    async def _ask(
        self, origin: Origin, connection: _Connection, request: h11.Request, body: bytes
    ) -> HttpAnswer:
        keep = False
        try:
            http = connection.http
            sent = (request, h11.Data(data=body), h11.EndOfMessage())
            connection.writer.write(b"".join(http.send(event) or b"" for event in sent))
            await connection.writer.drain()
            answer, whole = await _answer(connection)
            if whole and http.our_state is h11.DONE and http.their_state is h11.DONE:
                http.start_next_cycle()
                keep = len(self._kept[origin]) < KEPT_PER_HOST
            return answer
        finally:
            if keep:
                connection.used_at = time.monotonic()
                self._kept[origin].append(connection)
            else:
                connection.close()


async def _answer(connection: _Connection) -> tuple[HttpAnswer, bool]:
    """The answer, and whether it was read to its end."""
    answer: HttpAnswer | None = None
    length = 0
    while True:
        event = connection.http.next_event()
        if event is h11.NEED_DATA:
            connection.http.receive_data(await connection.reader.read(LONGEST_ANSWER))
        elif isinstance(event, h11.Response):
            answer = HttpAnswer(event.status_code, _retry_after(event))
        elif isinstance(event, h11.Data):
            length += len(event.data)
            if answer and length > LONGEST_ANSWER:
                return answer, False
        elif isinstance(event, h11.EndOfMessage) and answer:
            return answer, True
        elif not isinstance(event, h11.InformationalResponse):
            raise h11.RemoteProtocolError("the answer is not an answer")


def _origin(parts: SplitResult) -> Origin:
    assert parts.hostname
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _request(parts: SplitResult, headers: Sequence[Header], body: bytes) -> h11.Request:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    common = [(b"Host", parts.netloc.encode()), (b"Content-Length", b"%d" % len(body))]
    return h11.Request(method=b"POST", target=target.encode(), headers=[*common, *headers])


def _retry_after(response: h11.Response) -> timedelta | None:
    for name, value in response.headers:
        if name == b"retry-after":
            text = value.decode("latin-1").strip()
            if text.isdigit():
                return timedelta(seconds=min(int(text), 86_400))
            with suppress(ValueError):
                wait = parsedate_to_datetime(text).astimezone(UTC) - datetime.now(UTC)
                return max(timedelta(0), min(wait, timedelta(days=1)))
    return None

"""HTTP trouble over real sockets: what becomes `Unavailable`, and what `UnexpectedAnswer`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest

from adapters import http
from adapters.exact_json import from_json, to_json
from adapters.gate import Gate
from adapters.http import SystemClient, VendorAnswer, open_system
from domain.errors import Unavailable, UnexpectedAnswer
from stack.ports import free_ports


class Scripted:
    """A server that says, byte for byte, what it is given to say; `None` is silence."""

    def __init__(self) -> None:
        self.port = free_ports(["scripted"])["scripted"]
        self.says: bytes | None = b""
        self.heard = b""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        self.heard = head + await reader.readexactly(int(length or 0))
        if self.says is None:
            await reader.read()  # until the caller has had enough
        else:
            writer.write(self.says)
        writer.close()


class CountingGate(Gate):
    def __init__(self) -> None:
        self.requests = 0
        self.closed_for: list[timedelta] = []

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        self.requests += 1
        yield

    async def close_for(self, wait: timedelta) -> None:
        self.closed_for.append(wait)


class ClosedGate(Gate):
    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        raise Unavailable("closed", retry_after=timedelta(seconds=9))
        yield

    async def close_for(self, wait: timedelta) -> None:
        raise AssertionError("nobody got through")


class Thing(VendorAnswer):
    name: str
    amount: Decimal


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    scripted = Scripted()
    async with await asyncio.start_server(scripted.answer, "127.0.0.1", scripted.port):
        yield scripted


@pytest.fixture
def gate() -> CountingGate:
    return CountingGate()


@pytest.fixture
async def client(server: Scripted, gate: CountingGate) -> AsyncIterator[SystemClient]:
    async with open_system("erp", f"http://127.0.0.1:{server.port}", gate=gate) as client:
        yield client


def said(status: int, body: bytes = b"{}", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_system_that_cannot_now_is_unavailable(
    client: SystemClient, server: Scripted, status: int
) -> None:
    server.says = said(status)

    with pytest.raises(Unavailable):
        await client.ask("GET", "things", known=(200,))


@pytest.mark.parametrize("status", [204, 301, 400, 401, 403, 404, 409, 418])
async def test_a_status_nobody_expects_is_not_understood(
    client: SystemClient, server: Scripted, status: int
) -> None:
    server.says = said(status)

    with pytest.raises(UnexpectedAnswer):
        await client.ask("GET", "things", known=(200,))


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"name"',
        b"SMTP ready\r\n\r\n",
    ],
)
async def test_a_connection_that_breaks_off_is_unavailable(
    client: SystemClient, server: Scripted, half: bytes
) -> None:
    server.says = half

    with pytest.raises(Unavailable):
        await client.ask("GET", "things", known=(200,))


async def test_nobody_at_home_is_unavailable(server: Scripted) -> None:
    nobody = free_ports(["nobody"])["nobody"]
    async with open_system("erp", f"http://127.0.0.1:{nobody}") as client:
        with pytest.raises(Unavailable):
            await client.ask("GET", "things", known=(200,))


async def test_silence_is_unavailable_in_time(
    client: SystemClient, server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "PATIENCE", 0.1)
    server.says = None

    with pytest.raises(Unavailable):
        await client.ask("GET", "things", known=(200,))


def test_four_exchanges_end_before_their_activity_does() -> None:
    assert 4 * http.PATIENCE < 30


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"\xff\xfe",
        b'{"name": "x", "amount": NaN}',
        b'{"name": "x"}',
        b'{"name": 5, "amount": "1"}',
        b"[]",
        b"",
        b"[" * 100_000,
    ],
)
async def test_a_body_of_another_shape_is_not_understood(
    client: SystemClient, server: Scripted, body: bytes
) -> None:
    server.says = said(200, body)

    with pytest.raises(UnexpectedAnswer):
        (await client.ask("GET", "things", known=(200,))).read(Thing)


async def test_an_encoding_that_does_not_decode_is_not_understood(
    client: SystemClient, server: Scripted
) -> None:
    server.says = said(200, b"not gzip", "Content-Encoding: gzip")

    with pytest.raises(UnexpectedAnswer):
        await client.ask("GET", "things", known=(200,))


async def test_what_is_wrong_is_told_without_what_was_said(
    client: SystemClient, server: Scripted
) -> None:
    server.says = said(200, b'{"name": "Jane Doe", "amount": "Elm Street 9"}')
    reply = await client.ask("GET", "things", known=(200,))

    with pytest.raises(UnexpectedAnswer) as raised:
        reply.read(Thing)

    assert "amount" in str(raised.value)
    assert "Elm" not in str(raised.value)


@pytest.mark.parametrize(
    ("advice", "expected"),
    [
        ("7", 7),
        ("0", 1),
        ("999999999999999999999", 3600),
        ("soon", 1),
        ("-5", 1),
        (None, 1),
    ],
)
async def test_too_many_requests_close_the_gate_for_everybody(
    client: SystemClient,
    server: Scripted,
    gate: CountingGate,
    advice: str | None,
    expected: int,
) -> None:
    server.says = said(429, b"{}", *([f"Retry-After: {advice}"] if advice else []))

    with pytest.raises(Unavailable) as raised:
        await client.ask("GET", "things", known=(200,))

    assert raised.value.next_retry_delay == timedelta(seconds=expected)
    assert gate.closed_for == [timedelta(seconds=expected)]


async def test_advice_may_be_a_date(client: SystemClient, server: Scripted) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.says = said(503, b"{}", f"Retry-After: {until}")

    with pytest.raises(Unavailable) as raised:
        await client.ask("GET", "things", known=(200,))

    wait = raised.value.next_retry_delay
    assert wait
    assert timedelta(seconds=80) < wait <= timedelta(seconds=90)


async def test_a_server_that_fails_without_advice_closes_nothing(
    client: SystemClient, server: Scripted, gate: CountingGate
) -> None:
    server.says = said(500)

    with pytest.raises(Unavailable) as raised:
        await client.ask("GET", "things", known=(200,))

    assert raised.value.next_retry_delay is None
    assert gate.closed_for == []


async def test_every_request_passes_the_gate(
    client: SystemClient, server: Scripted, gate: CountingGate
) -> None:
    server.says = said(200)

    for _ in range(3):
        await client.ask("GET", "things", known=(200,))

    assert gate.requests == 3


async def test_a_closed_gate_lets_nothing_out(server: Scripted) -> None:
    url = f"http://127.0.0.1:{server.port}"
    async with open_system("erp", url, gate=ClosedGate()) as client:
        with pytest.raises(Unavailable) as raised:
            await client.ask("GET", "things", known=(200,))

    assert raised.value.next_retry_delay == timedelta(seconds=9)
    assert server.heard == b""


@pytest.mark.parametrize(
    ("segment", "on_the_wire"),
    [
        ("a/b", b"a%2Fb"),
        ("..", b"%2E%2E"),
        ("a?b#c", b"a%3Fb%23c"),
        ("100% é", b"100%25%20%C3%A9"),
        ("x\r\ny", b"x%0D%0Ay"),
    ],
)
async def test_a_path_segment_is_only_ever_one_segment(
    client: SystemClient, server: Scripted, segment: str, on_the_wire: bytes
) -> None:
    server.says = said(200)

    await client.ask("GET", "things", segment, "end", known=(200,))

    assert server.heard.startswith(b"GET /things/" + on_the_wire + b"/end HTTP/1.1\r\n")


async def test_numbers_are_exact_both_ways(client: SystemClient, server: Scripted) -> None:
    server.says = said(200, b'{"name": "x", "amount": 0.1000000000000000055}')

    reply = await client.ask(
        "POST", "things", known=(200,), body={"amount": Decimal("1E+2"), "rate": Decimal("0.10")}
    )

    assert server.heard.endswith(b'{"amount":100,"rate":0.10}')
    assert reply.read(Thing).amount == Decimal("0.1000000000000000055")


@pytest.mark.parametrize("key", ["", "s3cret"])
async def test_the_key_is_sent_as_bearer_where_there_is_one(server: Scripted, key: str) -> None:
    server.says = said(200)
    async with open_system("erp", f"http://127.0.0.1:{server.port}", key=key) as client:
        await client.ask("GET", "things", known=(200,))

    assert (b"Authorization: Bearer s3cret" in server.heard) is bool(key)
    assert b"Authorization" not in server.heard or key


async def test_the_environments_proxy_is_not_used(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.says = said(200)
    async with open_system("erp", f"http://127.0.0.1:{server.port}") as client:
        assert (await client.ask("GET", "things", known=(200,))).status == 200


def test_json_comes_back_as_it_went() -> None:
    value = {"a": [1, True, None, "é\n", Decimal("2.50")], "b": {"c": Decimal("-0.01")}}

    assert from_json(to_json(value)) == value

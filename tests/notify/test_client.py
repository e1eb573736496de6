"""The client of webhooks: connections kept, answers read, and places it will not go."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from adapters.notify.client import HttpAnswer, Unreachable, WebhookClient
from adapters.notify.guard import AddressGuard, ForbiddenUrl
from adapters.notify.webhook import BadSecret, check_secret, new_secret, signed

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[str]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a?b=c"
    finally:
        server.close()


@asynccontextmanager
async def client(timeout: float = 15) -> AsyncIterator[WebhookClient]:
    opened = WebhookClient(AddressGuard(allow_private=True), timeout=timedelta(seconds=timeout))
    try:
        yield opened
    finally:
        await opened.aclose()


def answering(*answers: bytes, then_close: bool = False) -> tuple[Serve, list[bytes]]:
    """Answers every request with the next answer; the list fills with what was asked."""
    asked: list[bytes] = []
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                asked.append(head + await reader.readexactly(4))
                writer.write(left.pop(0))
                await writer.drain()
                if then_close:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    return serve, asked


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_a_request_is_whole(tmp_path: object) -> None:
    serve, asked = answering(OK)
    async with serving(serve) as url, client() as posting:
        assert await posting.post(url, [(b"webhook-id", b"1")], b"body") == HttpAnswer(200)
    host = url.removeprefix("http://").partition("/")[0]
    assert asked == [
        b"POST /a?b=c HTTP/1.1\r\nHost: " + host.encode() + b"\r\nContent-Length: 4\r\n"
        b"webhook-id: 1\r\n\r\nbody"
    ]


async def test_a_connection_closed_meanwhile_is_replaced() -> None:
    serve, asked = answering(OK, OK, then_close=True)
    async with serving(serve) as url, client() as posting:
        assert (await posting.post(url, [], b"1234")).status == 200
        assert (await posting.post(url, [], b"5678")).status == 200
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", (302, None)),
        (b"HTTP/1.1 429 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", (429, 7)),
        (b"HTTP/1.1 503 X\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", (503, None)),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, (200, None)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 200_000, (200, None)),
    ],
)
async def test_answers(answer: bytes, expected: tuple[int, int | None]) -> None:
    serve, _ = answering(answer)
    async with serving(serve) as url, client() as posting:
        given = await posting.post(url, [], b"1234")
    seconds = given.retry_after.total_seconds() if given.retry_after else None
    assert (given.status, seconds) == expected


async def test_a_retry_after_may_be_a_date() -> None:
    serve, _ = answering(
        b"HTTP/1.1 503 X\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n"
    )
    async with serving(serve) as url, client() as posting:
        assert (await posting.post(url, [], b"1234")).retry_after == timedelta(0)


@pytest.mark.parametrize("answer", [b"", b"220 smtp.example\r\n\r\n", b"HTTP/1.1 200 OK\r\nConten"])
async def test_no_answer_of_the_kind_is_told(answer: bytes) -> None:
    serve, _ = answering(answer, then_close=True)
    async with serving(serve) as url, client() as posting:
        with pytest.raises(Unreachable):
            await posting.post(url, [], b"1234")


async def test_one_that_does_not_answer_in_time() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with serving(silent) as url, client(timeout=0.1) as posting:
        with pytest.raises(Unreachable, match=r"no answer within 0\.1 s"):
            await posting.post(url, [], b"1234")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::a00:1]/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http:///path",
        "http://user:word@example.com/",
        "http://example.com:port/",
        "http://exa\nmple.com/",
        "http://example.com/a b",
        "example.com",
    ],
)
def test_places_no_webhook_may_go(url: str) -> None:
    with pytest.raises(ForbiddenUrl):
        AddressGuard().check(url)


@pytest.mark.parametrize(
    "host",
    [
        *("169.254.169.254", "[::ffff:169.254.1.1]", "[64:ff9b::a9fe:a9fe]", "[fe80::1]"),
        *("100.100.100.200", "168.63.129.16", "[fd00:ec2::254]"),
    ],
)
def test_a_machines_own_addresses_are_never_a_webhooks(host: str) -> None:
    for allow_private in (False, True):
        with pytest.raises(ForbiddenUrl, match="a machine's own"):
            AddressGuard(allow_private=allow_private).check(f"http://{host}/")
    assert AddressGuard(allow_private=True).check("http://10.0.0.1/").hostname


@pytest.mark.parametrize("url", ["https://example.com/hook", "http://93.184.216.34:8080/?x=1"])
def test_places_a_webhook_may_go(url: str) -> None:
    assert AddressGuard().check(url).hostname


@pytest.mark.parametrize("host", ["localhost", "0", "127.1", "2130706433"])
async def test_a_name_of_a_private_address_is_refused_when_it_is_resolved(host: str) -> None:
    posting = WebhookClient(AddressGuard())
    with pytest.raises(Unreachable, match="not a public one"):
        await posting.post(f"http://{host}/", [], b"")
    await posting.aclose()


async def test_a_name_that_does_not_exist() -> None:
    async with client() as posting:
        with pytest.raises(Unreachable):
            await posting.post("http://nowhere.invalid/", [], b"")


def test_what_is_signed_is_what_others_verify() -> None:
    secret = new_secret()
    headers = {
        name.decode(): value.decode()
        for name, value in signed(secret, "ü/1", b'{"a":"\xc3\xbc"}', datetime.now(UTC))
    }
    assert headers["webhook-id"] == "%C3%BC/1"
    assert Webhook(secret).verify(b'{"a":"\xc3\xbc"}', headers) == {"a": "ü"}


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_ü"])
def test_secrets_that_cannot_be_used(secret: str) -> None:
    with pytest.raises(BadSecret):
        check_secret(secret)

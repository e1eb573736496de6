"""What every route answers alike: keys, bodies, errors, headers."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from urllib.parse import urlsplit

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.config import Settings
from adapters.postgres.access import Access
from adapters.postgres.pool import open_pool
from api.app import create_app
from api.body import DEEPEST, LIMIT
from api.deps import stores_on
from api.guard import Guard
from api.problems import Problem
from api.serving import serving
from api.shapes import canonical
from tests.api.conftest import Client

COMPANY = {"name": "Throughline Inc", "currency": "USD"}
PATH = "/v1/companies/US"


def rules(answer: httpx.Response) -> list[str]:
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    return [broken["rule"] for broken in document["errors"]]


async def test_what_needs_no_key(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as anybody:
        for path in ("/healthz", "/readyz", "/docs", "/openapi.json"):
            assert (await anybody.get(path)).status_code == 200, path
        for path in ("/redoc", "/docs/oauth2-redirect"):
            assert (await anybody.get(path)).status_code == 404, path


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer tl_nobody-knows-this-one"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer t\x7f"},
    ],
)
async def test_without_a_known_key_it_is_401(url: str, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as nobody:
        answer = await nobody.put(PATH, json=COMPANY)

    assert answer.status_code == 401
    assert rules(answer) == ["unauthorized"]
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_who_it_is_goes_before_what_is_asked(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as nobody:
        answer = await nobody.put(PATH, content=b"{" * 1_000_000)

    assert answer.status_code == 401


async def test_without_the_scope_it_is_403(client_with: Client) -> None:
    reader = await client_with("master:read")

    answer = await reader.put(PATH, json=COMPANY)

    assert answer.status_code == 403
    assert rules(answer) == ["scope_missing"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"name": NaN}',
        b'{"name": 1e99999999999999999999}',
        b'{"name": "a", "name": "b"}',
        b"1" * 5000,
        b'{"name":' + b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1) + b"}",
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:30]),
)
async def test_what_is_no_document_is_400_or_422(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.put(PATH, content=body)

    assert answer.status_code == (400 if body else 422)
    assert rules(answer) == (["unparsable"] if body else ["missing"])


@pytest.mark.parametrize(
    ("change", "pointer", "rule"),
    [
        ({"name": None}, "/name", "string_type"),
        ({"name": ""}, "/name", "string_too_short"),
        ({"currency": "ZZZ"}, "/currency", "unknown_currency"),
        ({"nmae": "x"}, "/nmae", "extra_forbidden"),
        ({"name": "a\0b"}, "/name", "text"),
        ({"name": "\ud800"}, "/name", "text"),
    ],
)
async def test_a_broken_rule_is_named_with_its_place(
    client: httpx.AsyncClient, change: dict[str, object], pointer: str, rule: str
) -> None:
    answer = await client.put(PATH, content=json.dumps(COMPANY | change))

    assert answer.status_code == 422
    assert rules(answer) == [rule]
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
async def test_more_than_5_mb_is_413(client: httpx.AsyncClient, chunked: bool) -> None:
    body = b'{"name": "' + b"x" * LIMIT + b'"}'

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    answer = await client.put(PATH, content=pieces() if chunked else body)

    assert answer.status_code == 413
    assert rules(answer) == ["too_large"]
    assert (await client.put(PATH, json=COMPANY)).status_code == 201


async def test_unknown_paths_and_methods_are_problems_too(client: httpx.AsyncClient) -> None:
    nowhere, wrong = await client.get("/v1/nowhere"), await client.patch(PATH)

    assert (nowhere.status_code, wrong.status_code) == (404, 405)
    assert rules(nowhere) == ["not_found"]
    assert "PUT" in wrong.headers["allow"]


async def test_the_correlation_id_comes_back(client: httpx.AsyncClient) -> None:
    given = await client.get("/healthz", headers={"X-Correlation-Id": "order-7/web"})
    bad = await client.get("/healthz", headers={"X-Correlation-Id": "two words"})

    assert given.headers["x-correlation-id"] == "order-7/web"
    assert len(bad.headers["x-correlation-id"]) == 32
    assert given.headers["x-content-type-options"] == "nosniff"


async def test_a_stale_if_match_is_412(client: httpx.AsyncClient) -> None:
    first = await client.put(PATH, json=COMPANY)
    second = await client.put(PATH, json=COMPANY | {"name": "New"}, headers={"If-Match": '"1"'})
    stale = await client.put(PATH, json=COMPANY, headers={"If-Match": first.headers["etag"]})
    foreign = await client.put(PATH, json=COMPANY, headers={"If-Match": '"abc"'})

    assert [a.status_code for a in (first, second, stale, foreign)] == [201, 200, 412, 412]
    assert (await client.get(PATH)).headers["etag"] == second.headers["etag"]


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WyIiXQ", "\U0001f600", "Ilx1MDAwMCI"])
async def test_a_cursor_of_somebody_else_is_422(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get("/v1/items", params={"cursor": cursor})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "cursor"


@pytest.mark.parametrize(
    ("value", "currency", "printed"),
    [
        *(("0.0", None, "0"), ("31.0", None, "31"), ("1E+3", None, "1000"), ("-0.0", None, "0")),
        *(("9.5", "USD", "9.50"), ("1.0050", "USD", "1.005"), ("100.00", "JPY", "100")),
        *(("0", "BHD", "0.000"), ("1E-6", None, "0.000001")),
    ],
)
def test_decimals_are_printed_in_one_way(value: str, currency: str | None, printed: str) -> None:
    assert f"{canonical(Decimal(value), currency):f}" == printed


class Down:
    """A TCP port where nobody answers any more: connections go to the server until it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def cut(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        self._writers += [writer, there_writer]
        await asyncio.gather(self._copy(reader, there_writer), self._copy(there_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
        except ConnectionError:
            pass
        writer.close()


async def test_without_the_database_it_is_503(database: str, settings: Settings) -> None:
    parts = urlsplit(database)
    assert parts.hostname
    assert parts.port
    way = Down(parts.hostname, parts.port)
    port = await way.start()
    netloc = parts.netloc.replace(f":{parts.port}", f":{port}")
    async with open_pool(parts._replace(netloc=netloc).geturl(), max_size=2) as pool:
        pool.timeout = 0.5
        async with (
            serving(create_app(stores_on(pool), settings)) as url,
            httpx.AsyncClient(base_url=url, trust_env=False) as client,
        ):
            assert (await client.get("/readyz")).status_code == 200

            await way.cut()
            headers = {"Authorization": "Bearer tl_some-key"}
            answers = [await client.get("/v1/items", headers=headers) for _ in range(4)]
            ready = await client.get("/readyz")

    assert {a.status_code for a in answers} == {503}
    assert rules(answers[-1]) == ["unavailable"]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "connection" not in answers[-1].text
    assert ready.status_code == 503


async def test_an_unmigrated_database_is_not_ready(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    async with pool.connection() as db:
        await db.execute("update alembic_version set version_num = '0000'")

    assert (await client.get("/readyz")).status_code == 503


async def test_a_bug_is_500_without_a_traceback(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr("adapters.postgres.master.MasterData.get_company", broken)

    answer = await client.get(PATH)

    assert answer.status_code == 500
    assert rules(answer) == ["bug"]
    assert "secret" not in answer.text


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class CountedKeys:
    def __init__(self, *found: Access | None) -> None:
        self._found = iter(found)
        self.asked = 0

    async def find(self, key: str) -> Access | None:
        self.asked += 1
        return next(self._found)


def a_key(rate: int | None = None) -> Access:
    return Access(id="k", name="k", scopes=frozenset({"a"}), requests_per_second=rate)


async def test_a_key_is_looked_up_once_in_some_seconds() -> None:
    clock, keys = Clock(), CountedKeys(a_key(), None)
    guard = Guard(keys, 100, clock)

    for _ in range(3):
        await guard.admit("Bearer tl_x", "a")
    assert keys.asked == 1

    clock.now += 6
    with pytest.raises(Problem) as revoked:
        await guard.admit("Bearer tl_x", "a")
    assert revoked.value.status_code == 401


async def test_a_key_that_asks_too_often_is_told_when_to_go_on() -> None:
    clock, keys = Clock(), CountedKeys(a_key(rate=2))
    guard = Guard(keys, 100, clock)
    for _ in range(4):
        await guard.admit("Bearer tl_x", "a")

    with pytest.raises(Problem) as limited:
        await guard.admit("Bearer tl_x", "a")

    assert limited.value.status_code == 429
    assert limited.value.headers == {"Retry-After": "1"}
    clock.now += 0.5
    await guard.admit("Bearer tl_x", "a")


async def test_keys_are_made_and_revoked(client: httpx.AsyncClient, url: str) -> None:
    made = (await client.post("/v1/keys", json={"name": "x", "scopes": ["master:read"]})).json()
    unknown = await client.post("/v1/keys", json={"name": "x", "scopes": ["everything"]})

    assert rules(unknown) == ["unknown_scope"]
    headers = {"Authorization": f"Bearer {made['key']}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as other:
        assert (await other.get("/v1/items")).status_code == 200
    listed = (await client.get("/v1/keys")).json()["items"]
    assert made["id"] in [key["id"] for key in listed]
    assert made["key"] not in str(listed)
    assert (await client.delete(f"/v1/keys/{made['id']}")).status_code == 204
    assert (await client.delete(f"/v1/keys/{made['id']}")).status_code == 404

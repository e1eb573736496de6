"""What comes in, what it is answered, and what is there afterwards: the table, row by row.

What an order is held for is decided by its workflow. Here such a row shows what the door does (it
is kept, and validation names the reasons); `path` is the play of tests/replay/paths.py that shows
the rest.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from tests.api.conftest import Client
from tests.api.orders import MILESTONE, MOVEMENT, an_order
from tests.api.test_master_data import COMPANY, CUSTOMER, ITEM
from tests.replay.paths import PATHS

ORDERS = "/v1/orders"
MILESTONES = "/v1/warehouses/EAST/milestones"
MOVEMENTS = "/v1/inventory/movements"


@dataclass(frozen=True)
class Send:
    """A request; `{order}` in its path and body is the id of the first answer."""

    body: Any
    path: str = ORDERS
    headers: dict[str, str] = field(default_factory=dict)
    by: str = "anybody's key"

    def content(self, order: str) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body).replace("{order}", order).encode()


@dataclass(frozen=True)
class Row:
    """`problem` is the last answer's type, `broken` the place and rule of its one error.

    `stored` says which of the requests are kept as messages, `dead` as what dead letter the last
    one is. `held` is what an order would be held for, `alike` that it names the first one.
    """

    name: str
    sends: Sequence[Send]
    answers: Sequence[int]
    problem: str = ""
    broken: tuple[str, str] | None = None
    stored: Sequence[int] = ()
    dead: str = ""
    held: Sequence[str] = ()
    alike: bool = False
    path: str = ""


def refused(name: str, body: Any, rule: str, pointer: str = "") -> Row:
    return Row(name, [Send(body)], [422], "invalid", (pointer, rule))


def kept(name: str, body: Any, held: str = "", path: str = "") -> Row:
    return Row(name, [Send(body)], [202], stored=[0], held=[held] if held else [], path=path)


def line(**change: Any) -> dict[str, Any]:
    return an_order(lines=[{"item": "BOLT-8", "quantity": "5"} | change])


def lines(count: int, item: str = "BOLT-8") -> dict[str, Any]:
    return an_order(lines=[{"item": item, "quantity": "5"}] * count)


def keyed(body: Any) -> Send:
    return Send(body, headers={"Idempotency-Key": "k-1"})


def milestone(**change: Any) -> Send:
    return Send(MILESTONE | change, MILESTONES)


PLACED = Send(an_order())
OF_IT = {"order_id": "{order}"}
QUANTITY = "/lines/0/quantity"
EXTRAS = {f"x{n}": n for n in range(11)}

ROWS = [
    Row("unparsable", [Send(b'{"channel": ')], [400], "unparsable", ("", "unparsable")),
    refused("5 MB", b'"' + b"x" * 4_999_998 + b'"', "model_attributes_type"),
    Row("a byte more", [Send(b'"' + b"x" * 4_999_999 + b'"')], [413], "too_large",
        ("", "too_large")),
    refused("not an object", b"[]", "model_attributes_type"),
    refused("nothing", b"", "missing"),
    refused("wrong schema", an_order(lines="x"), "tuple_type", "/lines"),
    refused("no lines", an_order(lines=[]), "too_short", "/lines"),
    refused("unknown field", an_order(colour="red"), "extra_forbidden", "/colour"),
    refused("zero quantity", line(quantity="0"), "greater_than", QUANTITY),
    refused("negative quantity", line(quantity=-1), "greater_than", QUANTITY),
    refused("absurd quantity", line(quantity="1e12"), "less_than", QUANTITY),
    refused("too many decimals", line(quantity="0.1234567"), "too_many_decimals", QUANTITY),
    refused("too many digits", line(quantity="1." + "0" * 99), "too_many_digits", QUANTITY),
    refused("grouped digits", line(quantity="1_000"), "not_a_decimal_number", QUANTITY),
    refused("infinite quantity", line(quantity="Infinity"), "not_a_decimal_number", QUANTITY),
    refused("true quantity", line(quantity=True), "decimal_type", QUANTITY),
    refused("negative price", line(price="-1"), "greater_than_equal", "/lines/0/price"),
    refused("unknown currency", an_order(currency="ZZZ"), "unknown_currency", "/currency"),
    Row("NUL in a text", [Send(an_order(notes="a\0b"))], [422], "text", ("/notes", "text")),
    refused("card without token", an_order(payment={"method": "card"}),
            "a_card_payment_needs_the_gateway_s_token", "/payment"),
    refused("attribute with parts", an_order(attributes={"a": {"b": 1}}), "not_a_scalar",
            "/attributes/a"),
    refused("attribute of many", an_order(attributes={"a": ["b"]}), "not_a_scalar",
            "/attributes/a"),
    refused("long attribute", an_order(attributes={"a": "x" * 501}), "string_too_long",
            "/attributes/a"),
    refused("long attribute name", an_order(attributes={"n" * 65: 1}), "string_too_long",
            "/attributes/" + "n" * 65),
    refused("many attributes", an_order(attributes={f"a{n}": n for n in range(51)}), "too_long",
            "/attributes"),
    refused("payment with parts", an_order(payment={"a": [1]}), "not_a_scalar", "/payment/a"),
    refused("long payment extra", an_order(payment={"a": "x" * 201}), "string_too_long",
            "/payment/a"),
    refused("long payment name", an_order(payment={"n" * 65: 1}), "name_too_long", "/payment"),
    refused("many payment extras", an_order(payment=EXTRAS), "too_many_extras", "/payment"),
    refused("long notes", an_order(notes="x" * 4001), "string_too_long", "/notes"),
    refused("many lines", lines(501), "too_long", "/lines"),
    refused("256 KB", lines(500, "\U0001f600" * 128), "order_too_large"),
    kept("as much as may be", lines(500) | {
        "notes": "x" * 4000, "attributes": {f"{n:064}": "x" * 500 for n in range(50)},
    }),
    kept("scalars", an_order(attributes={"a": 1.5, "b": True, "c": None}, payment={"terms": 30})),
    kept("decimal as a number", line(quantity=0.1)),
    kept("text of another script", an_order(notes="Привет, 世界, 🙂")),
    kept("unknown customer", an_order(customer="NOBODY"), "unknown_customer",
         "of_an_unknown_customer"),
    kept("unknown item", line(item="NOTHING"), "unknown_item", "of_an_unknown_item"),
    kept("unknown unit", line(unit="PALLET"), "unknown_unit"),
    kept("price off contract", line(price="0.01"), "price_mismatch", "at_another_price"),
    kept("not the customer's currency", an_order(currency="EUR"), "currency_mismatch"),
    Row("same Idempotency-Key, same body", [keyed(an_order())] * 2, [202, 202], stored=[0],
        alike=True),
    Row("same Idempotency-Key, another body", [keyed(an_order()), keyed(line(quantity=6))],
        [202, 422], "idempotency_key_reused", ("", "idempotency_key_reused"), stored=[0]),
    Row("same reference, same content", [PLACED] * 2, [202, 200], stored=[0], alike=True),
    Row("same reference, other content", [PLACED, Send(line(quantity="6"))], [202, 409],
        "conflicting_reference", ("/reference", "conflicting_reference"), stored=[0],
        dead="conflicting_reference"),
    Row("same reference, other channel", [PLACED, Send(line(quantity="6") | {"channel": "edi"})],
        [202, 202], stored=[0, 1]),
    Row("like another of the day", [PLACED, Send(an_order(reference="PO-2"))], [202, 202],
        stored=[0, 1], held=["suspected_duplicate"], path="like_another"),
    Row("milestone for an unknown order", [milestone()], [202], stored=[0],
        path="told_before_it_was_placed"),
    Row("milestone again", [milestone()] * 2, [202, 200], stored=[0], alike=True),
    Row("milestone again, other content", [milestone(), milestone(kind="packed")], [202, 409],
        "conflicting_content", ("", "conflicting_content"), stored=[0],
        dead="conflicting_content"),
    Row("milestone ahead of its order", [PLACED, milestone(**OF_IT)], [202, 202], stored=[0, 1],
        path="told_before_it_was_placed"),
    Row("more shipped than released",
        [PLACED, milestone(**OF_IT, lines=[{"line": "1", "quantity": "9"}])], [202, 202],
        stored=[0, 1], path="overshipped"),
    Row("milestone for a closed order", [PLACED, milestone(**OF_IT, kind="delivered")], [202, 202],
        stored=[0, 1], path="shipped_again_after_the_close"),
    Row("movement again", [Send(MOVEMENT, MOVEMENTS)] * 2, [202, 200], alike=True),
    Row("movement again, other content",
        [Send(MOVEMENT, MOVEMENTS), Send(MOVEMENT | {"quantity": "11"}, MOVEMENTS)], [202, 409],
        "conflicting_content", ("", "conflicting_content"), dead="conflicting_content"),
    Row("no key", [Send(an_order(), by="nobody")], [401], "unauthorized", ("", "unauthorized")),
    Row("key without the scope", [Send(an_order(), by="a reader")], [403], "scope_missing",
        ("", "scope_missing")),
    Row("stale If-Match",
        [PLACED, Send({}, "/v1/orders/{order}/cancellation", {"If-Match": '"99"'})], [202, 412],
        "stale_revision", ("", "stale_revision"), stored=[0]),
]  # fmt: skip


@pytest.fixture
async def callers(client: httpx.AsyncClient, client_with: Client) -> dict[str, httpx.AsyncClient]:
    """Who may send; and the company that ACME buys bolts from."""
    await client.put("/v1/companies/MAIN", json=COMPANY)
    await client.put("/v1/customers/ACME", json=CUSTOMER)
    await client.put("/v1/items/BOLT-8", json=ITEM)
    nobody = await client_with()
    del nobody.headers["Authorization"]
    reader = await client_with("orders:read")
    return {"anybody's key": client, "nobody": nobody, "a reader": reader}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_what_comes_in(
    row: Row,
    client: httpx.AsyncClient,
    callers: dict[str, httpx.AsyncClient],
    pool: AsyncConnectionPool,
) -> None:
    answers: list[httpx.Response] = []
    contents: list[bytes] = []
    for send in row.sends:
        order = answers[0].json()["id"] if answers else ""
        contents.append(send.content(order))
        path = send.path.replace("{order}", order)
        answers.append(
            await callers[send.by].post(path, content=contents[-1], headers=send.headers)
        )

    last = answers[-1].json()
    assert [answer.status_code for answer in answers] == list(row.answers), answers[-1].text
    if row.problem:
        assert answers[-1].headers["content-type"] == "application/problem+json"
        assert last["type"] == f"urn:throughline:problem:{row.problem}"
        assert [(e.get("pointer"), e["rule"]) for e in last["errors"]] == [row.broken]
        assert "more)" not in last.get("detail", "")
    if row.alike:
        assert last["id"] == answers[0].json()["id"]
    async with pool.connection() as db:
        rows = await (await db.execute("select raw from inbox order by stored_at")).fetchall()
    assert [raw for (raw,) in rows] == [contents[n] for n in row.stored]
    letters = (await client.get("/v1/dead-letters")).json()["items"]
    dead = [(row.dead, contents[-1].decode())] if row.dead else []
    assert [(letter["reason"], letter["body"]) for letter in letters] == dead
    if row.answers[-1] == 202 and row.sends[-1].path == ORDERS:
        await held_for(row, client, contents[-1], last, answers[0].json()["id"])


async def held_for(
    row: Row, client: httpx.AsyncClient, content: bytes, accepted: dict[str, Any], first: str
) -> None:
    """The last order is held for what the row says, and for nothing else."""
    found = await client.post("/v1/orders/validation", content=content)
    reasons = [problem["reason"] for problem in found.json()["problems"]]
    if accepted["duplicate_of"]:
        assert accepted["duplicate_of"] == first
        reasons.append("suspected_duplicate")
    assert sorted(set(reasons)) == sorted(row.held)


def test_the_paths_named_are_there() -> None:
    assert {row.path for row in ROWS if row.path} <= PATHS.keys()

"""Orders in a channel's own words: signed or with a key, taken, ignored or kept."""

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from tests.adapters.test_shopify import a_line, an_address, an_order
from tests.api.conftest import SECRET, Client
from tests.api.test_http import rules

PATH = "/v1/channels/shopify/orders"


async def send(
    url: str, document: Any, *, secret: str = SECRET, webhook_id: str = "w-1", **headers: str
) -> httpx.Response:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    digest = hmac.new(secret.encode(), raw, hashlib.sha256).digest()
    signed = {
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Topic": headers.pop("topic", "orders/create"),
        "X-Shopify-Webhook-Id": webhook_id,
    }
    async with httpx.AsyncClient(base_url=url, trust_env=False) as shop:
        return await shop.post(PATH, content=raw, headers=signed | headers)


async def test_a_signed_order_needs_no_key(url: str, client: httpx.AsyncClient) -> None:
    answer = await send(url, an_order())

    assert (answer.status_code, answer.json()["outcome"]) == (202, "accepted")
    order = (await client.get(answer.headers["location"])).json()
    assert (order["channel"], order["reference"]) == ("shopify", "5678901234567890123")
    assert order["lines"][0]["line"] == "9007199254740993"


@pytest.mark.parametrize("secret", ["another", ""])
async def test_a_wrong_signature_is_no_key(url: str, secret: str) -> None:
    assert (await send(url, an_order(), secret=secret)).status_code == 401


async def test_a_key_will_do_instead(client_with: Client) -> None:
    ours = await client_with("channels:write")
    reader = await client_with("orders:read")
    other = await client_with("channels:write", channel="web")

    assert (await ours.post(PATH, json=an_order())).status_code == 202
    assert (await reader.post(PATH, json=an_order())).status_code == 403
    assert (await other.post(PATH, json=an_order())).status_code == 403
    assert (await ours.post("/v1/channels/nobodys/orders", json={})).status_code == 404


async def test_the_same_message_and_the_same_order_are_taken_once(url: str) -> None:
    first = await send(url, an_order())
    again = await send(url, an_order())
    anew = await send(url, an_order(), webhook_id="w-2")
    repeated = await send(url, an_order(), webhook_id="w-2")
    changed = await send(url, an_order(line_items=[a_line(quantity=9)]), webhook_id="w-3")

    answers = (first, again, anew, repeated, changed)
    assert [a.status_code for a in answers] == [202, 202, 200, 200, 409]
    assert {a.json()["order"]["id"] for a in answers[:4]} == {first.json()["order"]["id"]}


async def test_an_order_like_another_is_told_though_every_line_has_an_id_of_its_own(
    url: str,
) -> None:
    first = await send(url, an_order(line_items=[a_line(id=11)]))
    other = await send(url, an_order(id=22, line_items=[a_line(id=12)]), webhook_id="w-2")

    assert other.status_code == 202
    assert other.json()["order"]["duplicate_of"] == first.json()["order"]["id"]


async def test_other_topics_are_ignored(url: str, client: httpx.AsyncClient) -> None:
    answer = await send(url, {"id": 1}, topic="orders/paid")

    assert (answer.status_code, answer.json()["outcome"]) == (200, "ignored")
    assert (await client.get("/v1/dead-letters")).json()["items"] == []


@pytest.mark.parametrize(
    ("changes", "rule"),
    [({"line_items": []}, "cannot_be_mapped"), ({"shipping_address": None}, "no_address")],
)
async def test_what_cannot_be_mapped_is_kept_whole(
    url: str, client: httpx.AsyncClient, changes: dict[str, Any], rule: str
) -> None:
    document = an_order(**changes)

    answers = [await send(url, document) for _ in range(2)]

    assert [(a.status_code, a.json()["outcome"]) for a in answers] == [(202, "kept")] * 2
    (letter,) = (await client.get("/v1/dead-letters")).json()["items"]
    assert (letter["reason"], json.loads(letter["body"])) == (rule, document)
    assert letter["id"] == answers[0].json()["dead_letter"]


async def test_kept_orders_are_sent_again_corrected(url: str, client: httpx.AsyncClient) -> None:
    kept = (await send(url, an_order(shipping_address=None))).json()["dead_letter"]
    path = f"/v1/dead-letters/{kept}/resubmission"

    as_it_was = await client.post(path, json={})
    corrected = await client.post(path, json={"body": an_order(shipping_address=an_address())})
    again = await client.post(path, json={})

    assert rules(as_it_was) == ["no_address"]
    assert corrected.status_code == 202
    order = await client.get(f"/v1/orders/{corrected.json()['result']['id']}")
    assert order.json()["reference"] == "5678901234567890123"
    assert rules(again) == ["already_resolved"]
    assert (await client.get(f"/v1/dead-letters/{kept}")).json()["resolution"] == (
        "resubmitted by test"
    )


async def test_what_is_no_document_is_refused(url: str, pool: AsyncConnectionPool) -> None:
    assert (await send(url, b"{")).status_code == 400

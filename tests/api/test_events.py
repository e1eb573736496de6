"""Events, subscriptions and dead letters over HTTP."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.events import EventLog, NewEvent
from tests.api.orders import MILESTONE, an_order
from tests.api.test_http import rules

URL = "http://127.0.0.1:9/hook"
KIND = "throughline.order.shipped.v1"


async def write_events(pool: AsyncConnectionPool, *ids: str) -> None:
    """Events with positions, as the sequencer gives them."""
    at = datetime(2030, 1, 1, tzinfo=UTC)
    await EventLog(pool).write(
        NewEvent(id=id, kind=KIND, subject=f"orders/{id}", occurred_at=at, data={"n": id})
        for id in ids
    )
    async with pool.connection() as db:
        await db.execute("update event set position = written where position is null")


async def test_events_are_read_from_a_position(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    await write_events(pool, "a", "b", "c")

    first = (await client.get("/v1/events", params={"limit": 2})).json()
    rest = (await client.get("/v1/events", params={"cursor": first["next"]})).json()
    behind = await client.get("/v1/events", params={"after": first["items"][0]["position"]})
    of_b = await client.get("/v1/events", params={"subject": "orders/b", "kind": KIND})

    assert [e["id"] for e in (*first["items"], *rest["items"])] == ["a", "b", "c"]
    assert rest["next"] is None
    assert [e["id"] for e in behind.json()["items"]] == ["b", "c"]
    (event,) = of_b.json()["items"]
    assert (event["specversion"], event["type"], event["data"]) == ("1.0", KIND, {"n": "b"})
    assert (await client.get("/v1/events", params={"kind": "other"})).status_code == 422


async def test_a_subscription_from_its_beginning_to_its_end(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    await write_events(pool, "a", "b")
    made = await client.post("/v1/subscriptions", json={"id": "bi", "url": URL, "kinds": [KIND]})
    path = made.headers["location"]

    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    shown = (await client.get(path)).json()
    assert "secret" not in shown
    assert (shown["cursor"], shown["state"]) == (2, "active")
    paused = (await client.patch(path, json={"state": "paused"})).json()
    assert (paused["state"], paused["url"]) == ("paused", URL)
    assert (await client.patch(path, json={})).json() == paused
    replayed = await client.post(f"{path}/replay", json={"from": 1})
    assert (replayed.status_code, replayed.json()["cursor"]) == (202, 0)
    listed = (await client.get("/v1/subscriptions")).json()["items"]
    assert [known["id"] for known in listed] == ["bi"]
    again = await client.post("/v1/subscriptions", json={"id": "bi", "url": URL})
    assert (again.status_code, rules(again)) == (409, ["subscription_exists"])
    assert (await client.delete(path)).status_code == 204
    assert [
        (await client.get(path)).status_code,
        (await client.patch(path, json={"state": "active"})).status_code,
        (await client.post(f"{path}/replay", json={"from": 1})).status_code,
        (await client.delete(path)).status_code,
    ] == [404] * 4


@pytest.mark.parametrize(
    "change",
    [
        {"url": "ftp://example.com/"},
        {"url": "http://user:secret@example.com/"},
        {"url": "not a url"},
        {"secret": "short"},
        {"kinds": ["everything"]},
        {"after": -1},
    ],
)
async def test_a_subscription_that_cannot_work_is_refused(
    client: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    answer = await client.post("/v1/subscriptions", json={"url": URL} | change)

    assert answer.status_code == 422


async def test_dead_letters_are_listed_in_pages_and_dismissed(client: httpx.AsyncClient) -> None:
    await client.post("/v1/orders", json=an_order())
    for quantity in ("6", "7", "8"):
        changed = an_order(lines=[{"item": "BOLT-8", "quantity": quantity}])
        assert (await client.post("/v1/orders", json=changed)).status_code == 409

    first = (await client.get("/v1/dead-letters", params={"limit": 2})).json()
    rest = (await client.get("/v1/dead-letters", params={"cursor": first["next"]})).json()
    ids = [letter["id"] for letter in (*first["items"], *rest["items"])]
    done = await client.post(f"/v1/dead-letters/{ids[0]}/dismissal", json={"note": "a test"})
    again = await client.post(f"/v1/dead-letters/{ids[0]}/dismissal", json={})

    assert len(set(ids)) == 3
    assert done.json()["resolution"] == "dismissed by test: a test"
    assert rules(again) == ["already_resolved"]
    left = (await client.get("/v1/dead-letters")).json()["items"]
    assert [letter["id"] for letter in left] == ids[1:]
    resolved = (await client.get("/v1/dead-letters", params={"resolved": True})).json()["items"]
    assert [letter["id"] for letter in resolved] == ids[:1]
    assert (await client.get("/v1/dead-letters/nothing")).status_code == 404


async def test_a_conflicting_order_is_sent_again_under_another_reference(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/v1/orders", json=an_order())
    changed = an_order(lines=[{"item": "BOLT-8", "quantity": "6"}])
    await client.post("/v1/orders", json=changed)
    (letter,) = (await client.get("/v1/dead-letters")).json()["items"]
    path = f"/v1/dead-letters/{letter['id']}/resubmission"

    as_it_was = await client.post(path, json={})
    corrected = await client.post(path, json={"body": changed | {"reference": "PO-1B"}})

    assert (as_it_was.status_code, corrected.status_code) == (409, 202)
    orders = (await client.get("/v1/orders")).json()["items"]
    assert {order["reference"] for order in orders} == {"PO-1", "PO-1B"}
    assert (await client.get("/v1/dead-letters")).json()["items"] == []


async def test_a_conflicting_milestone_is_sent_again_as_another_one(
    client: httpx.AsyncClient,
) -> None:
    order_id = (await client.post("/v1/orders", json=an_order())).json()["id"]
    path = "/v1/warehouses/EAST/milestones"
    for quantity in ("1", "2"):
        lines = [{"line": "1", "quantity": quantity}]
        await client.post(path, json=MILESTONE | {"order_id": order_id, "lines": lines})
    (letter,) = (await client.get("/v1/dead-letters")).json()["items"]

    sent = await client.post(f"/v1/dead-letters/{letter['id']}/resubmission", json={})

    assert sent.json()["result"] == {"outcome": "stored", "order_id": order_id}
    messages = (await client.get(f"/v1/orders/{order_id}/audit")).json()["messages"]
    assert [m["kind"] for m in messages] == ["placed", "milestone", "milestone"]
    assert messages[2]["body"]["lines"][0]["quantity"] == "2"

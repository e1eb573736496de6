"""Counts, snapshots and the proof of stock over HTTP."""

from typing import Any

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from tests.api.conftest import Client
from tests.api.orders import MOVEMENT
from tests.api.test_http import rules

EARLY, NOON, LATE = "2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z", "2026-03-01T14:00:00Z"


def a_count(quantity: object = "7", **changes: Any) -> dict[str, Any]:
    return {
        "count_id": "C-1",
        "location": "EAST",
        "taken_at": NOON,
        "positions": [{"item": "BOLT-8", "quantity": quantity}],
    } | changes


def a_snapshot(quantity: object = "7", **changes: Any) -> dict[str, Any]:
    told = a_count(quantity) | {"snapshot_id": "S-1", "source": "wms-east", "measure": "physical"}
    del told["count_id"]
    return told | changes


async def receive(client: httpx.AsyncClient, id: str, quantity: str, at: str) -> None:
    told = MOVEMENT | {"movement_id": id, "quantity": quantity, "occurred_at": at}
    assert (await client.post("/v1/inventory/movements", json=told)).status_code == 202


async def on_hand(client: httpx.AsyncClient) -> str:
    (position,) = (await client.get("/v1/inventory/positions")).json()["items"]
    return str(position["on_hand"])


async def test_a_count_adjusts_what_differs_once(client: httpx.AsyncClient) -> None:
    await receive(client, "V-1", "10", EARLY)

    first = await client.post("/v1/counts", json=a_count())
    again = await client.post("/v1/counts", json=a_count())
    other = await client.post("/v1/counts", json=a_count("8"))

    assert (first.status_code, again.status_code, other.status_code) == (202, 200, 409)
    assert first.json()["differences"] == [
        {"item": "BOLT-8", "found": "7", "book": "10", "difference": "-3"}
    ]
    assert rules(other) == ["conflicting_content"]
    assert await on_hand(client) == "7"


async def test_what_moved_after_it_was_counted_stays_moved(client: httpx.AsyncClient) -> None:
    await receive(client, "V-1", "10", EARLY)
    await receive(client, "V-2", "5", LATE)

    await client.post("/v1/counts", json=a_count("9"))

    assert await on_hand(client) == "14"


async def test_a_watermark_says_what_a_snapshot_knew(client: httpx.AsyncClient) -> None:
    await receive(client, "V-1", "10", EARLY)
    await receive(client, "V-2", "5", EARLY)

    same = await client.post("/v1/inventory/snapshots", json=a_snapshot("10", watermark="V-1"))
    more = await client.post(
        "/v1/inventory/snapshots", json=a_snapshot("16", snapshot_id="S-2", watermark="V-2")
    )

    assert same.json()["differences"] == []
    assert more.json()["differences"][0]["difference"] == "1"
    assert await on_hand(client) == "16"


async def test_a_warehouse_counts_itself_only(client_with: Client) -> None:
    west = await client_with("inventory:write", warehouse="WEST")

    assert (await west.post("/v1/counts", json=a_count())).status_code == 403
    assert (await west.post("/v1/inventory/snapshots", json=a_snapshot())).status_code == 403


async def test_the_proof_holds_and_sees_what_was_changed_behind_its_back(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    await receive(client, "V-1", "10", EARLY)
    await client.post("/v1/counts", json=a_count())

    whole = (await client.get("/v1/inventory/proof")).json()
    async with pool.connection() as db:
        await db.execute("update stock_position set on_hand = on_hand + 1")
    broken = (await client.get("/v1/inventory/proof")).json()

    assert (whole["ok"], whole["movements"], whole["on_hand"]) == (True, 2, "7")
    assert (broken["ok"], broken["broken"][0]["item"]) == (False, "BOLT-8")


@pytest.mark.parametrize("forged", ["on_hand_after = 99", "n = 7"])
async def test_the_proof_sees_a_forged_movement(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, forged: str
) -> None:
    await receive(client, "V-1", "10", EARLY)
    await receive(client, "V-2", "5", EARLY)
    async with pool.connection() as db:
        await db.execute(f"update movement set {forged} where n = 1".encode())

    assert not (await client.get("/v1/inventory/proof")).json()["ok"]


async def test_the_proof_of_a_past_moment(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    await receive(client, "V-1", "10", EARLY)
    async with pool.connection() as db:
        row = await (await db.execute("select clock_timestamp()")).fetchone()
    assert row
    await receive(client, "V-2", "5", EARLY)

    then = (await client.get("/v1/inventory/proof", params={"as_of": row[0].isoformat()})).json()

    assert (then["ok"], then["movements"], then["on_hand"]) == (True, 1, "10")

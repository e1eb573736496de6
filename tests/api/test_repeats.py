"""What comes again: the same by what it says, answered as it was first, and done once."""

import asyncio
from typing import Any

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from tests.api.conftest import Client
from tests.api.orders import MILESTONE, an_order
from tests.api.test_http import rules
from tests.api.test_master_data import ADDRESS
from tests.api.test_orders import placed, recorded

MILESTONES = "/v1/warehouses/EAST/milestones"
BOLTS = {"item": "BOLT-8", "quantity": "5"}


async def sql(pool: AsyncConnectionPool, statement: str, *values: Any) -> list[Any]:
    async with pool.connection() as db:
        cursor = await db.execute(statement.encode(), values)
        return await cursor.fetchall() if cursor.description else []


async def known(client: httpx.AsyncClient, pool: AsyncConnectionPool) -> tuple[str, str, str]:
    """An order that has been heard of: its id, its path, and the ETag it has now."""
    order_id = await placed(client)
    await recorded(pool, order_id)
    path = f"/v1/orders/{order_id}"
    return order_id, path, (await client.get(path)).headers["etag"]


async def letters(pool: AsyncConnectionPool) -> list[str]:
    return [reason for (reason,) in await sql(pool, "select reason from dead_letter")]


# content


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({"lines": [BOLTS]}, {"lines": [BOLTS | {"quantity": 5.0}]}),
        ({"lines": [BOLTS]}, {"lines": [BOLTS | {"quantity": "5.000"}]}),
        ({"lines": [BOLTS | {"price": "1"}]}, {"lines": [BOLTS | {"price": "1.00"}]}),
        ({"lines": [BOLTS]}, {"lines": [BOLTS | {"line": "1", "discount": 0}]}),
        ({"freight": "0"}, {"freight": 0.00}),
        ({"attributes": {"a": 5}}, {"attributes": {"a": 5.0}}),
        ({}, {"payment": {"method": "account"}, "purchase_order": None}),
    ],
)
async def test_the_same_order_written_otherwise_is_the_same(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, first: Any, again: Any
) -> None:
    order_id = await placed(client, **first)

    answer = await client.post("/v1/orders", json=an_order(**again))

    assert (answer.status_code, answer.json()["id"]) == (200, order_id)
    assert await letters(pool) == []


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({"lines": [BOLTS]}, {"lines": [BOLTS | {"quantity": "5.000001"}]}),
        ({"lines": [BOLTS]}, {"lines": [BOLTS | {"line": "2"}]}),
        ({"attributes": {"a": 5}}, {"attributes": {"a": "5"}}),
        ({"attributes": {"a": 1}}, {"attributes": {"a": True}}),
    ],
)
async def test_another_content_is_another(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, first: Any, again: Any
) -> None:
    await placed(client, **first)

    answer = await client.post("/v1/orders", json=an_order(**again))

    assert rules(answer) == ["conflicting_reference"]
    assert await letters(pool) == ["conflicting_reference"]


async def test_orders_are_alike_whatever_their_lines_are_called(client: httpx.AsyncClient) -> None:
    """As Shopify's, which gives every line of every order an id of its own."""
    first = await placed(client, lines=[BOLTS | {"line": "466157049"}])

    other = an_order(reference="PO-2", lines=[{"item": "BOLT-8", "quantity": 5.0, "line": "88"}])
    answer = await client.post("/v1/orders", json=other)

    assert (answer.status_code, answer.json()["duplicate_of"]) == (202, first)


async def test_the_same_milestone_written_otherwise_is_the_same(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    lines = [{"line": "1", "quantity": 2.0, "lots": None, "serials": None, "disposition": None}]
    absent = {"carrier": None, "tracking": None, "final": None, "fulfilment_id": None}
    at = {"occurred_at": "2026-03-01T11:00:00+01:00"}

    first = await client.post(MILESTONES, json=MILESTONE)
    again = await client.post(MILESTONES, json=MILESTONE | absent | at | {"lines": lines})
    other = await client.post(
        MILESTONES, json=MILESTONE | {"lines": [{"line": "1", "quantity": 3}]}
    )

    assert (first.status_code, again.status_code, other.status_code) == (202, 200, 409)
    assert await letters(pool) == ["conflicting_content"]


async def test_what_may_be_absent_from_a_milestone_may_be_null(client: httpx.AsyncClient) -> None:
    told = {"kind": "delivered", "lines": None, "document": None, "shipment_id": None}

    assert (await client.post(MILESTONES, json=MILESTONE | told)).status_code == 202


async def test_what_was_stored_under_an_older_hash_is_compared_by_what_it_says(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    """A database of a version that hashed what was written."""
    order_id = await placed(client)
    await client.post(MILESTONES, json=MILESTONE)
    await sql(pool, "update orders set content = 'older', alike = 'older'")
    await sql(pool, "update inbox set content = 'older'")
    other = {"lines": [BOLTS | {"quantity": 6}]}

    foreseen = await client.post("/v1/orders/validation", json=an_order())
    against = await client.post("/v1/orders/validation", json=an_order(**other))
    same = await client.post("/v1/orders", json=an_order(), headers={"Idempotency-Key": "k"})
    again = await client.post(MILESTONES, json=MILESTONE)

    assert (foreseen.json()["status"], against.json()["status"]) == ("existing", "conflict")
    assert (same.status_code, same.json()["id"], again.status_code) == (200, order_id, 200)
    assert await letters(pool) == []

    await sql(pool, "update orders set content = 'older'")
    await sql(pool, "update inbox set content = 'older'")
    conflict = await client.post("/v1/orders", json=an_order(**other))
    packed = await client.post(MILESTONES, json=MILESTONE | {"kind": "packed"})

    assert (conflict.status_code, packed.status_code) == (409, 409)
    assert sorted(await letters(pool)) == ["conflicting_content", "conflicting_reference"]


# Idempotency-Keys


async def test_a_key_sent_again_gets_the_first_answer(client: httpx.AsyncClient) -> None:
    """Accepted like another one, or known by its reference: again and again the same."""
    first = await placed(client)
    await client.post("/v1/orders", json=an_order(reference="PO-3"))
    like, known = an_order(reference="PO-2"), an_order()

    accepted = [
        await client.post("/v1/orders", json=like, headers={"Idempotency-Key": "k-1"})
        for _ in range(3)
    ]
    found = [
        await client.post("/v1/orders", json=known, headers={"Idempotency-Key": "k-2"})
        for _ in range(3)
    ]

    assert {(a.status_code, a.json()["duplicate_of"]) for a in accepted} == {(202, first)}
    assert len({answer.content for answer in accepted}) == 1
    assert {(a.status_code, a.json()["id"]) for a in found} == {(200, first)}
    assert len({answer.content for answer in found}) == 1
    other = await client.post("/v1/orders", json=like, headers={"Idempotency-Key": "k-2"})
    assert rules(other) == ["idempotency_key_reused"]


async def test_a_commands_key_with_another_body_leaves_nothing_behind(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    path, key = f"/v1/orders/{await placed(client)}", {"Idempotency-Key": "c-1"}
    await client.post(f"{path}/holds", json={"detail": "wait"}, headers=key)

    other = await client.post(f"{path}/holds", json={"detail": "stop"}, headers=key)
    elsewhere = await client.post(f"{path}/cancellation", json={}, headers=key)

    assert rules(other) == rules(elsewhere) == ["idempotency_key_reused"]
    assert await letters(pool) == []
    kinds = await sql(pool, "select kind from inbox order by n")
    assert kinds == [("placed",), ("hold",)]


# If-Match


async def test_a_command_that_was_applied_is_answered_again_under_its_if_match(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order_id, path, etag = await known(client, pool)
    headers = {"If-Match": etag, "Idempotency-Key": "c-1"}

    first = await client.post(f"{path}/cancellation", json={}, headers=headers)
    waiting = await client.post(f"{path}/cancellation", json={}, headers=headers)
    await recorded(pool, order_id)
    applied = await client.post(f"{path}/cancellation", json={}, headers=headers)
    anew = await client.post(
        f"{path}/cancellation", json={}, headers=headers | {"Idempotency-Key": "c-2"}
    )

    assert [a.status_code for a in (first, waiting, applied)] == [202, 202, 202]
    assert first.content == waiting.content == applied.content
    assert rules(anew) == ["stale_revision"]


async def test_of_many_commands_for_one_revision_one_is_taken(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order_id, path, etag = await known(client, pool)

    async def amend(quantity: int, headers: dict[str, str]) -> httpx.Response:
        body = {"lines": [{"line": "1", "quantity": quantity}]}
        return await client.post(f"{path}/amendments", json=body, headers=headers)

    answers = await asyncio.gather(*(amend(n, {"If-Match": etag}) for n in range(1, 31)))
    blind = await amend(9, {})
    after = await amend(7, {"If-Match": etag})

    assert sorted(a.status_code for a in answers) == [202, *[412] * 29]
    assert (blind.status_code, after.status_code) == (202, 412)
    await recorded(pool, order_id)
    etag = (await client.get(path)).headers["etag"]
    assert (await amend(3, {"If-Match": etag})).status_code == 202


async def test_one_command_sent_at_once_under_one_if_match_is_one_command(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    path = f"/v1/orders/{await placed(client)}"
    etag = (await client.get(path)).headers["etag"]
    headers = {"If-Match": etag, "Idempotency-Key": "c-1"}

    answers = await asyncio.gather(
        *(client.post(f"{path}/holds", json={}, headers=headers) for _ in range(10))
    )

    assert {a.status_code for a in answers} == {202}
    assert len({a.content for a in answers}) == 1
    assert await sql(pool, "select count(*) from inbox where kind = 'hold'") == [(1,)]


async def test_what_a_warehouse_told_keeps_no_command_from_a_revision(
    client: httpx.AsyncClient,
) -> None:
    """Facts overwrite nothing that anybody meant."""
    order_id = await placed(client)
    etag = (await client.get(f"/v1/orders/{order_id}")).headers["etag"]
    await client.post(MILESTONES, json=MILESTONE | {"order_id": order_id})

    asked = await client.post(f"/v1/orders/{order_id}/holds", headers={"If-Match": etag})

    assert asked.status_code == 202


# empty bodies


async def test_a_command_that_needs_no_words_takes_none(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order_id = await placed(client, kind="quote")
    for command in ("holds", "quote/acceptance", "cancellation"):
        answer = await client.post(f"/v1/orders/{order_id}/{command}")
        assert answer.status_code == 202, answer.text
    key = {"Idempotency-Key": "h-1"}
    empty = await client.post(f"/v1/orders/{order_id}/holds", headers=key)
    said = await client.post(f"/v1/orders/{order_id}/holds", json={}, headers=key)
    assert empty.content == said.content
    order = await recorded(pool, order_id)
    release = await client.post(f"/v1/holds/{order.holds[0].id}/release")
    assert release.status_code == 202, release.text


# a look first


async def test_validation_tells_what_the_door_would(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    first = await placed(client)
    before = await sql(pool, "select count(*) from inbox")

    async def look(**changes: Any) -> tuple[Any, ...]:
        found = (await client.post("/v1/orders/validation", json=an_order(**changes))).json()
        door = {"conflicting_reference", "suspected_duplicate"}
        reasons = [p["reason"] for p in found["problems"] if p["reason"] in door]
        return found["status"], found["order_id"], found["duplicate_of"], reasons

    assert await look() == ("existing", first, None, [])
    assert await look(reference="PO-2") == ("ready", None, first, ["suspected_duplicate"])
    elsewhere = {"reference": "PO-2", "ship_to": ADDRESS | {"line1": "9 Dock Street"}}
    assert await look(**elsewhere) == ("ready", None, None, [])
    other = {"lines": [BOLTS | {"quantity": 6}]}
    assert await look(**other) == ("conflict", first, None, ["conflicting_reference"])
    assert await letters(pool) == []
    assert await sql(pool, "select count(*) from inbox") == before


async def test_validation_tells_a_bound_key_of_its_own_only(
    client: httpx.AsyncClient, client_with: Client
) -> None:
    """It would be held, and says so; another channel's order is not named."""
    others = await placed(client)
    partner = await client_with("orders:write", channel="edi")

    found = await partner.post("/v1/orders/validation", json=an_order(channel="edi"))
    refused = await partner.post("/v1/orders/validation", json=an_order())

    assert "suspected_duplicate" in [p["reason"] for p in found.json()["problems"]]
    assert others not in found.text
    assert rules(refused) == ["not_your_channel"]

"""Orders, commands, milestones and movements at the door; test_inputs.py has what is refused."""

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.inbox import Inbox
from adapters.postgres.read_model import ReadModel
from domain.hearing import hear
from domain.hold import Problem
from domain.message import Milestone, MilestoneKind, MilestoneLine, Placed
from domain.order import Order
from tests.api.conftest import Client
from tests.api.orders import MILESTONE, MOVEMENT, NOW, an_order, go_on, record
from tests.api.test_http import rules
from tests.api.test_master_data import CUSTOMER
from tests.domain.world import Outside, order_in


async def placed(client: httpx.AsyncClient, **changes: Any) -> str:
    answer = await client.post("/v1/orders", json=an_order(**changes))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def recorded(pool: AsyncConnectionPool, order_id: str) -> Order:
    """The order, having heard what it was sent, as its workflow would have it."""
    seen = await ReadModel(pool).order(order_id)
    assert seen
    order = seen.order
    waiting = [w for part in range(16) for w in await Inbox(pool).fresh(part, 16)]
    for message in next((w.messages for w in waiting if w.order_id == order_id), ()):
        hear(order, message, NOW)
    await record(pool, order)
    return order


async def test_an_order_is_shown_from_its_202_on(client: httpx.AsyncClient) -> None:
    accepted = await client.post(
        "/v1/orders", json=an_order(), headers={"X-Correlation-Id": "corr-1"}
    )
    shown = await client.get(accepted.headers["location"])

    order = shown.json()
    assert (accepted.status_code, shown.status_code) == (202, 200)
    assert accepted.json()["status"] == "received"
    assert order["status"] == "received"
    assert order["lines"][0]["quantities"]["ordered"] == "5"
    timeline = (await client.get(accepted.headers["location"] + "/timeline")).json()["items"]
    assert [(e["kind"], e["correlation_id"]) for e in timeline] == [("placed", "corr-1")]


async def test_waiting_for_the_first_decision(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order_id = await placed(client)
    order = await recorded(pool, order_id)
    order.place_hold(Problem(reason="unknown_customer"), "a fact", NOW)

    waiting = asyncio.create_task(
        client.post("/v1/orders", json=an_order(), headers={"Prefer": "wait=9"})
    )
    await record(pool, order)
    answer = await waiting

    assert answer.json()["status"] == "held"
    assert answer.headers["etag"] == f'"{order.revision}"'
    assert answer.headers["preference-applied"] == "wait=9"


async def test_lists_and_filters(client: httpx.AsyncClient) -> None:
    ids = [await placed(client, reference=f"PO-{n}", customer=f"C{n % 2}") for n in range(4)]

    async def listed(**params: Any) -> list[str]:
        answer = await client.get("/v1/orders", params=params)
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()["items"]]

    assert await listed() == ids[::-1]
    assert await listed(customer="C1") == [ids[3], ids[1]]
    assert await listed(reference="PO-2") == [ids[2]]
    assert await listed(status="received", open=True, limit=1) == [ids[3]]
    assert await listed(status="held") == []
    first = (await client.get("/v1/orders", params={"limit": 3})).json()
    assert await listed(limit=3, cursor=first["next"]) == [ids[0]]


async def test_a_bound_key_sees_and_sends_its_own_only(
    client: httpx.AsyncClient, client_with: Client
) -> None:
    others = await placed(client)
    partner = await client_with("orders:read", "orders:write", customer="C1", channel="edi")
    own = await placed(partner, customer="C1", channel="edi")

    assert (await partner.post("/v1/orders", json=an_order())).status_code == 403
    assert (await partner.get(f"/v1/orders/{others}")).status_code == 404
    assert (await partner.get("/v1/orders", params={"customer": "ACME"})).status_code == 403
    assert [row["id"] for row in (await partner.get("/v1/orders")).json()["items"]] == [own]
    cancel = await partner.post(f"/v1/orders/{others}/cancellation", json={})
    assert cancel.status_code == 404


@pytest.mark.parametrize("bound", [{"customer": "C1"}, {"channel": "edi"}])
async def test_another_order_is_named_only_to_who_may_see_it(
    client: httpx.AsyncClient, client_with: Client, bound: dict[str, str]
) -> None:
    """Its reference is taken by another customer's order, or it is like one of another channel."""
    others = await placed(client, customer="ACME" if "customer" in bound else "C1")
    partner = await client_with("orders:write", **bound)
    theirs = an_order(customer="C1", channel=bound.get("channel", "web"))

    hidden, told = (
        await partner.post("/v1/orders", json=theirs),
        await client.post("/v1/orders", json=theirs),
    )

    assert others not in hidden.text
    if "customer" in bound:
        assert rules(hidden) == rules(told) == ["conflicting_reference"]
        assert told.json()["order_id"] == others
    else:
        assert (hidden.status_code, hidden.json()["duplicate_of"]) == (202, None)


async def test_a_command_is_kept_and_its_outcome_told(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order_id = await placed(client)
    await recorded(pool, order_id)

    kept = await client.post(f"/v1/orders/{order_id}/cancellation", json={"reason": "too late"})
    before = await client.get(kept.headers["location"])
    await recorded(pool, order_id)
    after = await client.get(kept.headers["location"])

    assert (kept.status_code, kept.json()["status"]) == (202, "waiting")
    assert before.json()["status"] == "waiting"
    assert (after.json()["status"], after.json()["detail"]) == ("done", "cancelled 5 of line 1")
    assert (await client.get(f"/v1/orders/{order_id}")).json()["status"] == "cancelled"


async def test_a_refused_command_says_why(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order_id = await placed(client)
    for _ in range(2):
        kept = await client.post(f"/v1/orders/{order_id}/cancellation", json={})
        await recorded(pool, order_id)

    answer = await client.get(kept.headers["location"])

    assert (answer.json()["status"], answer.json()["reason"]) == ("refused", "nothing_to_cancel")


async def test_waiting_for_a_commands_outcome(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order_id = await placed(client)
    asked = asyncio.create_task(
        client.post(
            f"/v1/orders/{order_id}/amendments",
            json={"lines": [{"line": "1", "quantity": "9"}]},
            headers={"Prefer": "wait=9"},
        )
    )
    async with asyncio.timeout(5):
        while len(await ReadModel(pool).messages(order_id)) < 2:
            await asyncio.sleep(0.02)
    await recorded(pool, order_id)

    answer = await asked

    assert (answer.status_code, answer.json()["status"]) == (200, "done")


async def test_commands_have_idempotency_keys_too(client: httpx.AsyncClient) -> None:
    path, key = f"/v1/orders/{await placed(client)}/holds", {"Idempotency-Key": "h-1"}

    first = await client.post(path, json={"detail": "wait"}, headers=key)
    again = await client.post(path, json={"detail": "wait"}, headers=key)
    other = await client.post(path, json={"detail": "stop"}, headers=key)

    assert first.json()["id"] == again.json()["id"]
    assert rules(other) == ["idempotency_key_reused"]


async def test_holds_are_placed_listed_and_released(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order_id = await placed(client)
    await client.post(f"/v1/orders/{order_id}/holds", json={"reason": "look", "scope": "line/1"})
    await recorded(pool, order_id)

    (hold,) = (await client.get("/v1/holds", params={"reason": "look"})).json()["items"]
    released = await client.post(f"/v1/holds/{hold['id']}/release", json={})
    await recorded(pool, order_id)

    assert (hold["scope"], hold["order_id"], hold["released_at"]) == ("line/1", order_id, None)
    assert (await client.get(released.headers["location"])).json()["status"] == "done"
    assert (await client.get("/v1/holds")).json()["items"] == []
    (kept,) = (await client.get(f"/v1/orders/{order_id}")).json()["holds"]
    assert kept["released_by"] == "test"
    for unknown in ("nothing", f"{order_id}-H9"):
        answer = await client.post(f"/v1/holds/{unknown}/release", json={})
        assert answer.status_code == 404


async def test_a_command_for_a_revision_that_is_gone_is_412(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order_id = await placed(client)
    path = f"/v1/orders/{order_id}/cancellation"
    etag = (await client.get(f"/v1/orders/{order_id}")).headers["etag"]
    await recorded(pool, order_id)

    stale = await client.post(path, json={}, headers={"If-Match": etag})
    etag = (await client.get(f"/v1/orders/{order_id}")).headers["etag"]
    current = await client.post(path, json={}, headers={"If-Match": etag})

    assert (stale.status_code, current.status_code) == (412, 202)


async def test_a_plan_shows_what_cancelling_would_do(client: httpx.AsyncClient) -> None:
    path = f"/v1/orders/{await placed(client)}/plan"

    going_on = (await client.get(path)).json()
    cancelling = (await client.get(path, params={"intent": "cancel"})).json()

    assert [step["operation"] for step in going_on["next"]] == ["capture"]
    assert cancelling["next"] == []


@pytest.mark.parametrize(
    "path", ["/v1/orders/x", "/v1/orders/x/timeline", "/v1/orders/x/plan", "/v1/orders/x/audit"]
)
async def test_an_unknown_order_is_404(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"lines": []}, ""),
        ({"occurred_at": "2026-03-01T10:00:00"}, "/occurred_at"),
        ({"kind": "exploded"}, "/kind"),
        ({"lines": [{"line": "1", "quantity": "0"}]}, "/lines/0/quantity"),
    ],
)
async def test_a_milestone_that_cannot_be_is_refused(
    client: httpx.AsyncClient, change: dict[str, Any], pointer: str
) -> None:
    answer = await client.post("/v1/warehouses/EAST/milestones", json=MILESTONE | change)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_warehouses_key_reports_for_itself_only(client_with: Client) -> None:
    east = await client_with("warehouse:write", "inventory:write", warehouse="EAST")

    own = await east.post("/v1/warehouses/EAST/milestones", json=MILESTONE)
    others = await east.post("/v1/warehouses/WEST/milestones", json=MILESTONE)
    moved = await east.post("/v1/inventory/movements", json=MOVEMENT | {"location": "WEST"})

    assert [a.status_code for a in (own, others, moved)] == [202, 403, 403]


async def test_movements_make_positions(client: httpx.AsyncClient) -> None:
    await client.put("/v1/locations/EAST", json={
        "name": "East", "kind": "warehouse", "safety_stock": "3", "address": an_order()["ship_to"],
    })  # fmt: skip
    await client.post("/v1/inventory/movements", json=MOVEMENT)
    down = MOVEMENT | {"movement_id": "V-2", "kind": "adjustment", "quantity": -2.5}
    assert (await client.post("/v1/inventory/movements", json=down)).status_code == 202
    issue = MOVEMENT | {"movement_id": "V-3", "kind": "issue", "quantity": "-1"}
    assert (await client.post("/v1/inventory/movements", json=issue)).status_code == 422

    (position,) = (await client.get("/v1/inventory/positions")).json()["items"]
    moves = (await client.get("/v1/inventory/movements", params={"limit": 1})).json()
    rest = (await client.get("/v1/inventory/movements", params={"cursor": moves["next"]})).json()
    available = await client.get("/v1/availability", params={"item": ["BOLT-8", "NUT"]})

    assert (position["on_hand"], position["available"]) == ("7.5", "4.5")
    assert [m["on_hand_after"] for m in (*moves["items"], *rest["items"])] == ["10", "7.5"]
    assert available.json()["items"] == [
        {"item": "BOLT-8", "available": "4.5", "locations": {"EAST": "4.5"}},
        {"item": "NUT", "available": "0", "locations": {}},
    ]
    asked = await client.post("/v1/availability", json={"items": ["BOLT-8", "NUT"]})
    assert asked.json() == available.json()


async def test_a_late_answer_is_kept_for_its_order(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order_id = await placed(client)
    told = {
        **{"answer_id": "A-1", "key": f"{order_id}/erp//1", "outcome": "done"},
        **{"reference": "SO-7", "amounts": {"1": "0.40"}},
    }

    first = await client.post("/v1/systems/erp/answers", json=told)
    again = await client.post("/v1/systems/erp/answers", json=told)

    assert (first.status_code, again.status_code) == (202, 200)
    messages = (await client.get(f"/v1/orders/{order_id}/audit")).json()["messages"]
    assert [m["kind"] for m in messages] == ["placed", "answer"]


async def test_validation_names_what_would_hold_it_and_keeps_nothing(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    answer = await client.post("/v1/orders/validation", json=an_order())

    assert answer.status_code == 200
    assert not answer.json()["valid"]
    assert {"unknown_customer", "unknown_item"} <= {p["reason"] for p in answer.json()["problems"]}
    async with pool.connection() as db:
        assert await (await db.execute("select 1 from inbox")).fetchone() is None


async def test_an_order_far_on_is_shown_whole(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    """Shipped from one warehouse and invoiced there, the rest still to come from another."""
    sent = order_in({"1": 5, "2": 3})
    accepted = await client.post("/v1/orders", content=sent.model_dump_json(exclude_none=True))
    order_id = accepted.json()["id"]
    at_hand = {("EAST", "BOLT"): 2, ("WEST", "BOLT"): 3, ("WEST", "NUT"): 1}
    outside = Outside(order_id, ["1", "2"], {at: Decimal(n) for at, n in at_hand.items()})
    state = Order(id=order_id)
    assert hear(state, Placed(id="placed", n=1, order=sent), NOW)
    go_on(state, outside)
    gone = MilestoneLine(line="1", quantity=Decimal(2))
    shipped = Milestone(
        id="m", n=2, milestone=MilestoneKind.SHIPPED, source="EAST", occurred_at=NOW, lines=(gone,)
    )
    outside.ship("EAST", shipped.quantities)
    assert hear(state, shipped, NOW)
    go_on(state, outside)
    await record(pool, state)

    order = (await client.get(f"/v1/orders/{order_id}")).json()

    assert (order["status"], order["channel"]) == ("partially_shipped", "web")
    first, second = order["lines"]
    assert first["status"] == "partially_shipped"
    assert (first["item"], first["price"], first["unit"]) == ("BOLT", "1.005", "EA")
    wanted = {"ordered": "5", "allocated": "5", "released": "5", "shipped": "2", "invoiced": "2"}
    assert first["quantities"].items() >= wanted.items()
    assert second["quantities"].items() >= {"backordered": "2", "allocated": "1"}.items()
    east, west = order["fulfilments"]
    assert (east["id"], east["status"]) == (f"{order_id}-EAST", "invoiced")
    assert (west["source"], west["status"]) == ("WEST", "released")
    (shipment,) = east["shipments"]
    (invoice,) = order["invoices"]
    assert shipment["lines"] == [{"line": "1", "quantity": "2"}]
    # 2 at 1.005, rounded half up, freight with the first shipment, tax as the engine said
    assert (invoice["subtotal"], invoice["freight"]) == ("2.01", "9.50")
    assert (invoice["shipment_id"], invoice["number"]) == (shipment["id"], "R1")
    total = sum(Decimal(invoice[part]) for part in ("subtotal", "freight", "tax"))
    assert Decimal(invoice["total"]) == Decimal(order["totals"]["invoiced"]) == total
    operations = {effect["operation"]: effect["state"] for effect in order["effects"]}
    assert operations["erp"] == operations["release"] == operations["invoice"] == "confirmed"
    assert (await client.get(f"/v1/shipments/{shipment['id']}")).json() == shipment
    assert (await client.get("/v1/invoices/R1")).json() == invoice
    assert (await client.get(f"/v1/invoices/{shipment['id']}")).json() == invoice
    kinds = [
        e["kind"] for e in (await client.get(f"/v1/orders/{order_id}/timeline")).json()["items"]
    ]
    assert kinds[0] == "placed"


@pytest.mark.parametrize("path", ["/v1/shipments/x", "/v1/invoices/x", "/v1/returns/x"])
async def test_an_unknown_document_is_404(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_a_customers_credit(client: httpx.AsyncClient) -> None:
    await client.put("/v1/customers/ACME", json=CUSTOMER)

    answer = await client.get("/v1/customers/ACME/credit")

    assert answer.json() == {
        **{"customer": "ACME", "currency": "USD", "credit_limit": "5000.00"},
        **{"open": "0.00", "invoiced": "0.00", "available": "5000.00"},
    }
    assert (await client.get("/v1/customers/NOBODY/credit")).status_code == 404

"""An API killed between its commit and its answer: whoever asks again gets the first answer, and
what was asked for is done once.
"""

import asyncio
import signal
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.adapters.test_csv_orders import FIRST, a_file
from tests.faults.doors import door
from tests.workflows.world import EAST, WEST, World

RECEIPT = {
    "movement_id": "V-1",
    "kind": "receipt",
    "item": "BOLT",
    "location": EAST,
    "quantity": "10",
    "occurred_at": "2026-03-01T10:00:00Z",
}
COUNT = {"location": EAST, "positions": [{"item": "BOLT", "quantity": "90"}]}
ITEM = {"description": "Washer", "unit": "EA", "currency": "USD", "price": "10"}


@dataclass
class Request:
    """One that a client sends as often as it takes."""

    method: str
    path: str
    body: Any = None
    key: str = ""
    """Its Idempotency-Key."""

    async def send(self, client: httpx.AsyncClient) -> httpx.Response:
        headers = {"Idempotency-Key": self.key} if self.key else {}
        content = {"content": self.body} if isinstance(self.body, bytes) else {"json": self.body}
        return await client.request(self.method, self.path, headers=headers, **content)


async def killed(world: World, where: str, request: Request) -> None:
    """It is answered by nobody: the API dies of it."""
    async with door(world.database, where) as dying:
        with pytest.raises(httpx.TransportError):
            await request.send(dying.client)
        assert await asyncio.wait_for(dying.process.wait(), 30) == -signal.SIGKILL


async def again(world: World, request: Request) -> tuple[int, Any]:
    """What the next API answers, and it says the same as often as it is asked."""
    async with door(world.database) as opened:
        first, second = [await request.send(opened.client) for _ in range(2)]
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    return first.status_code, first.json()


async def repeated(world: World, where: str, request: Request) -> tuple[int, Any]:
    await killed(world, where, request)
    return await again(world, request)


@pytest.mark.parametrize(
    ("key", "status"), [("K-1", 202), pytest.param("", 200, marks=pytest.mark.nightly)]
)
async def test_an_order_is_placed_once(running: World, key: str, status: int) -> None:
    """The same key, or without one the same reference, is the same order."""
    placed = running.an_order().model_dump(mode="json", exclude_none=True)
    request = Request("POST", "/orders", placed, key)

    answered, accepted = await repeated(running, "accept:1", request)

    assert answered == status
    assert await running.sql("select id from orders") == [(accepted["id"],)]
    order = replace(running, order=accepted["id"])
    await order.settles("released")
    await order.ship(EAST)
    await order.ship(WEST)
    await order.ends("closed")
    await order.assert_agreed()
    assert (await order.events())["created"] == 1


async def test_goods_leave_once(running: World) -> None:
    await running.place()
    await running.settles("released")
    milestone = {
        "milestone_id": "M-1",
        "order_id": running.order,
        "kind": "shipped",
        "occurred_at": "2026-03-01T10:00:00Z",
        "lines": [{"line": "1", "quantity": "5"}],
    }
    request = Request("POST", f"/warehouses/{EAST}/milestones", milestone)

    assert await repeated(running, "store:1", request) == (200, {"id": "M-1", "outcome": "repeat"})

    await running.ship(WEST)
    order = await running.ends("closed")
    await running.assert_agreed()
    assert len(order.shipments) == 2
    assert await movements(running, "BOLT", "ship") == [-5]
    assert await running.stock() == {"BOLT": (95, 0), "NUT": (97, 0)}


@pytest.mark.nightly
async def test_a_command_is_obeyed_once(running: World) -> None:
    await running.place()
    await running.settles("released")
    body = {"lines": [{"line": "1", "quantity": "2"}]}
    request = Request("POST", f"/orders/{running.order}/cancellation", body, "K-1")

    status, command = await repeated(running, "store:1", request)

    assert status == 202
    kept = "select external_id from inbox where kind = 'cancel'"
    assert await running.sql(kept) == [(command["id"],)]
    await running.until(lambda order: order.line("1").cancelled > 0)
    await running.settles("released")
    await running.ship(EAST, quantity=3)
    await running.ship(WEST)
    order = await running.ends("closed")
    await running.assert_agreed()
    assert order.line("1").cancelled == 2


@pytest.mark.nightly
async def test_stock_moves_once(world: World) -> None:
    request = Request("POST", "/inventory/movements", RECEIPT)

    answer = await repeated(world, "movement:1", request)

    assert answer == (200, {"id": "V-1", "outcome": "repeat"})
    assert await movements(world, "BOLT", "receipt") == [100, 10]


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/counts", {"count_id": "C-1"}),
        ("/inventory/snapshots", {"snapshot_id": "C-1", "source": "WMS", "measure": "physical"}),
    ],
)
async def test_a_count_adjusts_stock_once(world: World, path: str, more: dict[str, str]) -> None:
    found = COUNT | more | {"taken_at": datetime.now(UTC).isoformat()}

    status, answer = await repeated(world, "count:1", Request("POST", path, found))

    assert (status, answer["outcome"]) == (200, "repeat")
    assert await movements(world, "BOLT", "adjustment") == [-10]


@pytest.mark.nightly
async def test_a_file_is_imported_to_its_end(world: World) -> None:
    """Of three orders the second was placed when it died."""
    content = a_file(*(FIRST | {"reference": f"PHONE-{n}", "quantity": n} for n in ("1", "2", "3")))
    request = Request("POST", "/orders/imports?commit=true", content)

    await killed(world, "accept:2", request)
    assert len(await world.sql("select id from orders")) == 2
    async with door(world.database) as opened:
        imported = (await request.send(opened.client)).json()

    became = [order["status"] for order in imported["orders"]]
    assert became == ["existing", "existing", "placed"]
    assert len(await world.sql("select id from orders")) == 3


@pytest.mark.nightly
async def test_what_contradicts_is_kept_once(world: World) -> None:
    """As a dead letter, whoever is not told so and says it again."""
    contradicting = await dead_letter(world, "dead-letter:1")

    status, problem = await again(world, contradicting)

    assert (status, problem["type"].rpartition(":")[2]) == (409, "conflicting_content")
    assert len(await world.sql("select id from dead_letter")) == 1


@pytest.mark.nightly
@pytest.mark.parametrize(("where", "status"), [("movement:1", 202), ("resolve:1", 409)])
async def test_a_dead_letter_is_sent_again_once(world: World, where: str, status: int) -> None:
    """Its message is known the second time; and whoever had decided about it has done so."""
    await dead_letter(world)
    ((letter,),) = await world.sql("select id from dead_letter")
    request = Request("POST", f"/dead-letters/{letter}/resubmission", {})

    await killed(world, where, request)
    async with door(world.database) as opened:
        answer = await request.send(opened.client)

    assert answer.status_code == status
    resolved = "select resolution from dead_letter where resolved_at is not null"
    assert await world.sql(resolved) == [("resubmitted by bootstrap",)]
    assert await movements(world, "BOLT", "receipt") == [100, 10, 12]


@pytest.mark.nightly
async def test_master_data_is_written_once(world: World) -> None:
    status, written = await repeated(world, "master:1", Request("PUT", "/items/WASHER", ITEM))

    assert (status, written["outcome"]) == (200, "unchanged")
    assert await world.sql("select version from item where id = 'WASHER'") == [
        (written["revision"],)
    ]


async def dead_letter(world: World, where: str = "") -> Request:
    """A movement that came with another quantity before; the API may die of it."""
    contradicting = Request("POST", "/inventory/movements", RECEIPT | {"quantity": "12"})
    async with door(world.database) as opened:
        assert (
            await Request("POST", "/inventory/movements", RECEIPT).send(opened.client)
        ).is_success
        if not where:
            assert (await contradicting.send(opened.client)).status_code == 409
    if where:
        await killed(world, where, contradicting)
    return contradicting


async def movements(world: World, item: str, kind: str) -> list[int]:
    """By how much there was more of it, each time."""
    rows = await world.sql(
        "select on_hand from movement where item = %s and kind = %s order by n", item, kind
    )
    return [int(on_hand) for (on_hand,) in rows]

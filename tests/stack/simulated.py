"""What tests do with a simulated system."""

from typing import Any

import httpx

from tests.adapters.simulator import Simulator

ALL_STEPS = ["accepted", "picking", "picked", "packed", "shipped", "delivered"]
Json = dict[str, Any]


async def release(
    web: httpx.AsyncClient, at: Simulator, order: str, quantity: str = "3", to: str = "Site 1"
) -> str:
    """Release a line to a warehouse; returns the key."""
    key = f"{order}/release/ful-1/1"
    body = {
        "order_id": order,
        "fulfilment_id": "ful-1",
        "warehouse": "EAST",
        "ship_to": {"name": to},
        "lines": [{"line": "1", "item": "I-1", "quantity": quantity, "unit": "EA"}],
    }
    response = await web.put(f"{at.url}/releases/{key.replace('/', '%2F')}", json=body)
    assert response.is_success, response.text
    return key


async def post_order(web: httpx.AsyncClient, at: Simulator, key: str) -> httpx.Response:
    body = {"customer": "C-1", "lines": [{"line": "1", "quantity": "3"}]}
    return await web.put(f"{at.url}/sales-orders/{key.replace('/', '%2F')}", json=body)


async def fail(web: httpx.AsyncClient, at: Simulator, fault: str, **more: object) -> None:
    response = await web.post(f"{at.url}/_sim/faults", json={"fault": fault, **more})
    assert response.status_code == 201, response.text


async def effects(web: httpx.AsyncClient, at: Simulator, **query: str) -> list[Json]:
    found: list[Json] = (await web.get(f"{at.url}/_sim/effects", params=query)).json()
    return found

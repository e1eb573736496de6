"""A quote is accepted at the door like every other command."""

import httpx
from psycopg_pool import AsyncConnectionPool

from tests.api.orders import an_order
from tests.api.test_orders import recorded


async def accepted(client: httpx.AsyncClient, pool: AsyncConnectionPool, kind: str) -> str:
    placed = await client.post("/v1/orders", json=an_order(kind=kind))
    order_id = placed.json()["id"]
    asked = await client.post(f"/v1/orders/{order_id}/quote/acceptance", json={})
    assert asked.status_code == 202
    await recorded(pool, order_id)
    outcome = (await client.get(asked.headers["location"])).json()
    return f"{outcome['status']} {outcome['reason']}".strip()


async def test_a_quote_is_accepted(client: httpx.AsyncClient, pool: AsyncConnectionPool) -> None:
    assert await accepted(client, pool, "quote") == "done"


async def test_an_order_is_no_quote(client: httpx.AsyncClient, pool: AsyncConnectionPool) -> None:
    assert await accepted(client, pool, "order") == "refused not_a_quote"

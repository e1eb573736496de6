"""An order that goes its way without an engine: what is sent to the API is heard at once, and what
there is to do is done, well.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
from psycopg_pool import AsyncConnectionPool

from domain.deadlines import deadlines, expire
from domain.effect import Step
from domain.order import Order
from domain.order_in import OrderIn
from domain.plan import plan
from domain.settling import intend, settle
from tests.api.orders import NOW, record
from tests.api.test_orders import recorded
from tests.domain.world import LOCATIONS, Outside, order_in

MILESTONES = "/v1/warehouses/EAST/milestones"


@dataclass
class Played:
    """`id` is the order's, which is shipped from EAST. `later`: the steps whose system says that it
    will answer later.
    """

    client: httpx.AsyncClient
    pool: AsyncConnectionPool
    id: str
    outside: Outside
    later: set[Step] = field(default_factory=set)

    async def go_on(self, over: str = "") -> Order:
        """Hear what came in, and do what there is to do; with the time of one deadline `over`."""
        order = await recorded(self.pool, self.id)
        if over:
            expire(order, deadlines(order)[over])
        while actions := plan(order):
            for action in actions:
                how = "pending" if action.step in self.later else "done"
                intend(order, action, NOW)
                settle(order, action.effect, self.outside.do(action, how), NOW)
        await record(self.pool, order)
        return order

    async def say(self, command: str, body: Any = None, by: httpx.AsyncClient | None = None) -> str:
        """Send the order a command; what became of it."""
        return await self.send(f"/v1/orders/{self.id}/{command}", body, by)

    async def send(self, path: str, body: Any, by: httpx.AsyncClient | None = None) -> str:
        kept = await (by or self.client).post(path, json=body)
        assert kept.status_code == 202, kept.text
        assert kept.json()["status"] == "waiting"
        await self.go_on()
        became = (await self.client.get(kept.headers["location"])).json()
        return " ".join(filter(None, (became["status"], became["reason"], became["detail"])))

    async def told(self, kind: str, quantity: int, **more: Any) -> httpx.Response:
        """Its warehouse tells of so much of line 1."""
        body = {
            "milestone_id": f"{kind}-{quantity}",
            "order_id": self.id,
            "kind": kind,
            "occurred_at": "2030-01-01T10:00:00Z",
            "lines": [{"line": "1", "quantity": str(quantity)}],
        } | more
        if kind == "shipped":
            self.outside.ship("EAST", {"1": Decimal(quantity)})
        answer = await self.client.post(MILESTONES, json=body)
        await self.go_on()
        return answer

    async def answered(self, step: str, subject: str, **answer: Any) -> httpx.Response:
        """A system answers late."""
        system = "payment" if step == "collect" else "erp"
        body = {"answer_id": "A-1", "key": f"{self.id}/{step}/{subject}/1"} | answer
        kept = await self.client.post(f"/v1/systems/{system}/answers", json=body)
        assert kept.status_code < 300, kept.text
        await self.go_on()
        return kept

    async def shown(self, what: str = "") -> Any:
        answer = await self.client.get(f"/v1/orders/{self.id}{what}")
        assert answer.status_code == 200, answer.text
        return answer.json()


async def play(
    client: httpx.AsyncClient,
    pool: AsyncConnectionPool,
    quantity: int = 10,
    stock: int = 100,
    **header: Any,
) -> Played:
    """An order for bolts; done is all that can be before anything ships.

    `later` among the header's fields are the steps that are answered later.
    """
    later = header.pop("later", set())
    sent = order_in({"1": quantity}, method=header.pop("method", "account"))
    document = sent.model_dump(mode="json", exclude_none=True) | header
    sent = OrderIn.model_validate(document)
    accepted = await client.post("/v1/orders", content=sent.model_dump_json(exclude_none=True))
    assert accepted.status_code == 202, accepted.text
    order_id = accepted.json()["id"]
    on_hand = {(at, "BOLT"): Decimal(stock if at == "EAST" else 0) for at in LOCATIONS}
    played = Played(client, pool, order_id, Outside(order_id, ["1"], on_hand), later)
    await played.go_on()
    return played


async def shipped(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, quantity: int = 10, **header: Any
) -> Played:
    """Of ten bolts so many have left, as one shipment, and are invoiced."""
    played = await play(client, pool, **header)
    answer = await played.told("shipped", quantity, shipment_id=f"S-{played.id}")
    assert answer.status_code == 202, answer.text
    return played

"""What the people and systems around the orders do in the demo's day, through the API alone.

The day follows the event log, as an integration would: what an order is waited for to do is an
event of it.
"""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from stack import sample
from stack.client import Api
from stack.places import StackError

PATIENCE = 240.0
"""Seconds an order may take to do what is waited for."""

BAD_DAYS = frozenset({"unexpected_answer", "no_answer"})
"""Reasons of holds that nobody has to decide about, only to try again."""

SHIP_TO = sample.CUSTOMERS[0]["address"]


class Day:
    """`sent` is what every channel was told, by order id: the first of the books."""

    def __init__(self, api: Api, shop_secret: str, *, patience: float = PATIENCE) -> None:
        self.api = api
        self.sent: dict[str, str] = {}
        self.answers: dict[str, int] = {}
        self._shop_secret = shop_secret
        self._patience = patience
        self._numbers = itertools.count(1)
        self._seen: dict[str, list[dict[str, Any]]] = {}
        self._news = asyncio.Condition()

    # following the log

    async def follow(self) -> None:
        """Read the event log until cancelled."""
        position = 0
        while True:
            page = await self.api.get("/events", {"after": position, "limit": 200})
            for event in page["items"]:
                position = event["position"]
                if event["subject"].startswith("orders/"):
                    order = event["subject"].removeprefix("orders/")
                    self._seen.setdefault(order, []).append(event)
            if page["items"]:
                async with self._news:
                    self._news.notify_all()
            else:
                await asyncio.sleep(0.25)

    async def hears(self, order: str, kind: str, times: int = 1, **data: str) -> dict[str, Any]:
        """The order's `times`-th event `throughline.order.<kind>.v1` with this data.

        Raises `StackError` when it does not come.
        """
        found: list[dict[str, Any]] = []

        def come() -> bool:
            found[:] = [
                event
                for event in self._seen.get(order, [])
                if event["type"] == f"throughline.order.{kind}.v1"
                and data.items() <= event["data"].items()
            ]
            return len(found) >= times

        try:
            async with asyncio.timeout(self._patience), self._news:
                await self._news.wait_for(come)
        except TimeoutError:
            raise StackError(
                f"Order {order} was not {kind} within {self._patience:.0f} s."
            ) from None
        return found[times - 1]

    async def operate(self) -> None:
        """Somebody on duty, until cancelled: what a system's bad day has held is tried again."""
        released: set[str] = set()
        while True:
            held = {
                event["data"]["hold_id"]: event["data"]["reason"]
                for events in list(self._seen.values())
                for event in events
                if event["type"] == "throughline.order.held.v1"
            }
            for hold, reason in held.items():
                if reason in BAD_DAYS and hold not in released:
                    await self.release(hold)
                    released.add(hold)
            async with self._news:
                await self._news.wait()

    # what channels send

    async def order(
        self, customer: str, *lines: Mapping[str, Any], channel: str = "portal", **said: Any
    ) -> str:
        """Send an order as our API wants it; its id."""
        body = self.body(customer, *lines, channel=channel, **said)
        return await self.send(body)

    def body(
        self, customer: str, *lines: Mapping[str, Any], channel: str = "portal", **said: Any
    ) -> dict[str, Any]:
        number = next(self._numbers)
        ship_to = {"name": f"Site {number}", **SHIP_TO}
        return {
            "channel": channel,
            "reference": f"{channel.upper()}-{number:05d}",
            "customer": customer,
            "currency": "USD",
            "ship_to": ship_to,
            "lines": list(lines),
            **said,
        }

    async def send(self, body: Mapping[str, Any], expect: tuple[int, ...] = (202, 200)) -> str:
        key = {"Idempotency-Key": f"{body['channel']}-{body['reference']}"}
        accepted = await self.api.post("/orders", body, expect=expect, headers=key)
        return self._took(accepted["id"], str(body["reference"]))

    async def shop_order(self, *lines: tuple[str, int, str]) -> str:
        """Send what Shopify sends when somebody has bought something; its id."""
        number = next(self._numbers)
        raw = json.dumps(_webhook(number, lines)).encode()
        digest = hmac.new(self._shop_secret.encode(), raw, hashlib.sha256).digest()
        answer = await self.api.ask(
            "POST",
            "/channels/shopify/orders",
            content=raw,
            headers={
                "Content-Type": "application/json",
                "X-Shopify-Topic": "orders/create",
                "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
                "X-Shopify-Webhook-Id": f"webhook-{number}",
                "X-Shopify-Shop-Domain": "keystone-demo.myshopify.com",
            },
        )
        said = answer.json()
        if answer.status_code not in (200, 202) or said["outcome"] != "accepted":
            raise StackError(f"The shop's order: {answer.status_code} {answer.text[:300]}")
        return self._took(said["order"]["id"], f"shopify-{number}")

    def _took(self, order: str, reference: str) -> str:
        self.sent[order] = reference
        return order

    # what people and warehouses do

    async def cancel(self, order: str, **said: Any) -> Any:
        """What became of it: `done` or `refused`."""
        return await self._command(
            f"/orders/{order}/cancellation", {"reason": "changed plans", **said}
        )

    async def amend(self, order: str, **lines: str) -> Any:
        wanted = [{"line": line.removeprefix("l"), "quantity": q} for line, q in lines.items()]
        return await self._command(f"/orders/{order}/amendments", {"lines": wanted})

    async def release(self, hold: str) -> Any:
        return await self._command(f"/holds/{hold}/release", {"note": "looked at"})

    async def _command(self, path: str, body: Mapping[str, Any]) -> Any:
        key = {"Idempotency-Key": f"demo-{next(self._numbers)}", "Prefer": "wait=5"}
        return await self.api.post(path, body, headers=key)

    async def goods_back(self, order: str, location: str, **lines: str) -> None:
        """They come back, and are looked at."""
        document = f"RMA-{order[-8:]}"
        for kind in ("return_received", "return_inspected"):
            await self.api.post(
                f"/warehouses/{location}/milestones",
                {
                    "milestone_id": f"{document}-{kind}",
                    "order_id": order,
                    "kind": kind,
                    "document": document,
                    "occurred_at": datetime.now(UTC).isoformat(),
                    "lines": [
                        {"line": line.removeprefix("l"), "quantity": quantity}
                        for line, quantity in lines.items()
                    ],
                },
            )

    def new_name(self, prefix: str) -> str:
        return f"{prefix}-{next(self._numbers):05d}"

    async def put_item(self, item: str, price: str) -> None:
        row = {
            "kind": "item",
            "id": item,
            "description": "Compass saw",
            "unit": "EA",
            "currency": "USD",
            "price": price,
        }
        await self.api.post("/master-data", {"rows": [row]})

    async def receive(self, item: str, location: str, quantity: str) -> None:
        name = f"receipt-{next(self._numbers)}"
        now = datetime.now(UTC).isoformat()
        await sample.receive(self.api, item, location, Decimal(quantity), name, now)


def line(item: str, quantity: str, **said: str) -> dict[str, str]:
    return {"item": item, "quantity": quantity, **said}


def _webhook(number: int, lines: tuple[tuple[str, int, str], ...]) -> dict[str, Any]:
    """The parts of Shopify's orders/create that we read, with ids beyond what a float holds."""
    return {
        "id": 9_007_199_254_740_993 + number,
        "name": f"#{1000 + number}",
        "currency": "USD",
        "presentment_currency": "USD",
        "taxes_included": False,
        "financial_status": "pending",
        "shipping_address": {
            "name": f"Shopper {number}",
            "address1": f"{number} Harbor Way",
            "city": "Portland",
            "province_code": "OR",
            "zip": "97201",
            "country_code": "US",
        },
        "line_items": [
            {
                "id": 9_007_199_254_740_993 * 2 + number * 10 + n,
                "sku": sku,
                "title": sku,
                "quantity": quantity,
                "price": price,
            }
            for n, (sku, quantity, price) in enumerate(lines, 1)
        ],
    }

"""What the people and systems around the orders do in the demo's day, through the API alone.

The day follows the event log, as an integration would: what an order is waited for to do is an
event of it.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx

from stack import sample
from stack.client import Api
from stack.demo.shop import Bought, webhook
from stack.places import StackError
from stack.run_file import RunInfo

PATIENCE = 240.0
"""Seconds an order may take to do what is waited for."""

BAD_DAYS = frozenset({"unexpected_answer", "no_answer"})
"""Reasons of holds that nobody has to decide about, only to try again."""

SHIP_TO = sample.CUSTOMERS[0]["address"]

STORY: ContextVar[str] = ContextVar("STORY", default="")
"""The story that is being told; what is sent meanwhile is part of it."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """What a channel was told of an order."""

    channel: str
    reference: str
    story: str


class Day:
    """`sent` is what every channel was told, by order id: the first of the books. `notes` are what
    a story says of an order beyond what the order says itself.
    """

    def __init__(
        self, api: Api, info: RunInfo, shop_secret: str, *, patience: float = PATIENCE
    ) -> None:
        self.api = api
        self.sent: dict[str, Sent] = {}
        self.notes: dict[str, list[str]] = {}
        self._systems: Mapping[str, str] = info["simulators"]
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
                for event in self.events(order)
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

    def events(self, order: str) -> list[Json]:
        """What was heard of the order so far."""
        return self._seen.get(order, [])

    def note(self, order: str, text: str) -> None:
        self.notes.setdefault(order, []).append(text)

    async def sees(self, order: str, so: Callable[[Json], bool], what: str) -> Json:
        """The order, as soon as it is so. For what no event tells of.

        Raises `StackError` when that does not come.
        """
        try:
            async with asyncio.timeout(self._patience):
                while True:
                    shown: Json = await self.api.get(f"/orders/{order}")
                    if so(shown):
                        return shown
                    await asyncio.sleep(0.25)
        except TimeoutError:
            within = f"within {self._patience:.0f} s"
            raise StackError(f"Order {order} was not {what} {within}.") from None

    async def ends(self, order: str, *how: str) -> Json:
        """The order, when nothing is left to do for it. Raises `StackError` when it ends otherwise.

        `how` are the statuses it may end with; closed, unless given.
        """
        for times in itertools.count(1):
            await self.hears(order, "closed", times)
            shown: Json = await self.api.get(f"/orders/{order}")
            if shown["closed_at"] is not None:  # and nothing has opened it again
                break
        if shown["status"] not in (how or ("closed",)):
            wanted = " or ".join(how or ("closed",))
            raise StackError(f"Order {order} ended {shown['status']}, not {wanted}.")
        return shown

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
        return self._took(accepted["id"], str(body["channel"]), str(body["reference"]))

    async def shop_order(self, *lines: Bought) -> str:
        """Send what Shopify sends when somebody has bought something; its id."""
        raw, headers = webhook(number := next(self._numbers), lines, self._shop_secret)
        answer = await self.api.ask(
            "POST", "/channels/shopify/orders", content=raw, headers=headers
        )
        said = answer.json()
        if answer.status_code not in (200, 202) or said["outcome"] != "accepted":
            raise StackError(f"The shop's order: {answer.status_code} {answer.text[:300]}")
        return self._took(said["order"]["id"], "shopify", f"#{1000 + number}")

    def _took(self, order: str, channel: str, reference: str) -> str:
        self.sent[order] = Sent(channel, reference, STORY.get())
        return order

    # what people and warehouses do

    async def cancel(self, order: str, **said: Any) -> Any:
        """What became of it: `done` or `refused`."""
        return await self._command(
            f"/orders/{order}/cancellation", {"reason": "changed plans", **said}
        )

    async def amend(self, order: str, *add: Mapping[str, Any], **lines: str) -> Any:
        return await self._command(
            f"/orders/{order}/amendments", {"lines": _lines(lines), "add": list(add)}
        )

    async def release(self, hold: str) -> Any:
        return await self._command(f"/holds/{hold}/release", {"note": "looked at"})

    async def accept(self, quote: str) -> Any:
        return await self._command(f"/orders/{quote}/quote/acceptance", {})

    async def authorise_return(self, order: str, fee: str, **lines: str) -> str:
        """Its name. `fee` in percent."""
        wanted = {"lines": _lines(lines), "reason": "not needed", "restocking_percent": fee}
        await self._command(f"/orders/{order}/returns", wanted)
        told = await self.hears(order, "return_authorised")
        return str(told["data"]["return_id"])

    async def credit(self, order: str, reason: str, *lines: Mapping[str, str], **said: str) -> Any:
        wanted = {"reason": reason, "lines": list(lines), **said}
        return await self._command(f"/orders/{order}/credits", wanted)

    async def pay(self, order: str, amount: Decimal) -> Any:
        """Negative: give it back."""
        paid = {"receipt_id": self.new_name("BANK"), "amount": f"{amount:f}", "currency": "USD"}
        return await self._command(f"/orders/{order}/payments", paid)

    async def _command(self, path: str, body: Mapping[str, Any]) -> Json:
        """What became of it: `done` or `refused`."""
        key = {"Idempotency-Key": f"demo-{next(self._numbers)}", "Prefer": "wait=5"}
        command = await self.api.post(path, body, headers=key)
        try:
            async with asyncio.timeout(self._patience):
                while True:
                    if command["status"] != "waiting":
                        return dict(command)
                    await asyncio.sleep(0.25)
                    known = await self.api.get(f"/commands/{command['id']}")
                    if known is None:
                        raise StackError(f"{path}: command {command['id']} is not known any more.")
                    command = known
        except TimeoutError:
            raise StackError(f"{path}: not taken in within {self._patience:.0f} s.") from None

    async def goods_back(self, order: str, location: str, document: str = "", **lines: str) -> None:
        """They come back, and are looked at."""
        document = document or f"RMA-{order[-8:]}"
        for kind in ("return_received", "return_inspected"):
            await self.api.post(
                f"/warehouses/{location}/milestones",
                {
                    "milestone_id": f"{document}-{kind}",
                    "order_id": order,
                    "kind": kind,
                    "document": document,
                    "occurred_at": datetime.now(UTC).isoformat(),
                    "lines": _lines(lines),
                },
            )

    async def arrange(self, system: str, fault: str, **about: Any) -> None:
        """Something will go wrong at an outside system."""
        async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
            url = f"{self._systems[system]}/_sim/faults"
            (await client.post(url, json={"fault": fault, **about})).raise_for_status()

    def new_name(self, prefix: str) -> str:
        return f"{prefix}-{next(self._numbers):05d}"

    async def scarce_item(self, what: str, location: str, quantity: str) -> str:
        """An item of which there is so much, at one place, and no other story wants any."""
        item = self.new_name(what.upper())
        await self.put_item(item, what, price="212.00")
        await self.receive(item, location, quantity)
        return item

    async def put_item(self, item: str, what: str, price: str) -> None:
        row = {
            "kind": "item",
            "id": item,
            "description": what,
            "unit": "EA",
            "currency": "USD",
            "price": price,
        }
        await self.api.post("/master-data", {"rows": [row]})

    async def put_customer(self, customer: str, credit_limit: str) -> None:
        row = {**sample.CUSTOMERS[3], "id": customer, "credit_limit": credit_limit}
        row = {name: value for name, value in row.items() if value is not None}
        await self.api.post("/master-data", {"rows": [{"kind": "customer", **row}]})

    async def receive(self, item: str, location: str, quantity: str) -> None:
        name = f"receipt-{next(self._numbers)}"
        now = datetime.now(UTC).isoformat()
        await sample.receive(self.api, item, location, Decimal(quantity), name, now)


def _lines(quantities: Mapping[str, str]) -> list[Json]:
    """`l1="2"` is two of line 1."""
    return [
        {"line": line.removeprefix("l"), "quantity": quantity}
        for line, quantity in quantities.items()
    ]


def line(item: str, quantity: str, **said: str) -> dict[str, str]:
    return {"item": item, "quantity": quantity, **said}


def sources(shown: Json) -> set[str]:
    """Where an order's goods left from."""
    return {each["source"] for each in shown["fulfilments"] if each["shipments"]}


def expect(so: bool, shown: Json, what: str) -> None:
    """Raises `StackError` unless what a story tells is so."""
    if not so:
        raise StackError(f"Order {shown['id']} {what}: it is not so.")

"""Stockyard WMS: releases under our key, over REST (contract: stack/simulators/stockyard.py)."""

from decimal import Decimal

from adapters.http import Reply, SystemClient, VendorAnswer
from adapters.port import Standing
from adapters.wms.port import Wms
from domain.answer import Answer, Done, Pending, Refused
from domain.base import Goal, tidy
from domain.documents import WarehouseRelease
from domain.errors import UnexpectedAnswer

REFUSED = "warehouse_refused"
RECALL_REFUSED = "recall_refused"


class Stockyard(Wms):
    def __init__(self, client: SystemClient) -> None:
        self._releases = _Releases(client)

    @property
    def releases(self) -> Standing[WarehouseRelease]:
        return self._releases


class _Line(VendorAnswer):
    line: str
    quantity: Decimal


class _Release(VendorAnswer):
    number: str
    status: str
    lines: tuple[_Line, ...]

    @property
    def standing(self) -> Goal:
        return tidy({line.line: line.quantity for line in self.lines})

    def done(self) -> Done:
        return Done(standing=self.standing, ref=self.number)


class _Trouble(VendorAnswer):
    code: str
    message: str


class _Refusal(VendorAnswer):
    """`release` is there when it is too late for a change."""

    error: _Trouble
    release: _Release | None = None

    def refused(self) -> Refused:
        return Refused(
            reason=RECALL_REFUSED if self.release else REFUSED,
            detail=f"{self.error.code}: {self.error.message}",
            standing=self.release.standing if self.release else None,
        )


class _Releases(Standing[WarehouseRelease]):
    def __init__(self, client: SystemClient) -> None:
        self._client = client

    async def make_stand(self, key: str, document: WarehouseRelease) -> Answer:
        goal = tidy(document.goal)
        if not goal:
            reply = await self._client.ask("DELETE", "releases", key, known=(200, 202, 404, 409))
            return Done(standing={}) if _absent(reply) else _answer(reply)
        reply = await self._client.ask(
            "PUT", "releases", key, known=(200, 201, 202, 409, 422), body=_body(document, goal)
        )
        return _answer(reply)

    async def find(self, key: str) -> Done | None:
        reply = await self._client.ask("GET", "releases", key, known=(200, 404))
        return None if _absent(reply) else reply.read(_Release).done()


def _absent(reply: Reply) -> bool:
    """Whether the WMS itself says that there is nothing; any other 404 is no answer of its."""
    if reply.status != 404:
        return False
    if reply.read(_Refusal).error.code != "unknown_key":
        raise UnexpectedAnswer(f"{reply.asked}: status 404")
    return True


def _answer(reply: Reply) -> Answer:
    if reply.status == 202:
        return Pending()
    if reply.status in (409, 422):
        return reply.read(_Refusal).refused()
    return reply.read(_Release).done()


def _body(document: WarehouseRelease, goal: Goal) -> dict[str, object]:
    head = document.model_dump(mode="json", exclude={"goal", "lines"})
    details = {line.line: line.model_dump(mode="json") for line in document.lines}
    lines = [
        {**details.get(line, {}), "line": line, "quantity": format(quantity, "f")}
        for line, quantity in goal.items()
    ]
    return {**head, "lines": lines}

"""Northwind ERP: documents under our key, over REST (contract: stack/simulators/northwind.py)."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Generic, Literal, TypeVar

from adapters.erp.port import Erp
from adapters.http import Reply, SystemClient, VendorAnswer
from adapters.port import Standing
from domain.answer import Answer, Done, Pending, Refused
from domain.base import Goal, tidy
from domain.documents import Billing, Document, SalesOrder, ShipmentConfirmation
from domain.errors import UnexpectedAnswer

REFUSED = "erp_refused"
D = TypeVar("D", bound=Document)
Body = dict[str, object]


class Northwind(Erp):
    def __init__(self, client: SystemClient) -> None:
        self._orders = _Ledger[SalesOrder](client, "sales-orders", _sales_order)
        self._shipments = _Ledger[ShipmentConfirmation](
            client, "goods-issues", _goods_issue, cancels=False
        )
        self._invoices = _Ledger[Billing](client, "invoices", _billing)
        self._credits = _Ledger[Billing](client, "credit-notes", _billing)

    @property
    def orders(self) -> Standing[SalesOrder]:
        return self._orders

    @property
    def shipments(self) -> Standing[ShipmentConfirmation]:
        return self._shipments

    @property
    def invoices(self) -> Standing[Billing]:
        return self._invoices

    @property
    def credits(self) -> Standing[Billing]:
        return self._credits


class _Line(VendorAnswer):
    line: str
    quantity: Decimal


class _Booked(VendorAnswer):
    number: str
    status: Literal["open", "cancelled"]
    lines: tuple[_Line, ...]

    def done(self) -> Done:
        standing = {line.line: line.quantity for line in self.lines}
        return Done(standing=tidy(standing) if self.status == "open" else {}, ref=self.number)


class _Trouble(VendorAnswer):
    code: str
    message: str


class _Refusal(VendorAnswer):
    error: _Trouble

    def refused(self) -> Refused:
        return Refused(reason=REFUSED, detail=f"{self.error.code}: {self.error.message}")


class _Ledger(Standing[D], Generic[D]):
    """One kind of document."""

    def __init__(
        self,
        client: SystemClient,
        path: str,
        body: Callable[[D], Body],
        *,
        cancels: bool = True,
    ) -> None:
        self._client = client
        self._path = path
        self._body = body
        self._cancels = cancels

    async def make_stand(self, key: str, document: D) -> Answer:
        goal = tidy(document.goal)
        if not goal:
            return await self._take_back(key)
        reply = await self._client.ask(
            "PUT", self._path, key, known=(200, 201, 202, 422), body=self._body(document)
        )
        return _answer(reply)

    async def find(self, key: str) -> Done | None:
        reply = await self._client.ask("GET", self._path, key, known=(200, 404))
        return None if _absent(reply) else reply.read(_Booked).done()

    async def _take_back(self, key: str) -> Answer:
        if not self._cancels:
            found = await self.find(key)
            if found is None or not found.standing:
                return Done(standing={})
            detail = "goods that have left are not taken back"
            return Refused(reason=REFUSED, detail=detail, standing=found.standing)
        reply = await self._client.ask("DELETE", self._path, key, known=(200, 202, 404, 422))
        return Done(standing={}) if _absent(reply) else _answer(reply)


def _absent(reply: Reply) -> bool:
    """Whether the ERP itself says that there is nothing; any other 404 is no answer of its."""
    if reply.status != 404:
        return False
    if reply.read(_Refusal).error.code != "unknown_key":
        raise UnexpectedAnswer(f"{reply.asked}: status 404")
    return True


def _answer(reply: Reply) -> Answer:
    if reply.status == 202:
        return Pending()
    return reply.read(_Refusal).refused() if reply.status == 422 else reply.read(_Booked).done()


def _lines(goal: Goal, details: Mapping[str, Body]) -> list[Body]:
    """What is to stand, each line with what else is known of it."""
    return [
        {**details.get(line, {}), "line": line, "quantity": _text(quantity)}
        for line, quantity in goal.items()
    ]


def _sales_order(document: SalesOrder) -> Body:
    head = document.model_dump(mode="json", exclude={"goal", "lines"})
    details = {line.line: line.model_dump(mode="json") for line in document.lines}
    return {**head, "lines": _lines(tidy(document.goal), details)}


def _goods_issue(document: ShipmentConfirmation) -> Body:
    head = document.model_dump(mode="json", exclude={"goal"})
    return {**head, "lines": _lines(tidy(document.goal), {})}


def _billing(document: Billing) -> Body:
    head = document.model_dump(mode="json", exclude={"goal", "lines"})
    details = {line.line: line.model_dump(mode="json") for line in document.lines}
    return {**head, "lines": _lines(tidy(document.goal), details)}


def _text(number: Decimal) -> str:
    return format(number, "f")

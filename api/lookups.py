"""Single answers for people on the phone: a customer's credit, a shipment, an invoice, a return."""

from collections.abc import Iterable
from typing import Annotated, Protocol, TypeVar

from fastapi import Path
from pydantic import BaseModel

from api.deps import AnyId, Books, Caller
from api.guard import check_bound
from api.money_view import show_expected, show_invoices, show_returns
from api.order_view import show_shipment
from api.orders import READ, find_order
from api.problems import missing
from api.routing import needs, router
from api.shapes import InvoiceOut, Money, ReturnOut, ShipmentOut, canonical

routes = router("", "look-ups")

IdInPath = Annotated[AnyId, Path()]
_AMOUNTS = ("credit_limit", "open", "invoiced", "available")


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)


class Credit(BaseModel):
    """Of the account that pays for the customer: `open` is not invoiced yet, `invoiced` is due."""

    customer: str
    currency: str
    credit_limit: Money
    open: Money
    invoiced: Money
    available: Money


@routes.get("/customers/{customer_id:path}/credit", openapi_extra=needs("master:read"))
async def show_credit(customer_id: IdInPath, books: Books, caller: Caller) -> Credit:
    """How much of the customer's limit is used."""
    check_bound(caller, "customer", customer_id)
    found = await books.ledger.credit(customer_id)
    if found is None:
        raise missing("customer", customer_id)
    found["available"] = found["credit_limit"] - found["open"] - found["invoiced"]
    currency = found.pop("currency")
    amounts = {name: canonical(found[name], currency) for name in _AMOUNTS}
    return Credit(customer=customer_id, currency=currency, **amounts)


@routes.get("/shipments/{shipment_id}", openapi_extra=READ)
async def show_one_shipment(shipment_id: IdInPath, books: Books, caller: Caller) -> ShipmentOut:
    """A shipment by the id its warehouse gave it."""
    order_id = await books.read_model.order_with("shipments", shipment_id)
    if order_id is None:
        raise missing("shipment", shipment_id)
    order = (await find_order(order_id, books, caller)).order
    shown = [show_shipment(order_id, shipment) for shipment in order.shipments]
    return _one("shipment", shipment_id, shown)


@routes.get("/invoices/{invoice_id}", openapi_extra=READ)
async def show_invoice(invoice_id: IdInPath, books: Books, caller: Caller) -> InvoiceOut:
    """An invoice by its number, or by the id of its shipment."""
    order_id = await books.read_model.order_with_invoice(invoice_id)
    if order_id is None:
        raise missing("invoice", invoice_id)
    order = (await find_order(order_id, books, caller)).order
    for invoice in show_invoices(order):
        if invoice_id in (invoice.number, invoice.id):
            return invoice
    raise missing("invoice", invoice_id)


@routes.get("/returns/{return_id}", openapi_extra=READ)
async def show_return(return_id: IdInPath, books: Books, caller: Caller) -> ReturnOut:
    """A return by its id: what came back or was credited, or was agreed to and has not come."""
    order_id = await books.read_model.order_with(
        "returns", return_id
    ) or await books.read_model.order_with("authorised", return_id)
    if order_id is None:
        raise missing("return", return_id)
    order = (await find_order(order_id, books, caller)).order
    return _one("return", return_id, [*show_returns(order), *show_expected(order)])


def _one(what: str, id: str, shown: Iterable[T]) -> T:
    for each in shown:
        if each.id == id:
            return each
    raise missing(what, id)

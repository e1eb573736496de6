"""Orders: taken in at the door, shown as recorded."""

import os
import time
from datetime import datetime
from typing import Annotated

from fastapi import Header, Path, Query, Response
from pydantic import BaseModel

from adapters.postgres.access import Access
from adapters.postgres.read_model import Filter, OrderRow, SeenOrder
from api.deps import AnyId, Books, Caller, Raw, Stores, UiUrl
from api.edge import correlation_id
from api.guard import check_bound
from api.order_view import show_order
from api.paging import Cursor, Limit, Page, from_cursor, page
from api.problems import Problem, missing
from api.revisions import to_etag
from api.routing import needs, router
from api.shapes import Money, OrderOut, canonical
from api.waiting import Prefer, seconds_to_wait, wait_for
from domain.message import Placed
from domain.order import Order
from domain.order_in import OrderIn
from domain.status import Status

READ, WRITE = needs("orders:read"), needs("orders:write")
CONFLICT = "conflicting_reference"
CONFLICT_DETAIL = "There is an order of this channel and reference with another content."
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

routes = router("/orders", "orders")

OrderId = Annotated[AnyId, Path(description="As `POST /orders` named it.")]
IdempotencyKey = Annotated[
    str | None,
    Header(max_length=200, pattern=r"^[!-~]+$", description="The same for every attempt at one."),
]


class OrderAccepted(BaseModel):
    """It is kept. `status` is `received` until it has been looked at."""

    id: str
    status: str
    reference: str
    duplicate_of: str | None = None


class OrderSummary(BaseModel):
    id: str
    revision: int
    channel: str
    reference: str
    customer: str
    currency: str
    status: str
    hold_reasons: list[str]
    total: Money | None
    placed_at: datetime
    updated_at: datetime


def new_order_id() -> str:
    """Unique, and sorted by the time it was made: 48 bits of milliseconds, 80 of chance."""
    number = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


async def take_in(
    order: OrderIn,
    books: Stores,
    *,
    owner: Access,
    raw: bytes,
    idempotency_key: str | None,
) -> tuple[int, OrderAccepted]:
    """Keep the order; the status to answer with, 200 for one that was there before. The same key
    again is answered as it was first. Raises `Problem` when it contradicts another.
    """
    check_bound(owner, "channel", order.channel)
    check_bound(owner, "customer", order.customer)
    placed = Placed(
        id=order.reference,
        correlation_id=correlation_id.get(),
        order=order,
        patience=books.patience,
    )
    accepted = await books.inbox.accept_order(
        new_order_id(),
        placed,
        raw=raw,
        source=f"channel/{order.channel}",
        owner=owner.id,
        idempotency_key=idempotency_key,
    )
    match accepted.outcome:
        case "key_reused":
            raise Problem(
                422,
                "idempotency_key_reused",
                "This Idempotency-Key came with another body before.",
                extra=await named(accepted.order_id, books, owner),
            )
        case "conflict":
            raise Problem(
                409,
                CONFLICT,
                CONFLICT_DETAIL,
                pointer="/reference",
                extra=await named(accepted.order_id, books, owner),
            )
    like = await named(accepted.duplicate_of, books, owner) if accepted.duplicate_of else {}
    return 202 if accepted.made_it else 200, OrderAccepted(
        id=accepted.order_id,
        status="received",
        reference=order.reference,
        duplicate_of=like.get("order_id"),
    )


@routes.post(
    "",
    status_code=202,
    openapi_extra=WRITE,
    response_model=OrderAccepted | OrderOut,
    responses={200: {"model": OrderOut, "description": "It was known: the first order."}},
)
async def accept_order(
    order: OrderIn,
    books: Books,
    caller: Caller,
    raw: Raw,
    response: Response,
    ui: UiUrl,
    idempotency_key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> OrderAccepted | OrderOut | Response:
    """Take an order in. It is kept when this answers; what becomes of it is decided afterwards."""
    status, accepted = await take_in(
        order, books, owner=caller, raw=raw, idempotency_key=idempotency_key
    )
    response.status_code = status
    response.headers["Location"] = f"/v1/orders/{accepted.id}"
    seconds = seconds_to_wait(prefer)
    if seconds:
        response.headers["Preference-Applied"] = f"wait={seconds:.0f}"
        await wait_for(seconds, lambda: _decided(books, accepted.id))
    if not seconds and status == 202:
        # As it is: to validate and serialise it once more would take as long as reading the order.
        location = {"Location": response.headers["Location"]}
        return Response(
            accepted.model_dump_json(), 202, headers=location, media_type="application/json"
        )
    return _shown(await find_order(accepted.id, books, caller), response, ui)


@routes.get("", openapi_extra=READ)
async def list_orders(
    books: Books,
    caller: Caller,
    status: Annotated[Status | None, Query()] = None,
    customer: Annotated[AnyId | None, Query()] = None,
    channel: Annotated[AnyId | None, Query()] = None,
    reference: Annotated[AnyId | None, Query()] = None,
    hold: Annotated[AnyId | None, Query(description="The reason of an open hold.")] = None,
    open: Annotated[bool | None, Query(description="Something is left to do for it.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[OrderSummary]:
    """Orders, the newest first."""
    check_filter(caller, "customer", customer)
    check_filter(caller, "channel", channel)
    wanted = Filter(
        status=status,
        customer=customer or caller.customer,
        channel=channel or caller.channel,
        reference=reference,
        hold=hold,
        open=open,
    )
    before = from_cursor(cursor, 2**62)
    rows = await books.read_model.orders(wanted, before=before, limit=limit + 1)
    shown = page(rows, limit, lambda row: row.number)
    return Page(items=[_summary(row) for row in shown.items], next=shown.next)


@routes.get("/{order_id}", openapi_extra=READ)
async def show(
    order_id: OrderId, books: Books, caller: Caller, response: Response, ui: UiUrl
) -> OrderOut:
    """The order as last recorded."""
    return _shown(await find_order(order_id, books, caller), response, ui)


def check_filter(caller: Access, what: str, value: str | None) -> None:
    """A bound key lists its own business; asking for another's is refused."""
    if value is not None:
        check_bound(caller, what, value)


async def find_order(order_id: str, books: Stores, caller: Access) -> SeenOrder:
    """Raises `Problem` (404): there is none, or it is not the caller's business."""
    seen = await books.read_model.order(order_id)
    if seen is None or not may_see(caller, seen.order):
        raise missing("order", order_id)
    return seen


def may_see(caller: Access, order: Order) -> bool:
    """A bound key sees its own business only."""
    header = order.header
    return (
        header is not None
        and caller.customer in (None, header.customer)
        and caller.channel in (None, header.channel)
    )


async def named(order_id: str, books: Stores, caller: Access) -> dict[str, str]:
    """Another order's id, for those who may see that order."""
    if caller.customer is not None or caller.channel is not None:
        seen = await books.read_model.order(order_id)
        if seen is None or not may_see(caller, seen.order):
            return {}
    return {"order_id": order_id}


def _summary(row: OrderRow) -> OrderSummary:
    total = None if row.total is None else canonical(row.total, row.currency)
    return OrderSummary(**vars(row) | {"total": total})


def _shown(seen: SeenOrder, response: Response, ui: str) -> OrderOut:
    response.headers["ETag"] = to_etag(seen.order.revision)
    return show_order(seen, ui)


async def _decided(books: Stores, order_id: str) -> str | None:
    """The status, once it is more than received."""
    found = await books.read_model.status(order_id)
    return found[0] if found and found[0] != "received" else None

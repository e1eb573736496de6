"""What people ask of an order: cancel, amend, hold, release. Kept as messages, answered by it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_OID, uuid4, uuid5

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from adapters.postgres.access import Access
from adapters.postgres.read_model import CommandRow
from api.deps import AnyId, Books, Caller, IfMatch, Raw, Stores
from api.edge import correlation_id
from api.order_view import show_hold
from api.orders import READ, WRITE, IdempotencyKey, OrderId, check_filter, find_order, may_see
from api.paging import Cursor, Limit, Page, from_cursor, to_cursor
from api.problems import Problem, missing
from api.revisions import expected_revision, stale
from api.routing import needs, router
from api.shapes import HoldOut
from api.waiting import Prefer, seconds_to_wait, wait_for
from domain.message import (
    Amended,
    CancelRequested,
    HoldPlaced,
    HoldReleased,
    Message,
    QuoteAccepted,
)
from domain.order_in import Code, LineNumber, Quantity

SOURCE = "command"
HOLDS = needs("holds:write")

routes = router("", "commands")


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LineQuantity(_Asked):
    line: LineNumber
    quantity: Quantity


class Cancellation(_Asked):
    """Of these lines this much; without lines, all that has not left."""

    reason: str = Field("", max_length=200)
    lines: list[LineQuantity] = Field(default_factory=list, max_length=1000)


class Amendment(_Asked):
    """These lines shall be of these quantities."""

    lines: list[LineQuantity] = Field(min_length=1, max_length=1000)


class Acceptance(_Asked):
    """The quote is taken as it is."""


class NewHold(_Asked):
    """`scope` is `order`, `line/<line>` or `fulfilment/<source>`."""

    reason: Code = "manual"
    detail: str = Field("", max_length=500)
    scope: str = Field("order", pattern=r"^(order|(line|fulfilment)/[A-Za-z0-9._-]{1,64})$")


class Release(_Asked):
    note: str = Field("", max_length=500)


class Command(BaseModel):
    """`waiting` until its order has taken it in; then `done`, or `refused` for a reason."""

    id: str
    order_id: str
    kind: str
    status: Literal["waiting", "done", "refused"]
    reason: str = ""
    detail: str = ""
    stored_at: datetime | None = None
    applied_at: datetime | None = None


_DONE: dict[int | str, dict[str, Any]] = {
    200: {"model": Command, "description": "What became of it, under `Prefer: wait`."}
}


@routes.post(
    "/orders/{order_id}/cancellation", status_code=202, openapi_extra=WRITE, responses=_DONE
)
async def cancel_order(
    order_id: OrderId,
    asked: Cancellation,
    books: Books,
    caller: Caller,
    raw: Raw,
    response: Response,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
    prefer: Prefer = None,
) -> Command:
    """Cancel what has not left."""
    await _check(order_id, books, caller, if_match)
    message = CancelRequested(
        id=_command_id(caller, order_id, idempotency_key),
        correlation_id=correlation_id.get(),
        lines=_by_line(asked.lines),
        reason=asked.reason,
        by=caller.name,
    )
    return await _send(order_id, message, books, raw, response, prefer)


@routes.post("/orders/{order_id}/amendments", status_code=202, openapi_extra=WRITE, responses=_DONE)
async def amend_order(
    order_id: OrderId,
    asked: Amendment,
    books: Books,
    caller: Caller,
    raw: Raw,
    response: Response,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
    prefer: Prefer = None,
) -> Command:
    """Change quantities."""
    await _check(order_id, books, caller, if_match)
    message = Amended(
        id=_command_id(caller, order_id, idempotency_key),
        correlation_id=correlation_id.get(),
        lines=_by_line(asked.lines),
        by=caller.name,
    )
    return await _send(order_id, message, books, raw, response, prefer)


@routes.post(
    "/orders/{order_id}/quote/acceptance", status_code=202, openapi_extra=WRITE, responses=_DONE
)
async def accept_quote(
    order_id: OrderId,
    asked: Acceptance,
    books: Books,
    caller: Caller,
    raw: Raw,
    response: Response,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
    prefer: Prefer = None,
) -> Command:
    """Make a quote an order."""
    await _check(order_id, books, caller, if_match)
    message = QuoteAccepted(
        id=_command_id(caller, order_id, idempotency_key),
        correlation_id=correlation_id.get(),
        by=caller.name,
    )
    return await _send(order_id, message, books, raw, response, prefer)


@routes.post("/orders/{order_id}/holds", status_code=202, openapi_extra=HOLDS, responses=_DONE)
async def hold_order(
    order_id: OrderId,
    asked: NewHold,
    books: Books,
    caller: Caller,
    raw: Raw,
    response: Response,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
    prefer: Prefer = None,
) -> Command:
    """Have the order, a line or a fulfilment wait until somebody releases it."""
    await _check(order_id, books, caller, if_match)
    message = HoldPlaced(
        id=_command_id(caller, order_id, idempotency_key),
        correlation_id=correlation_id.get(),
        by=caller.name,
        **asked.model_dump(),
    )
    return await _send(order_id, message, books, raw, response, prefer)


@routes.get("/holds", openapi_extra=READ)
async def list_holds(
    books: Books,
    caller: Caller,
    reason: Annotated[AnyId | None, Query()] = None,
    customer: Annotated[AnyId | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[HoldOut]:
    """Open holds, those of the newest order first; `limit` counts orders."""
    check_filter(caller, "customer", customer)
    rows = await books.read_model.holds(
        reason=reason,
        customer=customer or caller.customer,
        before=from_cursor(cursor, 2**62),
        limit=limit + 1,
    )
    holds = [
        show_hold(order.id, hold)
        for _, order in rows[:limit]
        if may_see(caller, order)
        for hold in order.open_holds
        if reason in (None, hold.reason)
    ]
    following = to_cursor(rows[limit - 1][0].number) if len(rows) > limit else None
    return Page(items=holds, next=following)


@routes.post("/holds/{hold_id}/release", status_code=202, openapi_extra=HOLDS, responses=_DONE)
async def release_hold(
    hold_id: Annotated[AnyId, Path()],
    asked: Release,
    books: Books,
    caller: Caller,
    raw: Raw,
    response: Response,
    idempotency_key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> Command:
    """Release a hold: what it parked is looked at again, with today's data."""
    order_id = hold_id.rpartition("-H")[0]
    if not order_id:
        raise missing("hold", hold_id)
    seen = await find_order(order_id, books, caller)
    if not any(hold.id == hold_id for hold in seen.order.holds):
        raise missing("hold", hold_id)
    message = HoldReleased(
        id=_command_id(caller, hold_id, idempotency_key),
        correlation_id=correlation_id.get(),
        hold=hold_id,
        by=caller.name,
    )
    return await _send(order_id, message, books, raw, response, prefer)


@routes.get("/commands/{command_id}", openapi_extra=READ)
async def show_command(
    command_id: Annotated[AnyId, Path()], books: Books, caller: Caller
) -> Command:
    """What became of a command."""
    row = await books.read_model.command(SOURCE, command_id)
    if row is None:
        raise missing("command", command_id)
    await find_order(row.order_id, books, caller)
    return _shown(row)


async def _check(order_id: str, books: Stores, caller: Access, if_match: str | None) -> None:
    """Raises `Problem`: 404 for an order that is not there, 412 for one that went on."""
    seen = await find_order(order_id, books, caller)
    expected = expected_revision(if_match)
    if expected is not None and expected != seen.order.revision:
        raise stale()


def _command_id(caller: Access, about: str, idempotency_key: str | None) -> str:
    """The same for every attempt that has the same Idempotency-Key."""
    if idempotency_key is None:
        return uuid4().hex
    return uuid5(NAMESPACE_OID, f"{caller.id}/{about}/{idempotency_key}").hex


def _by_line(lines: list[LineQuantity]) -> dict[str, Any]:
    found = {line.line: line.quantity for line in lines}
    if len(found) != len(lines):
        raise Problem(422, "repeated_line", "A line is named twice.", pointer="/lines")
    return found


async def _send(
    order_id: str,
    message: Message,
    books: Stores,
    raw: bytes,
    response: Response,
    prefer: str | None,
) -> Command:
    stored = await books.inbox.store(order_id, message, source=SOURCE, raw=raw, known_only=True)
    if stored.outcome == "unknown_order":
        raise missing("order", order_id)
    if stored.outcome == "conflict":
        detail = "This Idempotency-Key came with another body before."
        raise Problem(422, "idempotency_key_reused", detail)
    response.headers["Location"] = f"/v1/commands/{message.id}"

    async def look() -> Command | None:
        row = await books.read_model.command(SOURCE, message.id)
        return _shown(row) if row and row.applied_at else None

    seconds = seconds_to_wait(prefer)
    if seconds:
        response.headers["Preference-Applied"] = f"wait={seconds:.0f}"
        if done := await wait_for(seconds, look):
            response.status_code = 200
            return done
    return Command(id=message.id, order_id=order_id, kind=message.kind, status="waiting")


def _shown(row: CommandRow) -> Command:
    outcome = row.outcome or {}
    return Command(
        id=row.id,
        order_id=row.order_id,
        kind=row.kind,
        status=outcome.get("status", "done") if row.applied_at else "waiting",
        reason=outcome.get("reason", ""),
        detail=outcome.get("detail", ""),
        stored_at=row.stored_at,
        applied_at=row.applied_at,
    )

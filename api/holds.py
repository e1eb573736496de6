"""Holds: placed by people, listed for whoever decides, released."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import AwareDatetime, Field

from api.commands import Amendment, amended
from api.deps import AnyId, Books, Caller
from api.order_view import show_hold
from api.orders import READ, OrderId, check_filter, may_see
from api.paging import Cursor, Limit, Page, from_cursor, to_cursor
from api.problems import Problem, missing
from api.routing import needs, router
from api.sending import DONE, Asked, Command, Sending
from api.shapes import HoldOut
from domain.message import HoldPlaced, HoldReleased
from domain.order_in import Code

HOLDS = needs("holds:write")

routes = router("", "commands")


class NewHold(Asked):
    """`scope` is `order`, `line/<line>` (of a kit: all its parts) or `fulfilment/<source>`, where
    the fulfilment's id will do, too. It ends by itself at `until`.
    """

    reason: Code = "manual"
    detail: str = Field("", max_length=500)
    scope: str = Field("order", pattern=r"^(order|(line|fulfilment)/[A-Za-z0-9._-]{1,128})$")
    until: AwareDatetime | None = None


class Release(Asked):
    """`edit` is changed first, and if that is refused the hold stays. `skip`: what it is about has
    been done by hand, for this reason; that is for a carrier's booking only.
    """

    note: str = Field("", max_length=500)
    edit: Amendment | None = None
    skip: str = Field("", max_length=200)


@routes.post("/orders/{order_id}/holds", status_code=202, openapi_extra=HOLDS, responses=DONE)
async def hold_order(order_id: OrderId, sender: Sending, asked: NewHold | None = None) -> Command:
    """Have the order, a line or a fulfilment wait until somebody releases it."""
    await sender.find(order_id)
    asked = asked or NewHold()
    message = HoldPlaced(
        reason=asked.reason,
        detail=asked.detail,
        scope=asked.scope,
        until=asked.until,
        **sender.signed(order_id),
    )
    return await sender.send(order_id, message)


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


@routes.post("/holds/{hold_id}/release", status_code=202, openapi_extra=HOLDS, responses=DONE)
async def release_hold(
    hold_id: Annotated[AnyId, Path()], sender: Sending, asked: Release | None = None
) -> Command:
    """Release a hold: what it parked is looked at again, with today's data."""
    order_id = hold_id.rpartition("-H")[0]
    if not order_id:
        raise missing("hold", hold_id)
    seen = await sender.find(order_id)
    if not any(hold.id == hold_id for hold in seen.order.holds):
        raise missing("hold", hold_id)
    asked = asked or Release()
    if asked.edit and "orders:write" not in sender.caller.scopes:
        raise Problem(403, "scope_missing", "To edit an order takes the scope orders:write.")
    edit = amended(asked.edit, hold_id, sender) if asked.edit else None
    message = HoldReleased(
        hold=hold_id,
        # The same content in every attempt: only the message itself says which request it came by.
        edit=edit and edit.model_copy(update={"correlation_id": ""}),
        skip=asked.skip,
        note=asked.note,
        **sender.signed(hold_id),
    )
    return await sender.send(order_id, message)

"""Stock: movements in, positions and availability out."""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from fastapi import Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from adapters.postgres.ledger import Movement, MovementKind
from api.deps import AnyId, Books, Caller, OurCode, Raw, Stores
from api.edge import correlation_id
from api.guard import check_bound
from api.paging import Cursor, Limit, Page, from_place, page
from api.routing import needs, router
from api.shapes import Amount
from api.warehouses import REPEATED, SOURCE, conflict
from domain.order_in import MOST

READ, WRITE = needs("inventory:read"), needs("inventory:write")

routes = router("", "inventory")

SignedQuantity = Annotated[Decimal, Field(gt=-MOST, lt=MOST, decimal_places=6)]


class MovementIn(BaseModel):
    """What moved, in stock units. Only an adjustment may be negative."""

    model_config = ConfigDict(extra="forbid")

    movement_id: AnyId
    kind: MovementKind
    item: AnyId
    location: OurCode
    quantity: SignedQuantity
    document: AnyId | None = None
    lot: str | None = Field(None, max_length=100)
    occurred_at: AwareDatetime

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.quantity == 0 or (self.quantity < 0 and self.kind != "adjustment"):
            raise ValueError("only an adjustment may be negative, and nothing is no movement")
        return self


class MovementTaken(BaseModel):
    """`booked`; `matched`, when a milestone had told it before; `repeat`, when this one had."""

    id: str
    outcome: Literal["booked", "matched", "repeat"]


class Position(BaseModel):
    """An item at a location, in stock units."""

    item: str
    location: str
    on_hand: Amount
    reserved: Amount
    available: Amount
    earmarked: Amount
    in_transit: Amount
    damaged: Amount
    quarantined: Amount
    as_of: datetime


class MovementOut(BaseModel):
    """Change `n` of a position: by how much, and what it was afterwards."""

    item: str
    location: str
    n: int
    kind: str
    on_hand: Amount
    reserved: Amount
    damaged: Amount
    quarantined: Amount
    on_hand_after: Amount
    reserved_after: Amount
    damaged_after: Amount
    quarantined_after: Amount
    order_id: str | None
    document: str | None
    lot: str | None
    source: str
    movement_id: str | None
    occurred_at: datetime
    recorded_at: datetime


class AvailabilityLine(BaseModel):
    """How much can be promised of an item: in all, and where."""

    item: str
    available: Amount
    locations: dict[str, Amount]


class Availability(BaseModel):
    items: list[AvailabilityLine]


class AvailabilityAsked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    items: list[AnyId] = Field(min_length=1, max_length=1000)


@routes.post(
    "/inventory/movements",
    status_code=202,
    openapi_extra=WRITE,
    responses={
        200: {"model": MovementTaken, "description": "It had come before."},
        409: REPEATED[409],
    },
)
async def report_movement(
    told: MovementIn, books: Books, caller: Caller, raw: Raw, response: Response
) -> MovementTaken:
    """Goods moved. The position is changed when this answers."""
    check_bound(caller, "warehouse", told.location)
    source = f"{SOURCE}{told.location}"
    outcome = await books.ledger.book_movement(Movement(**dict(told)), source=source)
    if outcome == "conflict":
        await books.dead_letters.add(
            f"{source}/{told.movement_id}/{hashlib.sha256(raw).hexdigest()[:32]}",
            kind="movement",
            source=source,
            reason="conflicting_content",
            detail={"external_id": told.movement_id, "correlation_id": correlation_id.get()},
            body=raw,
        )
        raise conflict(told.movement_id)
    if outcome == "repeat":
        response.status_code = 200
    return MovementTaken.model_validate({"id": told.movement_id, "outcome": outcome})


@routes.get("/inventory/positions", openapi_extra=READ)
async def list_positions(
    books: Books,
    item: Annotated[AnyId | None, Query()] = None,
    location: Annotated[OurCode | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Position]:
    """What is where, by item and location."""
    after = from_place(cursor, "", "")
    rows = await books.ledger.positions(
        item=item, location=location, after=(after[0], after[1]), limit=limit + 1
    )
    shown = page(rows, limit, lambda row: [row["item"], row["location"]])
    return Page(items=[Position.model_validate(row) for row in shown.items], next=shown.next)


@routes.get("/inventory/movements", openapi_extra=READ)
async def list_movements(
    books: Books,
    item: Annotated[AnyId | None, Query()] = None,
    location: Annotated[OurCode | None, Query()] = None,
    order_id: Annotated[AnyId | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[MovementOut]:
    """Every change of every position, by item, location and number."""
    after = from_place(cursor, "", "", "0")
    rows = await books.ledger.movements(
        item=item,
        location=location,
        order_id=order_id,
        after=(after[0], after[1], int(after[2])),
        limit=limit + 1,
    )
    shown = page(rows, limit, lambda row: [row["item"], row["location"], str(row["n"])])
    return Page(items=[MovementOut.model_validate(row) for row in shown.items], next=shown.next)


@routes.get("/availability", openapi_extra=READ)
async def show_availability(
    books: Books, item: Annotated[list[AnyId], Query(min_length=1, max_length=100)]
) -> Availability:
    """How much of these items can be promised now: `?item=A&item=B`."""
    return await _available(item, books)


@routes.post("/availability", openapi_extra=READ)
async def ask_availability(asked: AvailabilityAsked, books: Books) -> Availability:
    """The same for many items at once."""
    return await _available(asked.items, books)


async def _available(items: list[str], books: Stores) -> Availability:
    offers = await books.ledger.offers(items)
    lines = []
    for item in dict.fromkeys(items):
        found = {place: offer[item] for place, offer in offers.items() if item in offer}
        total = sum(found.values(), Decimal(0))
        lines.append(AvailabilityLine(item=item, available=total, locations=found))
    return Availability(items=lines)

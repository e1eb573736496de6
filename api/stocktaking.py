"""Stock as it was found: counts and snapshots in; the proof that our books hold together."""

import hashlib
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from adapters.postgres.access import Access
from adapters.postgres.counts import Found
from api.deps import AnyId, Books, Caller, OurCode, Raw, Stores
from api.guard import check_bound
from api.inventory import READ, WRITE
from api.routing import router
from api.shapes import Amount
from api.warehouses import REPEATED, conflict
from domain.order_in import UnitPrice

routes = router("", "inventory")


class FoundPosition(BaseModel):
    """What was found of an item, in stock units."""

    model_config = ConfigDict(extra="forbid")

    item: AnyId
    quantity: UnitPrice
    lot: str | None = Field(None, max_length=100)


class SnapshotIn(BaseModel):
    """Stock as another system has it. Only the items named are compared.

    `available` is without what is reserved; `watermark` is the last movement that is in it, so that
    later ones are not taken back.
    """

    model_config = ConfigDict(extra="forbid")

    snapshot_id: AnyId
    source: OurCode
    location: OurCode
    measure: Literal["physical", "available"]
    watermark: AnyId | None = None
    taken_at: AwareDatetime
    positions: list[FoundPosition] = Field(min_length=1, max_length=10_000)


class CountIn(BaseModel):
    """Stock as somebody counted it. Only the items named are compared."""

    model_config = ConfigDict(extra="forbid")

    count_id: AnyId
    location: OurCode
    taken_at: AwareDatetime
    positions: list[FoundPosition] = Field(min_length=1, max_length=10_000)


class Difference(BaseModel):
    item: str
    found: Amount
    book: Amount
    difference: Amount


class StockTaken(BaseModel):
    """`booked` with the differences that became adjustments, or `repeat`."""

    id: str
    outcome: Literal["booked", "repeat"]
    differences: list[Difference]


class BrokenLink(BaseModel):
    item: str
    location: str
    n: int
    why: str


class Proof(BaseModel):
    """`ok` when every position is where its chain of movements ends, link by link."""

    ok: bool
    as_of: datetime | None
    positions: int
    movements: int
    on_hand: Amount
    reserved: Amount
    broken: list[BrokenLink]


@routes.post("/inventory/snapshots", status_code=202, openapi_extra=WRITE, responses=REPEATED)
async def report_snapshot(
    told: SnapshotIn, books: Books, caller: Caller, raw: Raw, response: Response
) -> StockTaken:
    """Compare our stock with another system's; what differs is adjusted."""
    found = Found(
        id=told.snapshot_id,
        source=f"snapshot/{told.source}",
        location=told.location,
        available=told.measure == "available",
        taken_at=told.taken_at,
        watermark=told.watermark,
        positions=[(position.item, position.quantity) for position in told.positions],
    )
    return await _book(found, books, caller, raw, response)


@routes.post("/counts", status_code=202, openapi_extra=WRITE, responses=REPEATED)
async def report_count(
    told: CountIn, books: Books, caller: Caller, raw: Raw, response: Response
) -> StockTaken:
    """Compare our stock with what was counted; what differs is adjusted."""
    found = Found(
        id=told.count_id,
        source=f"count/{told.location}",
        location=told.location,
        available=False,
        taken_at=told.taken_at,
        watermark=None,
        positions=[(position.item, position.quantity) for position in told.positions],
    )
    return await _book(found, books, caller, raw, response)


@routes.get("/inventory/proof", openapi_extra=READ)
async def prove(
    books: Books,
    as_of: Annotated[AwareDatetime | None, Query(description="Now, unless given.")] = None,
) -> Proof:
    """Whether stock is conserved, now or at a past moment."""
    found = await books.counts.prove(as_of)
    return Proof(ok=not found["broken"], as_of=as_of, **found)


async def _book(
    found: Found, books: Stores, caller: Access, raw: bytes, response: Response
) -> StockTaken:
    check_bound(caller, "warehouse", found.location)
    counted = await books.counts.book(found)
    if counted.outcome == "conflict":
        await books.dead_letters.add(
            f"{found.source}/{found.id}/{hashlib.sha256(raw).hexdigest()[:32]}",
            kind="stocktaking",
            source=found.source,
            reason="conflicting_content",
            detail={"external_id": found.id},
            body=raw,
        )
        raise conflict(found.id)
    if counted.outcome == "repeat":
        response.status_code = 200
    differences = [Difference.model_validate(each) for each in counted.differences]
    return StockTaken(id=found.id, outcome=counted.outcome, differences=differences)

"""What placing an order would come to, asked before it is placed."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel

from adapters.postgres.access import Access
from adapters.postgres.known_orders import Known, KnownOrders
from adapters.pricing.offered import offered_prices
from api.deps import Books, Caller, Stores
from api.guard import check_bound
from api.orders import CONFLICT, CONFLICT_DETAIL, WRITE, named
from api.routing import router
from domain.capture import Routing, judge
from domain.documents import CaptureRequest, WantedLine
from domain.order_in import OrderIn

routes = router("/orders", "orders")

Standing = Literal["ready", "existing", "conflict"]


class FoundProblem(BaseModel):
    """What the order would be held for or, as `conflicting_reference`, refused for."""

    reason: str
    scope: str
    detail: str


class Validation(BaseModel):
    """`valid` when it would be taken, and nothing hold it before stock and credit are looked at.

    `ready` would be placed; `existing` was, as `order_id`, with the same content; `conflict`:
    `order_id` has its channel and reference, and another content. `duplicate_of` is like it.
    """

    valid: bool
    status: Standing
    order_id: str | None = None
    duplicate_of: str | None = None
    problems: list[FoundProblem]


@dataclass(frozen=True)
class Foreseen:
    """How an order stands to those that are there; others are named to who may see them only."""

    status: Standing
    order_id: str | None = None
    duplicate_of: str | None = None
    problems: list[FoundProblem] = field(default_factory=list)


@routes.post("/validation", openapi_extra=WRITE)
async def validate_order(order: OrderIn, books: Books, caller: Caller) -> Validation:
    """What the order would be held or refused for. Nothing is kept."""
    check_bound(caller, "channel", order.channel)
    check_bound(caller, "customer", order.customer)
    (known,) = await KnownOrders(books.pool).find([order])
    foreseen = await foresee(known, books, caller)
    problems = await find_problems(order, books) + foreseen.problems
    return Validation(
        valid=not problems,
        status=foreseen.status,
        order_id=foreseen.order_id,
        duplicate_of=foreseen.duplicate_of,
        problems=problems,
    )


async def foresee(known: Known, books: Stores, caller: Access, first: str = "") -> Foreseen:
    """What the door would answer. `first` is the reference of an order like it that would be placed
    before it.
    """
    if known.order_id:
        if known.same:
            return Foreseen("existing", known.order_id)
        order_id = (await named(known.order_id, books, caller)).get("order_id")
        conflict = FoundProblem(reason=CONFLICT, scope="order", detail=CONFLICT_DETAIL)
        return Foreseen("conflict", order_id, problems=[conflict])
    twin = (await named(known.twin, books, caller)).get("order_id") if known.twin else None
    if not (known.twin or first):
        return Foreseen("ready")
    detail = f"looks like {twin or first or 'another order'}"
    suspected = FoundProblem(reason="suspected_duplicate", scope="order", detail=detail)
    return Foreseen("ready", duplicate_of=twin, problems=[suspected])


async def find_problems(order: OrderIn, books: Stores) -> list[FoundProblem]:
    """What capture would hold the order for as master data and prices are now."""
    lines = tuple(
        WantedLine.model_validate(line.model_dump(exclude={"customer_item", "requested_date"}))
        for line in order.numbered().lines
    )
    request = CaptureRequest(
        goal={},
        order_id="",
        company=order.company,
        customer=order.customer,
        bill_to=order.bill_to,
        currency=order.currency,
        on=datetime.now(UTC).date(),
        lines=lines,
    )
    items = sorted({line.item for line in lines})
    facts = await books.master.capture_facts(order.company, order.customer, items)
    prices = await offered_prices(books.pricing, request, facts)
    judged = judge(request, facts, prices, {}, Routing(systems={}, wms="", tms=""))
    return [FoundProblem(**problem.model_dump()) for problem in judged.problems]

"""Key figures, each with what it means and how many cases it is made of."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import Query
from pydantic import AwareDatetime, BaseModel

from adapters.postgres.kpis import MOST_MOVEMENTS, Asked, Failures, Measured, measure
from api.deps import AnyId, Books, Caller
from api.orders import check_filter
from api.problems import Broken, Problem
from api.routing import needs, router

READ = needs("orders:read")
USUAL = timedelta(hours=24)
LONGEST = timedelta(days=92)

routes = router("/kpis", "kpis")

DURATIONS = {
    "cycle_time_shipped": "From an order's acceptance until its last shipment left, by the"
    " warehouse's clock. Orders of the window of which all that is still wanted has left.",
    "cycle_time_closed": "From an order's acceptance until nothing was left to do for it. Orders of"
    " the window that are closed now and were not cancelled whole.",
    "ingestion_latency": "From an order's acceptance at the API until its workflow had made the"
    " first record of it. Orders of the window that have one.",
    "shipment_update_timeliness": "From when goods left or were delivered, as the sender says,"
    " until its message was stored. Such messages about orders of the window.",
    "inventory_sync_delay": "From when stock moved, as the sender says, until our books had it."
    " Movements booked in the window that somebody told us of, and not our own reservations; the"
    f" newest {MOST_MOVEMENTS}. Stock is no channel's, company's or customer's: without a filter"
    " only.",
    "time_to_resolve": "From when a hold was placed until it was released, by whom or what ever."
    " Released holds of orders of the window; of one order, the latest hundred.",
    "open_hold_age": "From when a hold was placed until now. Open holds of orders of the window.",
    "backorder_age": "From when an order began to wait for an item until now. Order and item, as"
    " far as something is missing now, whenever the order was placed.",
}
RATES = {
    "exception_rate": "Orders that were ever held, by orders that have a first record. Orders of"
    " the window.",
    "duplicate_rate": "Orders suspected, when they came, to repeat another of the day before (same"
    " customer, address and lines under another reference), by orders. Orders of the window."
    " Repetitions known by their key or reference make no order and are not counted.",
    "fill_rate": "Lines that stock was never missing for, neither at first nor after a loss or a"
    " short pick, by lines that stock was asked for. Fill or kill that found too little was"
    " missing; lines cancelled whole by others are in neither. Lines of orders of the window, those"
    " of a kit part by part, without quotes.",
    "on_time_in_full": "Orders delivered whole by the end of the day the order asks for (UTC), by"
    " orders whose day is over. Whole is all but what the customer cancelled; what was given up"
    " because it did not leave in time, or for want of stock, was not delivered. Orders of the"
    " window with a requested date, without quotes and orders the customer cancelled whole; the"
    " dates of single lines do not count.",
    "split_rate": "Orders that shipped from more than one source, by orders that shipped. Orders of"
    " the window.",
}
FAILED = (
    "Dead letters made in the window: messages in or out that could not be used or delivered,"
    " whether or not somebody has seen to them since. With a filter, those that name an order which"
    " it fits."
)


class Duration(BaseModel):
    """Null when there is no case; `count` is how many there are."""

    definition: str
    unit: Literal["seconds"] = "seconds"
    count: int
    median: float | None
    p90: float | None


class Rate(BaseModel):
    """`numerator` by `denominator`; null when there is no case. `count` is the denominator."""

    definition: str
    unit: Literal["ratio"] = "ratio"
    count: int
    numerator: int
    denominator: int
    value: float | None


class Failure(BaseModel):
    kind: str
    reason: str
    count: int
    open: int


class Failed(BaseModel):
    """`open` is how many of them nobody has decided about."""

    definition: str = FAILED
    unit: Literal["dead letters"] = "dead letters"
    count: int
    open: int
    by_reason: list[Failure]


class Kpis(BaseModel):
    """Of the orders placed from `since` on and before `until`. `by_status` is what they are now.

    `orders` is how many were measured: unless `complete`, only the newest of them.
    """

    since: datetime
    until: datetime
    channel: str | None
    company: str | None
    customer: str | None
    orders: int
    complete: bool
    by_status: dict[str, int]
    cycle_time_shipped: Duration
    cycle_time_closed: Duration
    ingestion_latency: Duration
    shipment_update_timeliness: Duration
    inventory_sync_delay: Duration
    time_to_resolve: Duration
    open_hold_age: Duration
    backorder_age: Duration
    exception_rate: Rate
    duplicate_rate: Rate
    fill_rate: Rate
    on_time_in_full: Rate
    split_rate: Rate
    failed_transactions: Failed


@routes.get("", openapi_extra=READ)
async def show_kpis(
    books: Books,
    caller: Caller,
    since: Annotated[
        AwareDatetime | None, Query(description="24 hours before `until`, unless given.")
    ] = None,
    until: Annotated[AwareDatetime | None, Query(description="Now, unless given.")] = None,
    channel: Annotated[AnyId | None, Query()] = None,
    company: Annotated[AnyId | None, Query()] = None,
) -> Kpis:
    """How well orders went that were placed in a window of at most 92 days."""
    check_filter(caller, "channel", channel)
    since, until = _window(since, until)
    asked = Asked(
        since=since,
        until=until,
        channel=channel or caller.channel,
        company=company,
        customer=caller.customer,
    )
    return _shown(asked, await measure(books.pool, asked))


def _window(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """Raises `Problem` (422) for one that is empty or too long."""
    until = until or datetime.now(UTC)
    try:
        since = since or until - USUAL
    except OverflowError:  # a day before the first day there is
        since = until
    if not timedelta(0) < until - since <= LONGEST:
        detail = f"`since` must lie before `until`, by {LONGEST.days} days at most."
        broken = Broken(rule="window", parameter="since", detail=detail)
        raise Problem(422, "invalid", detail, errors=[broken])
    return since, until


def _shown(asked: Asked, found: Measured) -> Kpis:
    durations = {
        name: Duration(
            definition=definition,
            count=found.spreads[name].count,
            median=_rounded(found.spreads[name].median, 3),
            p90=_rounded(found.spreads[name].p90, 3),
        )
        for name, definition in DURATIONS.items()
    }
    rates = {
        name: _rate(definition, found.shares[name].part, found.shares[name].whole)
        for name, definition in RATES.items()
    }
    return Kpis.model_validate(
        {
            **vars(asked),
            "orders": found.orders,
            "complete": found.complete,
            "by_status": found.by_status,
            **durations,
            **rates,
            "failed_transactions": _failed(found.failures),
        }
    )


def _rate(definition: str, part: int, whole: int) -> Rate:
    value = _rounded(part / whole if whole else None, 4)
    return Rate(definition=definition, count=whole, numerator=part, denominator=whole, value=value)


def _failed(failures: list[Failures]) -> Failed:
    return Failed(
        count=sum(each.letters for each in failures),
        open=sum(each.open for each in failures),
        by_reason=[
            Failure(kind=each.kind, reason=each.reason, count=each.letters, open=each.open)
            for each in failures
        ],
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)

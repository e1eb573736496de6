"""How an order got where it is, and what is to be done about it next."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ValidationError

from api.deps import Books, Caller, Stores
from api.money_view import show_goal, show_parts
from api.orders import READ, OrderId, find_order
from api.paging import Page
from api.routing import router
from api.shapes import Amount, Money, PartOut, canonical
from domain.intent import Cancelling, cancelling
from domain.message import MESSAGE
from domain.order import Order
from domain.plan import plan, targets
from domain.telling import ended, happened, said

routes = router("/orders", "orders")


class TimelineEntry(BaseModel):
    """Something that came in (`message`) or happened (`event`). `text` says it in a sentence."""

    at: datetime
    text: str
    type: Literal["message", "event"]
    kind: str
    id: str
    correlation_id: str
    causation_id: str = ""
    outcome: dict[str, Any] | None = None
    data: dict[str, Any]


class PlannedStep(BaseModel):
    """What would be asked of whom next: make `goal` stand; empty takes it back."""

    system: str
    operation: str
    subject: str
    key: str
    goal: dict[str, Money]
    asks_first: bool


class PlannedTarget(BaseModel):
    system: str
    operation: str
    subject: str
    goal: dict[str, Money]
    standing: dict[str, Money]


class CostOut(BaseModel):
    """`cancelled_value`: net of tax, with the freight if nothing is left to be billed.
    `stays_value`: what has shipped, as invoiced, or net as long as it is not.
    `credit_given_back`, `authorisation_released`: of the claims on the customer's credit and card.
    """

    cancelled_value: Money
    stays_value: Money
    credit_given_back: Money
    authorisation_released: Money
    currency: str


class LineLeftOut(BaseModel):
    line: str
    cancelled: Amount
    stays: Amount


class RecallOut(BaseModel):
    """So much of each line a warehouse must let go of, and may refuse to."""

    source: str
    system: str
    lines: list[PartOut]
    may_refuse: Literal[True] = True


class Plan(BaseModel):
    """`next` can be done now, side by side; `targets` is what is to stand in the end.

    The rest is there with an intent: why the order would refuse it, what it costs (once there are
    prices), what becomes of each line, and which warehouses are asked.
    """

    next: list[PlannedStep]
    targets: list[PlannedTarget]
    refused: str | None = None
    cost: CostOut | None = None
    lines: list[LineLeftOut] | None = None
    recalls: list[RecallOut] | None = None


class AuditEntry(BaseModel):
    """A message as it was kept; `content` is a hash of what it said."""

    n: int
    source: str
    id: str
    kind: str
    body: dict[str, Any]
    content: str
    bytes: int | None
    outcome: dict[str, Any] | None
    correlation_id: str
    stored_at: datetime
    handed_at: datetime | None
    applied_at: datetime | None


class Audit(BaseModel):
    messages: list[AuditEntry]
    events: list[TimelineEntry]


@routes.get("/{order_id}/timeline", openapi_extra=READ)
async def show_timeline(order_id: OrderId, books: Books, caller: Caller) -> Page[TimelineEntry]:
    """What came in for the order and what happened, in one line of time."""
    await find_order(order_id, books, caller)
    messages = [
        TimelineEntry(
            type="message", at=row["stored_at"], text=_text(row), data=row["body"], **_said(row)
        )
        for row in await books.read_model.messages(order_id)
    ]
    entries = [*messages, *await _events(order_id, books)]
    return Page(items=sorted(entries, key=lambda entry: entry.at))


@routes.get("/{order_id}/plan", openapi_extra=READ)
async def show_plan(
    order_id: OrderId,
    books: Books,
    caller: Caller,
    intent: Annotated[Literal["cancel"] | None, Query(description="As if that came now.")] = None,
) -> Plan:
    """What is to be done next, or what would be if the order were cancelled now."""
    order = (await find_order(order_id, books, caller)).order
    meant: dict[str, Any] = {}
    if intent == "cancel":
        order, found = cancelling(order, datetime.now(UTC))
        meant = _meant(order, found)
    steps = [
        PlannedStep(
            operation=action.step,
            asks_first=action.ask,
            goal=show_goal(order, action.step, action.goal),
            **action.model_dump(include={"system", "subject", "key"}),
        )
        for action in plan(order)
    ]
    return Plan(
        next=steps,
        targets=[
            PlannedTarget(
                system=target.system,
                operation=target.step,
                subject=target.subject,
                goal=show_goal(order, target.step, target.goal),
                standing=show_goal(order, target.step, order.standing(target.step, target.subject)),
            )
            for target in targets(order).values()
        ],
        **meant,
    )


@routes.get("/{order_id}/audit", openapi_extra=READ)
async def show_audit(order_id: OrderId, books: Books, caller: Caller) -> Audit:
    """Every message kept for the order and every event told of it."""
    await find_order(order_id, books, caller)
    rows = await books.read_model.messages(order_id)
    return Audit(
        messages=[AuditEntry(**row) for row in rows], events=await _events(order_id, books)
    )


def _meant(order: Order, found: Cancelling) -> dict[str, Any]:
    assert order.header
    currency = order.header.currency
    amounts = {name: canonical(amount, currency) for name, amount in found.cost or ()}
    return {
        "refused": found.refused,
        "cost": CostOut(currency=currency, **amounts) if found.cost else None,
        "lines": [LineLeftOut(**line.model_dump()) for line in found.lines],
        "recalls": [
            RecallOut(source=each.source, system=each.system, lines=show_parts(each.lines))
            for each in found.recalls
        ],
    }


async def _events(order_id: str, books: Stores) -> list[TimelineEntry]:
    return [
        TimelineEntry(
            type="event",
            at=row["occurred_at"],
            text=happened(row["kind"], row["data"]),
            causation_id=row["causation_id"],
            data=row["data"],
            kind=row["kind"],
            id=row["id"],
            correlation_id=row["correlation_id"],
        )
        for row in await books.read_model.events(order_id)
    ]


def _text(row: dict[str, Any]) -> str:
    try:
        text = said(MESSAGE.validate_python(row["body"]))
    except ValidationError:
        text = str(row["kind"])  # kept by an earlier version, whose contract was another one
    refused = ended(row["outcome"])
    return f"{text} ({refused})" if refused else text


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("kind", "id", "correlation_id", "outcome")}

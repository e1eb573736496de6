"""Orders as channels send them, and what becomes of them without an engine."""

from datetime import UTC, datetime
from typing import Any

from psycopg_pool import AsyncConnectionPool

from adapters.postgres.records import Records
from domain.order import Entry, Order
from domain.plan import plan
from domain.settling import intend, settle
from tests.api.test_master_data import ADDRESS
from tests.domain.world import Outside

RUN, ENGINE = "run-1", "engine"
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)

MILESTONE = {
    "milestone_id": "M-1",
    "order_id": "unheard-of",
    "kind": "shipped",
    "occurred_at": "2026-03-01T10:00:00Z",
    "lines": [{"line": "1", "quantity": "2"}],
}
MOVEMENT = {
    "movement_id": "V-1",
    "kind": "receipt",
    "item": "BOLT-8",
    "location": "EAST",
    "quantity": "10",
    "occurred_at": "2026-03-01T10:00:00Z",
}


def an_order(**changes: Any) -> dict[str, Any]:
    return {
        "channel": "web",
        "reference": "PO-1",
        "customer": "ACME",
        "currency": "USD",
        "ship_to": ADDRESS,
        "lines": [{"item": "BOLT-8", "quantity": "5"}],
    } | changes


async def record(pool: AsyncConnectionPool, order: Order) -> None:
    """Record an order as its workflow would."""
    records = Records(pool)
    await records.claim_engine(ENGINE)
    order.revision += 1
    entry = Entry(order=order, run=RUN, engine=ENGINE, history_length=order.revision)
    await records.save(entry, taking_from=None)
    order.news.clear()
    order.outcomes.clear()


def go_on(order: Order, outside: Outside) -> None:
    """Do what there is to do, all of it well, until nothing is left."""
    while actions := plan(order):
        for action in actions:
            intend(order, action, NOW)
            settle(order, action.effect, outside.do(action, "done"), NOW)

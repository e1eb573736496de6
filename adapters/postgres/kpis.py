"""Key figures about orders and stock, measured from what is recorded when somebody asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg_pool import AsyncConnectionPool

MOST_ORDERS = 20_000
MOST_MOVEMENTS = 100_000
"""The newest so many are measured: an answer takes seconds at most."""

MEASURE = b"""
select measure_orders(%(since)s, %(until)s, %(channel)s, %(company)s, %(customer)s, %(orders)s),
       measure_backorders(%(channel)s, %(company)s, %(customer)s),
       case when %(filtered)s then spread_of('{}')
            else measure_stock(%(since)s, %(until)s, %(movements)s) end,
       count_dead_letters(%(since)s, %(until)s, %(channel)s, %(company)s, %(customer)s)
"""


@dataclass(frozen=True)
class Asked:
    """Orders placed from `since` on and before `until`; what is not given does not matter."""

    since: datetime
    until: datetime
    channel: str | None = None
    company: str | None = None
    customer: str | None = None

    @property
    def filtered(self) -> bool:
        return (self.channel, self.company, self.customer) != (None, None, None)


@dataclass(frozen=True)
class Spread:
    """Seconds of `count` cases: half took `median` at most, nine tenths `p90`; `None` of none."""

    count: int
    median: float | None
    p90: float | None


@dataclass(frozen=True)
class Share:
    """`part` of `whole`."""

    part: int
    whole: int


@dataclass(frozen=True)
class Failures:
    """Dead letters of one kind and reason; `open` are those nobody has decided about."""

    kind: str
    reason: str
    letters: int
    open: int


@dataclass(frozen=True)
class Measured:
    """`complete`: all orders that fit were measured, not only the newest `MOST_ORDERS`."""

    orders: int
    complete: bool
    by_status: Mapping[str, int]
    spreads: Mapping[str, Spread]
    shares: Mapping[str, Share]
    failures: list[Failures]


async def measure(
    pool: AsyncConnectionPool,
    asked: Asked,
    *,
    most_orders: int = MOST_ORDERS,
    most_movements: int = MOST_MOVEMENTS,
) -> Measured:
    """One statement. Stock belongs to no order's channel: it is measured without a filter only."""
    values = {
        **vars(asked),
        "filtered": asked.filtered,
        "orders": most_orders,
        "movements": most_movements,
    }
    async with pool.connection() as db:
        row = await (await db.execute(MEASURE, values)).fetchone()
    assert row is not None
    orders, backorders, stock, failures = row
    return Measured(
        orders=orders["orders"],
        complete=orders["complete"],
        by_status=orders["by_status"],
        spreads={
            **{name: _spread(found) for name, found in orders["spreads"].items()},
            "backorder_age": _spread(backorders),
            "inventory_sync_delay": _spread(stock),
        },
        shares={name: Share(*found) for name, found in orders["shares"].items()},
        failures=[Failures(**found) for found in failures],
    )


def _spread(found: Mapping[str, Any]) -> Spread:
    return Spread(found["count"], found["median"], found["p90"])

"""Everything the accounts compare, read once: our database, and the outside systems' own books."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

import httpx
import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.effect import Effect
from domain.order import Order
from stack.run_file import RunInfo

Entry = dict[str, Any]
_exactly = partial(json.loads, parse_float=Decimal)

ORDERS = """
select id, state::text, finished_at is not null,
       (select i.raw from inbox i where i.order_id = o.id and i.kind = 'placed' order by n limit 1)
from orders o order by number
"""


@dataclass(frozen=True)
class Difference:
    """Two books that should say the same, and what each says."""

    what: str
    expected: str
    found: str


@dataclass
class Account:
    """What one account looked at, and what did not agree."""

    name: str
    checked: int = 0
    differences: list[Difference] = field(default_factory=list)

    def compare(self, what: str, expected: object, found: object) -> None:
        self.checked += 1
        if expected != found:
            self.differences.append(Difference(what, _plain(expected), _plain(found)))


@dataclass(frozen=True)
class Kept:
    """An order as recorded, and as its channel sent it. `settled`: nothing is left to do for it."""

    order: Order
    settled: bool
    raw: bytes


@dataclass(frozen=True)
class Books:
    """`effects` are each outside system's own, in the order in which they happened."""

    database: Connection[TupleRow]
    orders: Mapping[str, Kept]
    effects: Mapping[str, list[Entry]]
    by_key: Mapping[str, list[Entry]]

    @property
    def settled(self) -> Iterator[Kept]:
        return (kept for kept in self.orders.values() if kept.settled)

    def standing(self, key: str) -> dict[str, Decimal]:
        """What stands under a key by its system's own book: quantities by line."""
        entries = self.by_key.get(key, [])
        return lines_of(entries[-1]) if entries else {}

    def amount(self, key: str) -> Decimal:
        """The same in money, in the order's currency."""
        entries = self.by_key.get(key, [])
        return Decimal(entries[-1].get("amount", 0)) if entries else Decimal(0)


@contextmanager
def open_books(info: RunInfo) -> Iterator[Books]:
    """Of the stack that runs here."""
    with psycopg.connect(str(info["database_url"]), autocommit=True) as database:
        effects = {name: _effects(url) for name, url in info["simulators"].items()}
        by_key: dict[str, list[Entry]] = {}
        for entries in effects.values():
            for entry in entries:
                by_key.setdefault(entry["key"], []).append(entry)
        yield Books(database, orders_in(database), effects, by_key)


def keys_of(order: Order, effect: Effect) -> list[str]:
    """Of all generations of an effect, the present one last: whatever a system still has under an
    earlier one stands beside it.
    """
    return [
        order.key(effect.model_copy(update={"generation": generation}))
        for generation in range(1, effect.generation + 1)
    ]


def lines_of(entry: Entry) -> dict[str, Decimal]:
    """The quantities by line of an effect."""
    return {line: Decimal(q) for line, q in (entry.get("lines") or {}).items() if Decimal(q)}


def _effects(url: str) -> list[Entry]:
    answer = httpx.get(f"{url}/_sim/effects", params={"key": ""}, timeout=30, trust_env=False)
    answer.raise_for_status()
    entries: list[Entry] = _exactly(answer.content)
    return entries


def orders_in(database: Connection[TupleRow]) -> dict[str, Kept]:
    """All orders, as they are recorded now."""
    return {
        identifier: Kept(
            Order.model_validate_json(state) if state else Order(id=identifier),
            settled,
            bytes(raw or b""),
        )
        for identifier, state, settled, raw in database.execute(ORDERS)
    }


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return (
            ", ".join(f"{name} {_plain(amount)}" for name, amount in sorted(value.items())) or "-"
        )
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)

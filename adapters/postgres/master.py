"""Master data: what we sell, to whom, from where and for how much."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Generic, Literal, TypeVar

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from adapters.crash import crash_point
from domain.base import Fact
from domain.catalog import CaptureFacts, Item, Location, Price
from domain.party import Company, Customer

Kind = Literal["company", "customer", "item", "location", "price"]
Outcome = Literal["created", "changed", "unchanged", "stale"]
T = TypeVar("T", bound=Fact)
Row = dict[str, Any]

ROWS_AT_ONCE = 1000

_exactly = partial(json.loads, parse_float=Decimal)
_PRICE_KEY = ("item", "customer", "price_list", "currency", "unit", "min_quantity", "valid_from")
_ID = {"id": "text"}
COLUMNS: Mapping[Kind, Mapping[str, str]] = {
    "company": _ID | dict.fromkeys(("name", "currency"), "text"),
    "customer": _ID
    | dict.fromkeys(("name", "currency", "payment_terms", "bill_to", "price_list"), "text")
    | {"credit_limit": "numeric", "address": "jsonb", "tax_exempt": "boolean"},
    "item": _ID
    | dict.fromkeys(("description", "unit", "currency", "price_unit", "tax_code"), "text")
    | dict.fromkeys(("price", "weight"), "numeric")
    | dict.fromkeys(("units", "kit"), "jsonb")
    | dict.fromkeys(("lot_controlled", "serial_controlled"), "boolean"),
    "location": _ID
    | dict.fromkeys(("name", "kind", "wms", "tms"), "text")
    | {"address": "jsonb", "safety_stock": "numeric", "active": "boolean"},
    "price": dict.fromkeys(("item", "customer", "price_list", "currency", "unit"), "text")
    | dict.fromkeys(("price", "min_quantity"), "numeric")
    | dict.fromkeys(("valid_from", "valid_to"), "date"),
}
"""What is given, with its type. (The tables themselves say it too, but bring all of SQLAlchemy into
every process that reads them; a test compares the two.)"""


@dataclass(frozen=True)
class Put:
    """What became of one row, and the version it has now (0 for `stale`)."""

    outcome: Outcome
    version: int


@dataclass(frozen=True)
class Kept(Generic[T]):
    """A record with its version."""

    record: T
    version: int


class MasterData:
    """All of it in PostgreSQL. Writing the same again changes nothing, not even the version."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def put_companies(self, *rows: Company, expected: int | None = None) -> list[Put]:
        return await self._put("company", rows, expected)

    async def put_customers(self, *rows: Customer, expected: int | None = None) -> list[Put]:
        return await self._put("customer", rows, expected)

    async def put_items(self, *rows: Item, expected: int | None = None) -> list[Put]:
        return await self._put("item", rows, expected)

    async def put_locations(self, *rows: Location, expected: int | None = None) -> list[Put]:
        return await self._put("location", rows, expected)

    async def put_prices(self, *rows: Price) -> list[Put]:
        return await self._put("price", rows, None)

    async def get_company(self, id: str) -> Kept[Company] | None:
        return await self._get("company", Company, id)

    async def get_customer(self, id: str) -> Kept[Customer] | None:
        return await self._get("customer", Customer, id)

    async def get_item(self, id: str) -> Kept[Item] | None:
        return await self._get("item", Item, id)

    async def get_location(self, id: str) -> Kept[Location] | None:
        return await self._get("location", Location, id)

    async def list_companies(self, after: str = "", limit: int = 100) -> list[Company]:
        return await self._list("company", Company, after, limit)

    async def list_customers(self, after: str = "", limit: int = 100) -> list[Customer]:
        return await self._list("customer", Customer, after, limit)

    async def list_items(self, after: str = "", limit: int = 100) -> list[Item]:
        return await self._list("item", Item, after, limit)

    async def list_locations(self, after: str = "", limit: int = 100) -> list[Location]:
        return await self._list("location", Location, after, limit)

    async def list_prices(self, after: int = 0, limit: int = 100) -> list[tuple[int, Price]]:
        """Prices with their row numbers, which is what `after` names."""
        rows = await self._read(_LIST_PRICES, (after, limit))
        return [(row["number"], Price.model_validate(row)) for row in rows]

    async def capture_facts(
        self, company: str | None, customer: str, items: Sequence[str]
    ) -> CaptureFacts:
        """All that capturing an order looks up, in one round trip."""
        async with self._pool.connection() as db:
            found = await db.execute(
                "select capture_facts(%s, %s, %s)::text", (company, customer, list(items))
            )
            row = await found.fetchone()
        assert row is not None
        return CaptureFacts.model_validate(_exactly(row[0]))

    async def _put(self, kind: Kind, rows: Sequence[Fact], expected: int | None) -> list[Put]:
        # One row per record: of several in one call the last wins, and all share its outcome.
        keyed = {_key(kind, row): row.model_dump(mode="json") for row in rows}
        given = list(keyed.values())
        put: list[Put] = []
        # Each statement well within the time one may take, on a busy server, too.
        for start in range(0, len(given), ROWS_AT_ONCE):
            put += await self._put_some(kind, given[start : start + ROWS_AT_ONCE], expected)
        outcomes = dict(zip(keyed, put, strict=True))
        return [outcomes[_key(kind, row)] for row in rows]

    async def _put_some(self, kind: Kind, given: Sequence[Row], expected: int | None) -> list[Put]:
        rows = Jsonb([{**row, "ordinal": n} for n, row in enumerate(given)])
        while True:
            put = await self._read(_PUT[kind], {"rows": rows, "expected": expected})
            crash_point("master")
            # Another writer's new row, made while this statement ran, can be seen by the next one.
            if all(row["version"] is not None for row in put):
                return [Put(row["outcome"], row["version"]) for row in put]

    async def _get(self, kind: Kind, shape: type[T], id: str) -> Kept[T] | None:
        rows = await self._read(_GET[kind], (id,))
        return Kept(shape.model_validate(rows[0]), rows[0]["version"]) if rows else None

    async def _list(self, kind: Kind, shape: type[T], after: str, limit: int) -> list[T]:
        rows = await self._read(_LIST[kind], (after, limit))
        return [shape.model_validate(row) for row in rows]

    async def _read(self, statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Row]:
        async with self._pool.connection() as db:
            cursor = db.cursor(row_factory=dict_row)
            return await (await cursor.execute(statement.encode(), values)).fetchall()


def _key(kind: Kind, row: Fact) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in (_PRICE_KEY if kind == "price" else ("id",)))


def _put_statement(kind: Kind) -> str:
    """Insert what is new, change what differs, and say per row which it was, in the given order.

    A row that somebody else changed in between is `stale` only for a caller who named a version.
    """
    columns = COLUMNS[kind]
    key = _PRICE_KEY if kind == "price" else ("id",)
    values = [name for name in columns if name not in key]
    same_key = " and ".join(f"{{0}}.{name} is not distinct from {{1}}.{name}" for name in key)

    def of(alias: str) -> str:
        return ", ".join(f"{alias}.{name}" for name in values)

    return f"""
    with given as materialized (
        select * from jsonb_to_recordset(%(rows)s)
            as given(ordinal int, {", ".join(f"{name} {type}" for name, type in columns.items())})),
    written as (
        insert into {kind} as t ({", ".join(columns)})
        select {", ".join(columns)} from given
        where %(expected)s::bigint is null
           or exists (select from {kind} c where {same_key.format("c", "given")})
        order by {", ".join(key)}
        on conflict ({", ".join(key)}) do update set
            {", ".join(f"{name} = excluded.{name}" for name in values)},
            version = t.version + 1, updated_at = now()
        where ({of("t")}) is distinct from ({of("excluded")})
          and (%(expected)s::bigint is null or t.version = %(expected)s)
        returning *, xmax = 0 as created)
    select
        case when w.version is not null and w.created then 'created'
             when w.version is not null then 'changed'
             when %(expected)s::bigint is null then 'unchanged'
             when o.version = %(expected)s and ({of("o")}) is not distinct from ({of("given")})
                 then 'unchanged'
             else 'stale' end as outcome,
        case when w.version is null and o.version is null and %(expected)s::bigint is not null
             then 0 else coalesce(w.version, o.version) end as version
    from given
    left join written w on {same_key.format("w", "given")}
    left join {kind} o on {same_key.format("o", "given")}
    order by ordinal
    """  # noqa: S608  # made of our own table and column names


_WITH_ID: tuple[Kind, ...] = ("company", "customer", "item", "location")
_PUT = {kind: _put_statement(kind) for kind in (*_WITH_ID, "price")}
_GET = {kind: f"select * from {kind} where id = %s" for kind in _WITH_ID}  # noqa: S608  # our own names
_LIST = {
    kind: f"select * from {kind} where id > %s order by id limit %s"  # noqa: S608  # our own names
    for kind in _WITH_ID
}
_LIST_PRICES = "select * from price where number > %s order by number limit %s"

"""Companies, customers, items, locations: written whole, read one by one or as lists."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Path, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.postgres.master import Kept, Put
from api.deps import AnyId, Books, IfMatch, OurCode
from api.paging import Cursor, Limit, Page, from_cursor, page
from api.problems import Broken, broken_rules, missing
from api.revisions import expected_revision, stale, to_etag
from api.routing import needs, router
from api.shapes import canonical_record
from domain.base import Fact
from domain.catalog import Item, ItemData, Location, LocationData, LocationKind, Price
from domain.party import Company, CompanyData, Customer, CustomerData

READ, WRITE = needs("master:read"), needs("master:write")
MOST_ROWS = 10_000

routes = router("", "master data")

T = TypeVar("T", bound=Fact)
R = TypeVar("R", Company, Customer, Item, Location)


class CompanyIn(CompanyData):
    model_config = ConfigDict(extra="forbid")


class CustomerIn(CustomerData):
    model_config = ConfigDict(extra="forbid")


class ItemIn(ItemData):
    model_config = ConfigDict(extra="forbid")


class LocationIn(LocationData):
    model_config = ConfigDict(extra="forbid")


class Written(BaseModel):
    """What became of it, and the revision it has now."""

    id: str
    outcome: Literal["created", "changed", "unchanged"]
    revision: int


CREATED: dict[int | str, dict[str, Any]] = {201: {"model": Written, "description": "It is new."}}
CodeInPath = Annotated[OurCode, Path()]
IdInPath = Annotated[AnyId, Path()]


@routes.put("/companies/{company_id}", openapi_extra=WRITE, responses=CREATED)
async def put_company(
    company_id: CodeInPath,
    company: CompanyIn,
    books: Books,
    response: Response,
    if_match: IfMatch = None,
) -> Written:
    record = Company(id=company_id, **dict(company))
    expected = expected_revision(if_match)
    (put,) = await books.master.put_companies(record, expected=expected)
    return _written(company_id, put, response)


@routes.get("/companies/{company_id}", openapi_extra=READ)
async def show_company(company_id: CodeInPath, books: Books, response: Response) -> Company:
    return _shown("company", company_id, await books.master.get_company(company_id), response)


@routes.get("/companies", openapi_extra=READ)
async def list_companies(books: Books, limit: Limit = 100, cursor: Cursor = None) -> Page[Company]:
    return await _listed(books.master.list_companies, limit, cursor)


@routes.put("/customers/{customer_id:path}", openapi_extra=WRITE, responses=CREATED)
async def put_customer(
    customer_id: IdInPath,
    customer: CustomerIn,
    books: Books,
    response: Response,
    if_match: IfMatch = None,
) -> Written:
    record = Customer(id=customer_id, **dict(customer))
    expected = expected_revision(if_match)
    (put,) = await books.master.put_customers(record, expected=expected)
    return _written(customer_id, put, response)


@routes.get("/customers/{customer_id:path}", openapi_extra=READ)
async def show_customer(customer_id: IdInPath, books: Books, response: Response) -> Customer:
    return _shown("customer", customer_id, await books.master.get_customer(customer_id), response)


@routes.get("/customers", openapi_extra=READ)
async def list_customers(books: Books, limit: Limit = 100, cursor: Cursor = None) -> Page[Customer]:
    return await _listed(books.master.list_customers, limit, cursor)


@routes.put("/items/{item_id:path}", openapi_extra=WRITE, responses=CREATED)
async def put_item(
    item_id: IdInPath,
    item: ItemIn,
    books: Books,
    response: Response,
    if_match: IfMatch = None,
) -> Written:
    record = Item(id=item_id, **dict(item))
    (put,) = await books.master.put_items(record, expected=expected_revision(if_match))
    return _written(item_id, put, response)


@routes.get("/items/{item_id:path}", openapi_extra=READ)
async def show_item(item_id: IdInPath, books: Books, response: Response) -> Item:
    return _shown("item", item_id, await books.master.get_item(item_id), response)


@routes.get("/items", openapi_extra=READ)
async def list_items(books: Books, limit: Limit = 100, cursor: Cursor = None) -> Page[Item]:
    return await _listed(books.master.list_items, limit, cursor)


@routes.put("/locations/{location_id}", openapi_extra=WRITE, responses=CREATED)
async def put_location(
    location_id: CodeInPath,
    location: LocationIn,
    books: Books,
    response: Response,
    if_match: IfMatch = None,
) -> Written:
    record = Location(id=location_id, **dict(location))
    expected = expected_revision(if_match)
    (put,) = await books.master.put_locations(record, expected=expected)
    return _written(location_id, put, response)


@routes.get("/locations/{location_id}", openapi_extra=READ)
async def show_location(location_id: CodeInPath, books: Books, response: Response) -> Location:
    return _shown("location", location_id, await books.master.get_location(location_id), response)


@routes.get("/locations", openapi_extra=READ)
async def list_locations(books: Books, limit: Limit = 100, cursor: Cursor = None) -> Page[Location]:
    return await _listed(books.master.list_locations, limit, cursor)


class MasterRows(BaseModel):
    """Rows of any kind, each `{"kind": "item", "id": …, …}` with what its `PUT` takes.

    A price row has no id. A location's own kind is the row's (`"kind": "warehouse"`), or stands in
    `location_kind` beside `"kind": "location"`.
    """

    model_config = ConfigDict(extra="forbid")

    rows: list[dict[str, object]] = Field(min_length=1, max_length=MOST_ROWS)


class RowResult(BaseModel):
    """What became of the row at place `row`; `refused` with the rules it broke."""

    row: int
    kind: str | None = None
    id: str | None = None
    outcome: Literal["created", "changed", "unchanged", "refused"]
    revision: int | None = None
    errors: list[Broken] = []


class RowResults(BaseModel):
    rows: list[RowResult]


class _CompanyRow(Company):
    model_config = ConfigDict(extra="forbid")


class _CustomerRow(Customer):
    model_config = ConfigDict(extra="forbid")


class _ItemRow(Item):
    model_config = ConfigDict(extra="forbid")


class _LocationRow(Location):
    model_config = ConfigDict(extra="forbid")


class _PriceRow(Price):
    model_config = ConfigDict(extra="forbid")


_ROWS: dict[str, type[Fact]] = {
    "company": _CompanyRow,
    "customer": _CustomerRow,
    "item": _ItemRow,
    "location": _LocationRow,
    "price": _PriceRow,
}
_LOCATION_KINDS = frozenset(LocationKind)


def _read(row: dict[str, object]) -> Fact:
    """The record a row stands for. Raises `ValidationError`, or `KeyError` for no such kind."""
    kind, rest = row.get("kind"), {name: value for name, value in row.items() if name != "kind"}
    if kind == "location":
        rest["kind"] = rest.pop("location_kind", LocationKind.WAREHOUSE)
    elif kind in _LOCATION_KINDS:
        kind, rest["kind"] = "location", kind
    return _ROWS[str(kind)].model_validate(rest)


@routes.post("/master-data", openapi_extra=WRITE)
async def put_rows(given: MasterRows, books: Books) -> RowResults:
    """Write many rows at once; each row is taken or refused by itself."""
    results: dict[int, RowResult] = {}
    rows: dict[int, Fact] = {}
    for n, row in enumerate(given.rows):
        try:
            rows[n] = _read(row)
        except ValidationError as wrong:
            results[n] = _refused(n, row, broken_rules(wrong.errors()))
        except KeyError:
            kinds = Broken(pointer="/kind", rule="kind", detail=f"one of {', '.join(_ROWS)}")
            results[n] = _refused(n, row, [kinds])

    async def put(kind: type[T], write: Callable[..., Awaitable[list[Put]]]) -> None:
        chosen = {n: row for n, row in rows.items() if isinstance(row, kind)}
        if not chosen:
            return
        for (n, row), done in zip(chosen.items(), await write(*chosen.values()), strict=True):
            assert done.outcome != "stale"
            results[n] = RowResult(
                row=n,
                kind=str(given.rows[n]["kind"]),
                id=getattr(row, "id", None),
                outcome=done.outcome,
                revision=done.version,
            )

    await put(_CompanyRow, books.master.put_companies)
    await put(_CustomerRow, books.master.put_customers)
    await put(_ItemRow, books.master.put_items)
    await put(_LocationRow, books.master.put_locations)
    await put(_PriceRow, books.master.put_prices)
    return RowResults(rows=[results[n] for n in range(len(given.rows))])


def _refused(n: int, row: dict[str, object], errors: list[Broken]) -> RowResult:
    kind, id = row.get("kind"), row.get("id")
    return RowResult(
        row=n,
        kind=kind if isinstance(kind, str) else None,
        id=id if isinstance(id, str) else None,
        outcome="refused",
        errors=[e.model_copy(update={"pointer": f"/rows/{n}{e.pointer}"}) for e in errors],
    )


def _written(id: str, put: Put, response: Response) -> Written:
    if put.outcome == "stale":
        raise stale()
    response.headers["ETag"] = to_etag(put.version)
    if put.outcome == "created":
        response.status_code = 201
    return Written(id=id, outcome=put.outcome, revision=put.version)


def _shown(what: str, id: str, kept: Kept[T] | None, response: Response) -> T:
    if kept is None:
        raise missing(what, id)
    response.headers["ETag"] = to_etag(kept.version)
    return canonical_record(kept.record)


async def _listed(
    read: Callable[[str, int], Awaitable[list[R]]], limit: int, cursor: str | None
) -> Page[R]:
    rows = await read(from_cursor(cursor, ""), limit + 1)
    return page([canonical_record(row) for row in rows], limit, lambda row: row.id)

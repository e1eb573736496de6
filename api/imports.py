"""Orders in a CSV file, for whoever types them: looked at first, then placed, each for itself."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Query
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, ValidationError

from adapters.channels.csv_orders import COLUMNS, Draft, Unreadable, Wrong, read_orders, shown
from adapters.postgres.access import Access
from adapters.postgres.known_orders import Known, KnownOrders
from api.deps import Books, Caller, OurCode, Raw, Stores
from api.guard import check_bound
from api.orders import CONFLICT, take_in
from api.problems import Broken, Problem, away, broken_rules
from api.routing import needs, router
from api.validation import FoundProblem, find_problems, foresee
from domain.errors import Unavailable
from domain.order_in import OrderIn

CHANNEL = "inside-sales"
MOST_SHOWN = 5_000
"""Errors that one answer lists; how many there are besides, it says."""
_IN_ONE_GO = 100
"""Errors that `broken_rules` tells of at once."""

_ABOUT = {CONFLICT: "reference", "not_your_customer": "customer"}
_FOUND_IN = {
    "unknown_customer": "customer",
    "currency_mismatch": "currency",
    "unknown_item": "item",
    "unknown_unit": "unit",
    "no_price": "item",
    "price_mismatch": "price",
    "suspected_duplicate": "reference",
}
"""The column each reason is about."""
_Status = Literal["ready", "placed", "existing", "conflict", "rejected"]

log = logging.getLogger(__name__)

routes = router("/orders", "orders")

_FILE: dict[str, Any] = {
    "schema": {"type": "string", "description": f"Columns: {', '.join(COLUMNS)}."},
    "example": (
        "reference,customer,currency,ship_to_line1,ship_to_city,ship_to_region,"
        "ship_to_postal_code,ship_to_country,item,quantity\r\n"
        "PHONE-17,ACME,USD,1 Mill Road,Dayton,OH,45402,US,BOLT-8,5\r\n"
        "PHONE-17,,,,,,,,NUT-8,20\r\n"
    ),
}
CSV: dict[str, Any] = {
    **needs("orders:write"),
    "requestBody": {
        "required": True,
        "description": "UTF-8, a header, then a row per order line; commas or semicolons.",
        "content": {"text/csv": _FILE, "text/plain": _FILE},
    },
}


class CellProblem(BaseModel):
    """A rule that a cell breaks, or a row, or the order that begins there (no column)."""

    line: int
    column: str | None = None
    rule: str
    detail: str


class Finding(BaseModel):
    """What the order would be held for, and where in the file that is."""

    line: int
    column: str | None = None
    reason: str
    scope: str
    detail: str


class ImportedOrder(BaseModel):
    """`line` is where its first row is, `lines` how many it has.

    `ready` would be placed; `placed` is; `existing` was placed before with the same content;
    `conflict`: there is another of this channel and reference; `rejected`: see `problems`.
    """

    reference: str
    line: int
    lines: int
    status: _Status
    order_id: str | None = None
    link: str | None = None
    duplicate_of: str | None = None
    problems: list[CellProblem] = []
    held_for: list[Finding] = []


class Imported(BaseModel):
    """`counts` is by status. `problems_left_out`: too many to list."""

    committed: bool
    channel: str
    counts: dict[str, int]
    orders: list[ImportedOrder]
    problems_left_out: int = 0


@dataclass
class _Read:
    """What became of the rows of one reference: an order, unless something is wrong."""

    draft: Draft
    raw: bytes
    order: OrderIn | None
    wrong: list[Wrong]

    def told(self, status: _Status, *why: Wrong, **more: Any) -> ImportedOrder:
        order_id = more.get("order_id")
        return ImportedOrder(
            reference=shown(self.draft.reference),
            line=self.draft.rows[0].line,
            lines=len(self.draft.rows),
            status=status,
            link=f"/v1/orders/{order_id}" if order_id else None,
            problems=[CellProblem(**vars(wrong)) for wrong in (*self.wrong, *why)],
            **more,
        )

    def at(self, column: str | None, rule: str, detail: str) -> Wrong:
        return Wrong(self.draft.rows[0].line, column, rule, detail)


@routes.post(
    "/imports",
    openapi_extra=CSV,
    responses={200: {"description": "Every order of the file, and what becomes of each of them."}},
)
async def import_orders(
    books: Books,
    caller: Caller,
    raw: Raw,
    commit: Annotated[bool, Query(description="Place them; else nothing is kept.")] = False,
    channel: Annotated[
        OurCode | None, Query(description=f"`{CHANNEL}`, unless the key is bound to another.")
    ] = None,
) -> Imported:
    """Orders from a CSV file. What is wrong with one keeps none of the others from being placed."""
    channel = channel or caller.channel or CHANNEL
    check_bound(caller, "channel", channel)
    try:
        # Beside the loop: a large file takes a second, and others ask meanwhile.
        found = await asyncio.to_thread(_read_file, raw, channel)
    except Unreadable as why:
        raise _unreadable(why) from None
    orders: list[ImportedOrder] = []
    try:
        async for order in (_placed if commit else _looked_at)(found, books, caller):
            orders.append(order)
    except (OperationalError, PoolTimeout, Unavailable) as error:
        log.warning("answered 503: %s: %s", type(error).__name__, error)
        problem = away()
        done = [order.model_dump(exclude={"problems", "held_for"}) for order in orders]
        problem.extra = {"orders": done} if commit else {}
        raise problem from None
    return _answer(commit, channel, orders)


def _read_file(raw: bytes, channel: str) -> list[_Read]:
    return [_read(draft, channel) for draft in read_orders(raw)]


def _read(draft: Draft, channel: str) -> _Read:
    """The order a draft says; its errors those of an order as JSON, told by line and column."""
    document = draft.document(channel)
    order, wrong = None, list(draft.wrong)
    if draft.reference:
        try:
            order = OrderIn.model_validate(document)
        except ValidationError as invalid:
            wrong += _in_the_file(draft, invalid)
    raw = json.dumps(document, ensure_ascii=False).encode()
    return _Read(draft, raw, None if wrong else order, wrong)


def _in_the_file(draft: Draft, invalid: ValidationError) -> list[Wrong]:
    errors = [
        error
        for error in invalid.errors(include_url=False, include_input=False, include_context=False)
        # A list is also called too short when what is in it was wrong; ours has a row at least.
        if error["type"] != "too_short"
    ]
    return [
        Wrong(*draft.place(broken.pointer, broken.rule), broken.rule, broken.detail or "")
        for start in range(0, len(errors), _IN_ONE_GO)
        for broken in broken_rules(errors[start : start + _IN_ONE_GO])
    ]


async def _placed(
    found: Sequence[_Read], books: Stores, caller: Access
) -> AsyncIterator[ImportedOrder]:
    """One after the other, as the file has them: of two that are alike, the second is named so."""
    for each in found:
        if each.order is None:
            yield each.told("rejected")
            continue
        try:
            status, accepted = await take_in(
                each.order, books, owner=caller, raw=each.raw, idempotency_key=None
            )
        except Problem as refused:
            why = each.at(_ABOUT.get(refused.rule), refused.rule, refused.detail)
            became: _Status = "conflict" if refused.rule == CONFLICT else "rejected"
            yield each.told(became, why, order_id=refused.extra.get("order_id"))
        else:
            yield each.told(
                "existing" if status == 200 else "placed",
                order_id=accepted.id,
                duplicate_of=accepted.duplicate_of,
            )


async def _looked_at(
    found: Sequence[_Read], books: Stores, caller: Access
) -> AsyncIterator[ImportedOrder]:
    """What placing them would find, and what they would then be held for. Nothing is kept."""
    orders = [each.order for each in found if each.order is not None]
    known = iter(await KnownOrders(books.pool).find(orders))
    firsts: dict[str, str] = {}
    for each in found:
        if each.order is None:
            yield each.told("rejected")
        else:
            yield await _look_at(each, each.order, next(known), firsts, books, caller)


async def _look_at(
    each: _Read, order: OrderIn, known: Known, firsts: dict[str, str], books: Stores, caller: Access
) -> ImportedOrder:
    """`firsts` are the references before it in the file, by what makes orders alike."""
    try:
        check_bound(caller, "customer", order.customer)
    except Problem as refused:
        return each.told("rejected", each.at("customer", refused.rule, refused.detail))
    # One that is there already is none of those that would be placed.
    first = order.reference if known.order_id else firsts.setdefault(known.alike, order.reference)
    foreseen = await foresee(known, books, caller, first if first != order.reference else "")
    if foreseen.status == "existing":
        return each.told("existing", order_id=foreseen.order_id)
    if foreseen.status == "conflict":
        why = [each.at("reference", found.reason, found.detail) for found in foreseen.problems]
        return each.told("conflict", *why, order_id=foreseen.order_id)
    problems = await find_problems(order, books) + foreseen.problems
    return each.told(
        "ready",
        duplicate_of=foreseen.duplicate_of,
        held_for=[_finding(each.draft, one) for one in problems],
    )


def _finding(draft: Draft, problem: FoundProblem) -> Finding:
    of, _, number = problem.scope.partition("/")
    line = draft.line_of(number) if of == "line" else draft.rows[0].line
    return Finding(line=line, column=_FOUND_IN.get(problem.reason), **problem.model_dump())


def _answer(commit: bool, channel: str, orders: list[ImportedOrder]) -> Imported:
    """With as many errors as one may read, those of the first rows."""
    room = MOST_SHOWN
    left_out = 0
    for order in orders:
        for listed in (order.problems, order.held_for):
            left_out += max(0, len(listed) - room)
            del listed[room:]
            room -= len(listed)
    return Imported(
        committed=commit,
        channel=channel,
        counts=dict(Counter(order.status for order in orders)),
        orders=orders,
        problems_left_out=left_out,
    )


def _unreadable(why: Unreadable) -> Problem:
    errors = [
        Broken(rule=wrong.rule, detail=f"line {wrong.line}: {wrong.detail}") for wrong in why.wrong
    ]
    if errors[0].rule == "unparsable":
        return Problem(400, "unparsable", errors[0].detail or "", errors=errors)
    return Problem(422, "unreadable_file", errors[0].detail or "", errors=errors)

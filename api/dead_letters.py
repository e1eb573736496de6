"""What nobody could use: looked at, sent on its way again, or put away."""

import base64
import hashlib
from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from adapters.notify.resend import KIND as WEBHOOK
from adapters.notify.resend import resend
from adapters.postgres.access import Access
from adapters.postgres.dead_letters import DeadLetter
from adapters.postgres.ledger import Movement
from api.body import parse, read_as
from api.channels import read_native
from api.deps import AnyId, Books, Caller, Stores
from api.inventory import MovementIn
from api.orders import take_in
from api.paging import Cursor, Limit, Page, foreign_cursor, from_place, page
from api.problems import Problem, missing
from api.routing import needs, router
from api.warehouses import SOURCE as WAREHOUSE
from api.warehouses import MilestoneIn
from domain.order_in import OrderIn

READ, WRITE = needs("deadletters:read"), needs("deadletters:write")
_TOLD_ITS_GOODS = {"unknown_order", "unreadable", "not_understood"}

routes = router("/dead-letters", "dead letters")

LetterId = Annotated[str, Path(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=600)]


class DeadLetterOut(BaseModel):
    """`body` as it came: text, or base64 where it is none."""

    id: str
    kind: str
    source: str
    reason: str
    detail: dict[str, Any]
    body: str | None
    body_encoding: str
    created_at: datetime
    resolved_at: datetime | None
    resolution: str

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        body, encoding = letter.body or b"", "utf-8"
        try:
            text = body.decode()
        except UnicodeDecodeError:
            text, encoding = base64.b64encode(body).decode(), "base64"
        return cls(**vars(letter) | {"body": text, "body_encoding": encoding})


class Resubmission(BaseModel):
    """`body` is sent instead of the original when it is given."""

    model_config = ConfigDict(extra="forbid")

    body: dict[str, Any] | None = None


class Dismissal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: str = Field("", max_length=500)


class Resubmitted(BaseModel):
    """`result` is what the message was answered now."""

    id: str
    result: dict[str, Any]


@routes.get("", openapi_extra=READ)
async def list_dead_letters(
    books: Books,
    kind: Annotated[AnyId | None, Query()] = None,
    reason: Annotated[AnyId | None, Query()] = None,
    resolved: Annotated[bool | None, Query(description="Also, or only, those decided.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[DeadLetterOut]:
    """Those nobody has decided about, the newest first."""
    place = from_place(cursor, "infinity", "")
    before = (_moment(place[0]), place[1])
    rows = await books.dead_letters.page(
        kind=kind,
        reason=reason,
        open=None if resolved is None else not resolved,
        before=before,
        limit=limit + 1,
    )
    shown = page(rows, limit, lambda letter: [letter.created_at.isoformat(), letter.id])
    return Page(items=[DeadLetterOut.of(letter) for letter in shown.items], next=shown.next)


@routes.post(
    "/{letter_id:path}/resubmission",
    status_code=202,
    openapi_extra=WRITE,
    responses={409: {"description": "It is decided already, or still cannot be used."}},
)
async def resubmit(
    letter_id: LetterId, asked: Resubmission, request: Request, books: Books, caller: Caller
) -> Resubmitted:
    """Send it on its way again, corrected or as it is; resolved when it is taken this time."""
    letter = await _open(letter_id, books)
    result = await _send_again(letter, asked.body, request, books, caller)
    await books.dead_letters.resolve(letter.id, f"resubmitted by {caller.name}")
    return Resubmitted(id=letter.id, result=result)


@routes.post(
    "/{letter_id:path}/dismissal",
    openapi_extra=WRITE,
    responses={409: {"description": "It is decided already."}},
)
async def dismiss(
    letter_id: LetterId, asked: Dismissal, books: Books, caller: Caller
) -> DeadLetterOut:
    """Put it away for good; it is kept."""
    await _open(letter_id, books)
    await books.dead_letters.resolve(letter_id, f"dismissed by {caller.name}: {asked.note}")
    letter = await books.dead_letters.get(letter_id)
    assert letter
    return DeadLetterOut.of(letter)


@routes.get("/{letter_id:path}", openapi_extra=READ)
async def show_dead_letter(letter_id: LetterId, books: Books) -> DeadLetterOut:
    """It, whole."""
    letter = await books.dead_letters.get(letter_id)
    if letter is None:
        raise missing("dead_letter", letter_id)
    return DeadLetterOut.of(letter)


async def _open(letter_id: str, books: Stores) -> DeadLetter:
    letter = await books.dead_letters.get(letter_id)
    if letter is None:
        raise missing("dead_letter", letter_id)
    if letter.resolved_at is not None:
        raise Problem(409, "already_resolved", letter.resolution)
    return letter


async def _send_again(
    letter: DeadLetter,
    corrected: dict[str, Any] | None,
    request: Request,
    books: Stores,
    caller: Access,
) -> dict[str, Any]:
    if letter.kind == WEBHOOK:
        outcome = await resend(letter, books.dead_letters, books.subscriptions, books.sender)
        if outcome.error:
            raise Problem(409, "undeliverable", outcome.error)
        return {"outcome": "delivered"}
    raw = letter.body or b""
    document = parse(raw) if corrected is None else corrected
    match letter.kind:
        case "order":
            order = read_as(OrderIn, document)
        case "native_order":
            order = read_native(request, letter.source.partition("/")[2], document)
        case "milestone":
            told = read_as(MilestoneIn, document)
            goods_told = corrected is None and letter.reason in _TOLD_ITS_GOODS
            place = letter.source.removeprefix(WAREHOUSE)
            message = told.message(place, id=_again(told.milestone_id, letter))
            stored = await books.inbox.store(
                told.order_id,
                message,
                source=f"{WAREHOUSE}{place}",
                raw=raw,
                goods_told=goods_told,
            )
            return {"outcome": stored.outcome, "order_id": told.order_id}
        case "movement":
            moved = read_as(MovementIn, document)
            again = {**dict(moved), "movement_id": _again(moved.movement_id, letter)}
            booked = await books.ledger.book_movement(
                Movement(**again), source=f"{WAREHOUSE}{moved.location}"
            )
            return {"outcome": booked}
        case _:
            detail = f"A {letter.kind} is not sent again from here: ask for it anew, dismiss this."
            raise Problem(409, "not_resubmittable", detail)
    owner = Access(id=caller.id, name=caller.name, scopes=caller.scopes)
    _, accepted = await take_in(order, books, owner=owner, raw=raw, idempotency_key=None)
    return accepted.model_dump()


def _again(id: str, letter: DeadLetter) -> str:
    """A new id for a message whose own is taken: the same for every attempt at this letter."""
    return f"{id[:100]}~{hashlib.sha256(letter.id.encode()).hexdigest()[:12]}"


def _moment(text: str) -> str:
    """Raises `Problem` for a place no cursor of ours names."""
    try:
        return text if text == "infinity" else datetime.fromisoformat(text).isoformat()
    except ValueError:
        raise foreign_cursor() from None

"""A command on its way to its order: kept as a message, answered by what the order makes of it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_OID, uuid4, uuid5

from fastapi import Depends, Response
from pydantic import BaseModel, ConfigDict

from adapters.postgres.access import Access
from adapters.postgres.read_model import CommandRow, SeenOrder
from api.deps import Books, Caller, IfMatch, Raw, Stores
from api.edge import correlation_id
from api.orders import IdempotencyKey, find_order
from api.problems import Problem, missing
from api.revisions import expected_revision, stale
from api.waiting import Prefer, seconds_to_wait, wait_for
from domain.message import Message
from domain.order_in import LineNumber, Quantity

SOURCE = "command"


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LineQuantity(Asked):
    line: LineNumber
    quantity: Quantity


class Command(BaseModel):
    """`waiting` until its order has taken it in; then `done`, or `refused` for a reason."""

    id: str
    order_id: str
    kind: str
    status: Literal["waiting", "done", "refused"]
    reason: str = ""
    detail: str = ""
    stored_at: datetime | None = None
    applied_at: datetime | None = None


DONE: dict[int | str, dict[str, Any]] = {
    200: {"model": Command, "description": "What became of it, under `Prefer: wait`."}
}


class Sender:
    """Sends one request's command; a key sent again sends the same command again."""

    def __init__(
        self,
        books: Books,
        caller: Caller,
        raw: Raw,
        response: Response,
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
        prefer: Prefer = None,
    ) -> None:
        self.books, self.caller = books, caller
        self._raw, self._response = raw, response
        self._key, self._if_match, self._prefer = idempotency_key, if_match, prefer

    async def find(self, order_id: str) -> SeenOrder:
        """Raises `Problem`: 404 for an order that is not there."""
        return await find_order(order_id, self.books, self.caller)

    def signed(self, about: str) -> dict[str, Any]:
        """What every message says of its sender; `about` is what the request was sent to."""
        return {
            "id": _command_id(self.caller, about, self._key),
            "correlation_id": correlation_id.get(),
            "by": self.caller.name,
        }

    async def send(self, order_id: str, message: Message) -> Command:
        """Raises `Problem`: 404; 422 for an Idempotency-Key that came with another body; 412 for
        an order that went on, or will by a command that came first.
        """
        # A key that is known is answered as before, whatever became of the order since.
        stored = await self.books.inbox.store_command(
            order_id,
            message,
            source=SOURCE,
            raw=self._raw,
            revision=expected_revision(self._if_match),
        )
        match stored.outcome:
            case "unknown_order":
                raise missing("order", order_id)
            case "conflict":
                detail = "This Idempotency-Key came with another body before."
                raise Problem(422, "idempotency_key_reused", detail)
            case "stale":
                raise stale("It was changed since, or a command that came first will change it.")
        self._response.headers["Location"] = f"/v1/commands/{message.id}"
        return await self._outcome(order_id, message)

    async def _outcome(self, order_id: str, message: Message) -> Command:
        seconds = seconds_to_wait(self._prefer)
        if seconds:
            self._response.headers["Preference-Applied"] = f"wait={seconds:.0f}"
            if done := await wait_for(seconds, lambda: _applied(self.books, message.id)):
                self._response.status_code = 200
                return done
        return Command(id=message.id, order_id=order_id, kind=message.kind, status="waiting")


Sending = Annotated[Sender, Depends()]


def by_line(lines: Sequence[LineQuantity]) -> dict[LineNumber, Decimal]:
    """Raises `Problem` (422) for a line that is named twice."""
    found = {line.line: line.quantity for line in lines}
    if len(found) != len(lines):
        raise Problem(422, "repeated_line", "A line is named twice.", pointer="/lines")
    return found


def show_sent(row: CommandRow) -> Command:
    outcome = row.outcome or {}
    return Command(
        id=row.id,
        order_id=row.order_id,
        kind=row.kind,
        status=outcome.get("status", "done") if row.applied_at else "waiting",
        reason=outcome.get("reason", ""),
        detail=outcome.get("detail", ""),
        stored_at=row.stored_at,
        applied_at=row.applied_at,
    )


async def _applied(books: Stores, command_id: str) -> Command | None:
    row = await books.read_model.command(SOURCE, command_id)
    return show_sent(row) if row and row.applied_at else None


def _command_id(caller: Access, about: str, idempotency_key: str | None) -> str:
    """The same for every attempt that has the same Idempotency-Key."""
    if idempotency_key is None:
        return uuid4().hex
    return uuid5(NAMESPACE_OID, f"{caller.id}/{about}/{idempotency_key}").hex

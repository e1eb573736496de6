"""What support asks of one order from Temporal's own pages: the same commands as the API's."""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from domain.base import Fact
from domain.message import (
    RETURN_DAYS,
    Amended,
    CancelRequested,
    HoldPlaced,
    HoldReleased,
    QuoteAccepted,
    ReplanAsked,
    RetryAsked,
    ReturnAuthorised,
)

Command = Annotated[
    CancelRequested
    | Amended
    | QuoteAccepted
    | ReturnAuthorised
    | RetryAsked
    | ReplanAsked
    | HoldPlaced
    | HoldReleased,
    Field(discriminator="kind"),
]
"""Money is not among them: to grant credit or note a payment takes a scope of its own."""
_COMMAND: TypeAdapter[Command] = TypeAdapter(Command)
_LONGEST = 2000


class Asked(Fact):
    """`body` is whatever was typed; `id` names the request for ever."""

    order_id: str
    id: str
    body: Any = None


class Kept(Fact):
    """What became of a request, for whoever reads the history."""

    did: str


class NoCommand(Exception):
    """The request asks for nothing that an order understands; says which field and rule."""


def command_of(asked: Asked) -> Command:
    """Raises `NoCommand`. Somebody must say that it was him: `by` is not optional here."""
    if not isinstance(asked.body, dict):
        raise NoCommand("a JSON object with a kind is expected")
    told = {**asked.body, "id": asked.id, "n": 0}
    if told.get("kind") == "return":
        told.setdefault("days", RETURN_DAYS)
    if isinstance(told.get("edit"), dict):
        told["edit"] = {**told["edit"], "kind": "amend", "id": asked.id}
    try:
        command = _COMMAND.validate_python(told)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        where = "/".join(map(str, first["loc"]))
        raise NoCommand(f"{where}: {first['msg']}"[:_LONGEST]) from None
    if not command.by.strip():
        raise NoCommand("by: say who you are")
    return command

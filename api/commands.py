"""What people ask of an order before it has left: cancel, amend, accept a quote."""

from datetime import date
from typing import Annotated, Self

from fastapi import Path
from pydantic import Field, model_validator

from api.deps import AnyId, Books, Caller
from api.orders import READ, WRITE, OrderId, find_order
from api.problems import missing
from api.routing import router
from api.sending import (
    DONE,
    SOURCE,
    Asked,
    Command,
    LineQuantity,
    Sender,
    Sending,
    by_line,
    show_sent,
)
from domain.message import Amended, CancelRequested, QuoteAccepted
from domain.order_in import MOST_BYTES, MOST_LINES, LineIn
from domain.party import Address

routes = router("", "commands")


class Cancellation(Asked):
    """Of these lines this much; without lines, all that has not left."""

    reason: str = Field("", max_length=200)
    lines: list[LineQuantity] = Field(default_factory=list, max_length=1000)


class Amendment(Asked):
    """`lines` shall be of these quantities, lines be added, and the rest be so: at least one of it.

    The address can change until a warehouse has it; `valid_until` is for quotes.
    """

    lines: list[LineQuantity] = Field(default_factory=list, max_length=1000)
    add: list[LineIn] = Field(default_factory=list, max_length=MOST_LINES)
    ship_to: Address | None = None
    ship_not_before: date | None = None
    cancel_after: date | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_dump(exclude_defaults=True):
            raise ValueError("nothing to amend: name lines, lines to add, an address or a day")
        return self

    @model_validator(mode="after")
    def _added_once(self) -> Self:
        named = [line.line for line in self.add if line.line]
        if len(set(named)) != len(named):
            raise ValueError("line numbers must be unique")
        return self

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if len(self.model_dump_json().encode()) > MOST_BYTES:
            raise ValueError(f"amendment too large: at most {MOST_BYTES} bytes as JSON")
        return self


class Acceptance(Asked):
    """The quote is taken as it is."""


@routes.post(
    "/orders/{order_id}/cancellation", status_code=202, openapi_extra=WRITE, responses=DONE
)
async def cancel_order(
    order_id: OrderId, sender: Sending, asked: Cancellation | None = None
) -> Command:
    """Cancel what has not left."""
    await sender.find(order_id)
    asked = asked or Cancellation()
    message = CancelRequested(
        lines=by_line(asked.lines), reason=asked.reason, **sender.signed(order_id)
    )
    return await sender.send(order_id, message)


@routes.post("/orders/{order_id}/amendments", status_code=202, openapi_extra=WRITE, responses=DONE)
async def amend_order(order_id: OrderId, asked: Amendment, sender: Sending) -> Command:
    """Change quantities, add lines, move days, correct the address."""
    await sender.find(order_id)
    return await sender.send(order_id, amended(asked, order_id, sender))


@routes.post(
    "/orders/{order_id}/quote/acceptance", status_code=202, openapi_extra=WRITE, responses=DONE
)
async def accept_quote(
    order_id: OrderId, sender: Sending, asked: Acceptance | None = None
) -> Command:
    """Make a quote an order."""
    await sender.find(order_id)
    return await sender.send(order_id, QuoteAccepted(**sender.signed(order_id)))


@routes.get("/commands/{command_id}", openapi_extra=READ)
async def show_command(
    command_id: Annotated[AnyId, Path()], books: Books, caller: Caller
) -> Command:
    """What became of a command."""
    row = await books.read_model.command(SOURCE, command_id)
    if row is None:
        raise missing("command", command_id)
    await find_order(row.order_id, books, caller)
    return show_sent(row)


def amended(asked: Amendment, about: str, sender: Sender) -> Amended:
    """The amendment as a message. Raises `Problem` (422) for a line that is named twice."""
    return Amended(
        lines=by_line(asked.lines),
        add=tuple(asked.add),
        ship_to=asked.ship_to,
        ship_not_before=asked.ship_not_before,
        cancel_after=asked.cancel_after,
        valid_until=asked.valid_until,
        **sender.signed(about),
    )

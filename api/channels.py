"""Orders in a channel's own words, by its own signature or by a key."""

import hashlib
from typing import Annotated, Any, Literal

from fastapi import Path, Request, Response
from pydantic import BaseModel

from adapters.channels.port import Ignored, NativeChannel, Unmappable
from api.deps import Books, Caller, OurCode, Raw, Stores
from api.edge import correlation_id
from api.guard import check_bound
from api.orders import OrderAccepted, take_in
from api.problems import Problem, missing
from api.routing import needs_or_signature, router
from domain.order_in import OrderIn

routes = router("/channels", "channels")


class ChannelAnswer(BaseModel):
    """`accepted` as an order; `ignored` by a rule; `kept`, because no order can be made of it."""

    outcome: Literal["accepted", "ignored", "kept"]
    order: OrderAccepted | None = None
    rule: str | None = None
    dead_letter: str | None = None


NATIVE: dict[str, Any] = {
    **needs_or_signature("channels:write"),
    "requestBody": {
        "required": True,
        "description": "As the channel sends it.",
        "content": {"application/json": {"schema": {}}},
    },
}


@routes.post(
    "/{channel}/orders",
    status_code=202,
    openapi_extra=NATIVE,
    responses={
        200: {"model": ChannelAnswer, "description": "It had come before, or is ignored."},
        409: {"description": "Its reference came before with another content."},
    },
)
async def accept_native_order(
    channel: Annotated[OurCode, Path()],
    request: Request,
    books: Books,
    caller: Caller,
    raw: Raw,
    response: Response,
) -> ChannelAnswer:
    """Take in what a channel sends. Whatever is the channel's is kept, if only as a dead letter."""
    native: NativeChannel | None = request.app.state.channels.get(channel)
    if native is None:
        raise missing("channel", channel)
    check_bound(caller, "channel", channel)
    document = await request.json()
    try:
        read = native.read(document, request.headers)
    except Unmappable as why:
        return await _keep(channel, why, books, raw)
    if isinstance(read, Ignored):
        response.status_code = 200
        return ChannelAnswer(outcome="ignored", rule=read.rule)
    message_id = native.message_id(request.headers)
    status, accepted = await take_in(
        read,
        books,
        owner=caller.model_copy(update={"id": f"channel/{channel}"}),
        raw=raw,
        idempotency_key=message_id,
    )
    response.status_code = status
    response.headers["Location"] = f"/v1/orders/{accepted.id}"
    return ChannelAnswer(outcome="accepted", order=accepted)


def read_native(request: Request, channel: str, document: object) -> OrderIn:
    """The order in a document of that channel. Raises `Problem`: 404, 422."""
    native: NativeChannel | None = request.app.state.channels.get(channel)
    if native is None:
        raise missing("channel", channel)
    try:
        read = native.read(document, {})
    except Unmappable as why:
        raise Problem(422, why.rule, why.detail) from None
    if isinstance(read, Ignored):
        raise Problem(422, read.rule, "There is no order in it.")
    return read


async def _keep(channel: str, why: Unmappable, books: Stores, raw: bytes) -> ChannelAnswer:
    id = f"channel/{channel}/{hashlib.sha256(raw).hexdigest()[:32]}"
    await books.dead_letters.add(
        id,
        kind="native_order",
        source=f"channel/{channel}",
        reason=why.rule,
        detail={"detail": why.detail, "correlation_id": correlation_id.get()},
        body=raw,
    )
    return ChannelAnswer(outcome="kept", rule=why.rule, dead_letter=id)

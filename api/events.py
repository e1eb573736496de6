"""The event log, read from a cursor; and who is told of it by webhook."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import uuid4

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from adapters.notify.cloudevents import cloud_event
from adapters.notify.guard import ForbiddenUrl
from adapters.notify.webhook import BadSecret, check_secret, new_secret
from adapters.postgres.subscriptions import Subscription
from api.deps import AnyId, Books, OurCode, Stores
from api.paging import Cursor, Limit, Page, from_cursor, page
from api.problems import Broken, Problem, missing
from api.routing import needs, router

READ, WRITE = needs("events:read"), needs("subscriptions:write")

routes = router("", "events")

Kind = Annotated[str, Field(pattern=r"^throughline\.[a-z_]+\.[a-z_]+\.v[0-9]+$", max_length=100)]
Subject = Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]


class CloudEvent(BaseModel):
    """CloudEvents 1.0; `position` is its place in the log."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str
    position: int
    correlationid: str | None = None
    causationid: str | None = None
    data: dict[str, Any]


class NewSubscription(BaseModel):
    """Tell `url` of events of these kinds and subjects (all, unless given), signed with `secret`.

    `after` is the position behind which to begin; from now on, when it is not given.
    """

    model_config = ConfigDict(extra="forbid")

    id: OurCode | None = None
    url: str = Field(max_length=2000, pattern=r"^https?://[!-~]+$")
    secret: str | None = Field(None, pattern=r"^whsec_[A-Za-z0-9+/]{32,100}={0,2}$")
    kinds: list[Kind] = Field(default_factory=list, max_length=50)
    subject_prefix: Subject = ""
    after: int | None = Field(None, ge=0, lt=2**62)


class SubscriptionChange(BaseModel):
    """What is not given stays as it is."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(None, max_length=2000, pattern=r"^https?://[!-~]+$")
    kinds: list[Kind] | None = Field(None, max_length=50)
    subject_prefix: Subject | None = None
    state: Literal["active", "paused"] | None = None


class Replay(BaseModel):
    """Tell it all again from position `from` on."""

    model_config = ConfigDict(extra="forbid")

    from_: int = Field(alias="from", ge=0, lt=2**62)


class SubscriptionOut(BaseModel):
    """`cursor`: everything up to that position has been told."""

    id: str
    url: str
    kinds: list[str]
    subject_prefix: str
    state: str
    cursor: int
    attempts: int
    failing_since: datetime | None
    next_at: datetime | None
    last_error: str
    created_at: datetime

    @classmethod
    def of(cls, known: Subscription) -> Self:
        return cls.model_validate({name: getattr(known, name) for name in cls.model_fields})


class SubscriptionMade(SubscriptionOut):
    """`secret` is shown this once."""

    secret: str


@routes.get("/events", openapi_extra=READ)
async def list_events(
    books: Books,
    after: Annotated[int, Query(ge=0, lt=2**62, description="A position.")] = 0,
    subject: Annotated[Subject | None, Query()] = None,
    subject_prefix: Annotated[Subject, Query()] = "",
    kind: Annotated[list[Kind] | None, Query(max_length=50)] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[CloudEvent]:
    """Events behind a position, in order. Who has seen position n has seen all there is up to n."""
    rows = await books.events.read(
        from_cursor(cursor, after),
        limit + 1,
        subject=subject,
        subject_prefix=subject_prefix,
        kinds=kind or (),
    )
    shown = page(rows, limit, lambda event: event.position)
    items = [CloudEvent.model_validate(cloud_event(event)) for event in shown.items]
    return Page(items=items, next=shown.next)


@routes.get("/subscriptions", openapi_extra=WRITE)
async def list_subscriptions(
    books: Books, limit: Limit = 100, cursor: Cursor = None
) -> Page[SubscriptionOut]:
    """Who is told, and how far that has come."""
    rows = await books.subscriptions.page(from_cursor(cursor, ""), limit + 1)
    shown = page(rows, limit, lambda known: known.id)
    return Page(items=[SubscriptionOut.of(known) for known in shown.items], next=shown.next)


@routes.post(
    "/subscriptions",
    status_code=201,
    openapi_extra=WRITE,
    responses={409: {"description": "There is one of this id."}},
)
async def subscribe(wanted: NewSubscription, books: Books, response: Response) -> SubscriptionMade:
    """Be told of events by webhook, signed as Standard Webhooks says."""
    _check_url(wanted.url, books)
    if wanted.secret is not None:
        _check_secret(wanted.secret)
    id = wanted.id or uuid4().hex
    secret = wanted.secret or new_secret()
    made = await books.subscriptions.create(
        id,
        wanted.url,
        secret,
        kinds=wanted.kinds,
        subject_prefix=wanted.subject_prefix,
        after=wanted.after,
    )
    if made is None:
        raise Problem(409, "subscription_exists", f"There is a subscription {id!r}.", pointer="/id")
    response.headers["Location"] = f"/v1/subscriptions/{id}"
    return SubscriptionMade(secret=secret, **dict(SubscriptionOut.of(made)))


@routes.get("/subscriptions/{subscription_id}", openapi_extra=WRITE)
async def show_subscription(
    subscription_id: Annotated[AnyId, Path()], books: Books
) -> SubscriptionOut:
    """How far it has come."""
    return _shown(subscription_id, await books.subscriptions.get(subscription_id))


@routes.patch("/subscriptions/{subscription_id}", openapi_extra=WRITE)
async def change_subscription(
    subscription_id: Annotated[AnyId, Path()], change: SubscriptionChange, books: Books
) -> SubscriptionOut:
    """Change where it goes or what it wants, pause it, let it go on."""
    values = change.model_dump(exclude_none=True)
    if change.url is not None:
        _check_url(change.url, books)
    if not values:
        return _shown(subscription_id, await books.subscriptions.get(subscription_id))
    return _shown(subscription_id, await books.subscriptions.change(subscription_id, **values))


@routes.delete("/subscriptions/{subscription_id}", status_code=204, openapi_extra=WRITE)
async def unsubscribe(subscription_id: Annotated[AnyId, Path()], books: Books) -> None:
    """Be told no more."""
    if not await books.subscriptions.remove(subscription_id):
        raise missing("subscription", subscription_id)


@routes.post("/subscriptions/{subscription_id}/replay", status_code=202, openapi_extra=WRITE)
async def replay(
    subscription_id: Annotated[AnyId, Path()], wanted: Replay, books: Books
) -> SubscriptionOut:
    """Be told again all from a position on."""
    known = await books.subscriptions.replay(subscription_id, wanted.from_)
    return _shown(subscription_id, known)


def _shown(id: str, known: Subscription | None) -> SubscriptionOut:
    if known is None:
        raise missing("subscription", id)
    return SubscriptionOut.of(known)


def _check_url(url: str, books: Stores) -> None:
    """Raises `Problem` for a place where no webhook may go; one that has no address yet may be."""
    try:
        books.addresses.check(url)
    except ForbiddenUrl as wrong:
        broken = Broken(pointer="/url", rule="forbidden_url", detail=str(wrong))
        raise Problem(422, "forbidden_url", str(wrong), errors=[broken]) from None


def _check_secret(secret: str) -> None:
    """Raises `Problem` for one that nothing can be signed with."""
    try:
        check_secret(secret)
    except BadSecret as wrong:
        raise Problem(422, "bad_secret", str(wrong), pointer="/secret") from None

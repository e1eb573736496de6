"""API keys: made by an administrator, shown once."""

from typing import Annotated
from uuid import uuid4

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, field_validator

from adapters.postgres.access import SCOPES, Access, new_key
from api.deps import AnyId, Books, OurCode
from api.paging import Page
from api.problems import missing
from api.routing import needs, router
from domain.party import Name

routes = router("/keys", "keys")


class NewKey(BaseModel):
    """What the key may do, and whose business it is bound to."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    scopes: frozenset[str] = Field(min_length=1)
    warehouse: OurCode | None = None
    channel: OurCode | None = None
    customer: AnyId | None = None
    requests_per_second: int | None = Field(None, ge=1, le=1_000_000)

    @field_validator("scopes")
    @classmethod
    def _known(cls, scopes: frozenset[str]) -> frozenset[str]:
        if unknown := sorted(scopes - SCOPES):
            raise ValueError(f"unknown scope: {unknown[0][:40]}")
        return scopes


class MadeKey(BaseModel):
    """`key` is shown this once and cannot be read again."""

    id: str
    key: str


@routes.post("", status_code=201, openapi_extra=needs("admin"))
async def make_key(wanted: NewKey, books: Books) -> MadeKey:
    """Make a key."""
    key, id = new_key(), uuid4().hex
    await books.keys.store(key, Access(id=id, **wanted.model_dump()))
    return MadeKey(id=id, key=key)


@routes.get("", openapi_extra=needs("admin"))
async def list_keys(books: Books) -> Page[Access]:
    """The keys that work."""
    return Page(items=await books.keys.list())


@routes.delete("/{key_id}", status_code=204, openapi_extra=needs("admin"))
async def revoke_key(key_id: Annotated[AnyId, Path()], books: Books) -> None:
    """Revoke a key. It may work for some seconds yet."""
    if not await books.keys.revoke(key_id):
        raise missing("key", key_id)

"""What routes may ask for."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.access import Access, AccessKeys
from adapters.postgres.master import MasterData
from adapters.pricing.port import Pricing
from domain.base import Id
from domain.order_in import Code


@dataclass(frozen=True)
class Stores:
    """Everything the API reads from and writes to."""

    pool: AsyncConnectionPool
    keys: AccessKeys
    master: MasterData
    pricing: Pricing


async def _stores(request: Request) -> Stores:
    stores: Stores = request.app.state.stores
    return stores


async def _access(request: Request) -> Access:
    access: Access = request.state.access
    return access


async def _raw(request: Request) -> bytes:
    return await request.body()


Books = Annotated[Stores, Depends(_stores)]
Caller = Annotated[Access, Depends(_access)]
"""Who is asking, as the guard found out."""
Raw = Annotated[bytes, Depends(_raw)]
"""The body as it came."""
IfMatch = Annotated[str | None, Header(description="Change only this revision.")]
OurCode = Code
AnyId = Id

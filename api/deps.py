"""What routes may ask for."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Header, Request
from psycopg_pool import AsyncConnectionPool

from adapters.config import Settings
from adapters.notify.client import WebhookClient
from adapters.notify.guard import AddressGuard
from adapters.notify.webhook import WebhookSender
from adapters.postgres.access import Access, AccessKeys
from adapters.postgres.counts import Counts
from adapters.postgres.dead_letters import DeadLetters
from adapters.postgres.events import EventLog
from adapters.postgres.inbox import Inbox
from adapters.postgres.ledger import Ledger
from adapters.postgres.master import MasterData
from adapters.postgres.read_model import ReadModel
from adapters.postgres.subscriptions import Subscriptions
from adapters.pricing.contract_prices import ContractPrices
from adapters.pricing.port import Pricing
from domain.base import Id
from domain.order_in import Code
from domain.patience import Patience


@dataclass(frozen=True)
class Stores:
    """Everything the API reads from and writes to."""

    pool: AsyncConnectionPool
    keys: AccessKeys
    master: MasterData
    pricing: Pricing
    inbox: Inbox
    ledger: Ledger
    counts: Counts
    read_model: ReadModel
    events: EventLog
    subscriptions: Subscriptions
    dead_letters: DeadLetters
    addresses: AddressGuard
    sender: WebhookSender
    patience: Patience


def stores_on(
    pool: AsyncConnectionPool, *, allow_private: bool = False, patience: Patience | None = None
) -> Stores:
    """All stores on one pool. `allow_private`: webhooks may go to addresses that are not public.
    `patience` is that of orders placed here.
    """
    addresses = AddressGuard(allow_private=allow_private)
    return Stores(
        pool=pool,
        keys=AccessKeys(pool),
        master=MasterData(pool),
        pricing=ContractPrices(pool),
        inbox=Inbox(pool),
        ledger=Ledger(pool),
        counts=Counts(pool),
        read_model=ReadModel(pool),
        events=EventLog(pool),
        subscriptions=Subscriptions(pool),
        dead_letters=DeadLetters(pool),
        addresses=addresses,
        sender=WebhookSender(WebhookClient(addresses)),
        patience=patience or Patience(),
    )


async def _stores(request: Request) -> Stores:
    stores: Stores = request.app.state.stores
    return stores


async def _access(request: Request) -> Access:
    access: Access = request.state.access
    return access


async def _temporal_ui(request: Request) -> str:
    settings: Settings = request.app.state.settings
    return f"{settings.temporal_ui_url}/namespaces/{quote(settings.temporal_namespace, safe='')}"


async def _raw(request: Request) -> bytes:
    return await request.body()


Books = Annotated[Stores, Depends(_stores)]
Caller = Annotated[Access, Depends(_access)]
"""Who is asking, as the guard found out."""
Raw = Annotated[bytes, Depends(_raw)]
"""The body as it came."""
UiUrl = Annotated[str, Depends(_temporal_ui)]
"""Where Temporal's own pages of our namespace are."""
IfMatch = Annotated[str | None, Header(description="Change only this revision.")]
OurCode = Code
AnyId = Id

"""Everything outside, opened and closed together; and whose adapter speaks to which system.

To add a vendor: write its adapter file, and give it a line in its capability's table below.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from psycopg_pool import AsyncConnectionPool

from adapters.config import MissingSetting, Settings
from adapters.erp.northwind import Northwind
from adapters.erp.port import Erp
from adapters.gate import Gate
from adapters.http import SystemClient, open_system
from adapters.payment.port import Payment
from adapters.payment.stripe import Stripe
from adapters.postgres.events import EventLog
from adapters.postgres.inbox import Inbox
from adapters.postgres.ledger import Ledger
from adapters.postgres.master import MasterData
from adapters.postgres.meter import Meter
from adapters.postgres.meter import Systems as Meters
from adapters.postgres.pool import open_pool
from adapters.postgres.records import Records
from adapters.postgres.waiting import Waiting
from adapters.pricing.contract_prices import ContractPrices
from adapters.pricing.port import Pricing
from adapters.tax.avatax import AvaTax
from adapters.tax.port import Tax
from adapters.tms.easypost import EasyPost
from adapters.tms.port import Tms
from adapters.wms.port import Wms
from adapters.wms.stockyard import Stockyard
from domain.capture import Routing

T = TypeVar("T")
Vendors = Mapping[str, Callable[[SystemClient], T]]

ERP: Vendors[Erp] = {"northwind": Northwind}
WMS: Vendors[Wms] = {"stockyard": Stockyard}
TMS: Vendors[Tms] = {"easypost": EasyPost}
TAX: Vendors[Tax] = {"avatax": AvaTax}
PAYMENT: Vendors[Payment] = {"stripe": Stripe}
VENDORS: Mapping[str, Vendors[Any]] = {
    "erp": ERP,
    "wms": WMS,
    "tms": TMS,
    "tax": TAX,
    "payment": PAYMENT,
}


@dataclass(frozen=True)
class Systems:
    """The outside systems by instance name, per capability."""

    erp: Mapping[str, Erp] = field(default_factory=dict)
    wms: Mapping[str, Wms] = field(default_factory=dict)
    tms: Mapping[str, Tms] = field(default_factory=dict)
    tax: Mapping[str, Tax] = field(default_factory=dict)
    payment: Mapping[str, Payment] = field(default_factory=dict)

    @property
    def instances(self) -> dict[str, list[str]]:
        """The names of the instances, by capability."""
        return {
            "erp": list(self.erp),
            "wms": list(self.wms),
            "tms": list(self.tms),
            "tax": list(self.tax),
            "payment": list(self.payment),
        }

    @property
    def names(self) -> list[str]:
        return [name for names in self.instances.values() for name in names]

    @property
    def routing(self) -> Routing:
        """The first instance of each capability serves what master data does not route."""
        single = {"erp": self.erp, "tax": self.tax, "payment": self.payment}
        return Routing(
            systems={
                capability: next(iter(found)) for capability, found in single.items() if found
            },
            wms=next(iter(self.wms), ""),
            tms=next(iter(self.tms), ""),
            every_tms=tuple(self.tms),
        )


@dataclass(frozen=True)
class Books:
    """Everything that is kept in our own database."""

    pool: AsyncConnectionPool
    inbox: Inbox
    records: Records
    ledger: Ledger
    master: MasterData
    pricing: Pricing
    waiting: Waiting
    events: EventLog


@dataclass(frozen=True)
class Adapters:
    books: Books
    systems: Systems


def books_in(pool: AsyncConnectionPool) -> Books:
    return Books(
        pool=pool,
        inbox=Inbox(pool),
        records=Records(pool),
        ledger=Ledger(pool),
        master=MasterData(pool),
        pricing=ContractPrices(pool),
        waiting=Waiting(pool),
        events=EventLog(pool),
    )


@asynccontextmanager
async def open_adapters(settings: Settings) -> AsyncIterator[Adapters]:
    """Everything the settings name, until the end of the block."""
    async with AsyncExitStack() as opened:
        pool = await opened.enter_async_context(open_pool(settings.database_url, max_size=20))
        systems = await opened.enter_async_context(
            open_systems(settings, lambda name: Meter(pool, name))
        )
        meters = Meters(pool)
        for capability, names in systems.instances.items():
            for name in names:
                vendor = vendor_of(settings, name, VENDORS[capability])
                await meters.register(name, capability, vendor)
        yield Adapters(books=books_in(pool), systems=systems)


@asynccontextmanager
async def open_systems(
    settings: Settings, gate: Callable[[str], Gate] | None = None
) -> AsyncIterator[Systems]:
    """The outside systems that have a URL. `gate` makes what stands before each of them.

    An instance belongs to the capability its name begins with, and is spoken to by the adapter its
    settings name, else by the first of its capability. Raises `MissingSetting` for one unknown.
    """
    async with AsyncExitStack() as opened:

        async def instances(capability: str, vendors: Vendors[T]) -> dict[str, T]:
            found = {}
            for name, url in sorted(settings.systems.items()):
                if name == capability or name.startswith(f"{capability}-"):
                    vendor = vendor_of(settings, name, vendors)
                    key = settings.credentials.get(name, "")
                    opening = open_system(name, url, gate=gate(name) if gate else None, key=key)
                    found[name] = vendors[vendor](await opened.enter_async_context(opening))
            return found

        yield Systems(
            erp=await instances("erp", ERP),
            wms=await instances("wms", WMS),
            tms=await instances("tms", TMS),
            tax=await instances("tax", TAX),
            payment=await instances("payment", PAYMENT),
        )


def vendor_of(settings: Settings, name: str, vendors: Vendors[T]) -> str:
    """Whose adapter speaks to this instance. Raises `MissingSetting`."""
    vendor = settings.vendors.get(name, next(iter(vendors)))
    if vendor not in vendors:
        known = ", ".join(vendors)
        raise MissingSetting(f"{name}: no adapter for vendor {vendor!r} (there are: {known})")
    return vendor

"""The whole system around one order: what it is told, and what must be true at the end."""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import httpx
from psycopg_pool import AsyncConnectionPool
from temporalio.client import Client

from adapters.config import Settings
from adapters.crash import VARIABLE
from adapters.handover import Handover
from adapters.memory import Partner
from adapters.postgres.ledger import Movement, MovementKind
from adapters.postgres.pool import open_pool
from adapters.registry import Adapters, books_in, open_systems
from adapters.temporal import Engine, connect
from domain.catalog import Item, Location, LocationKind
from domain.message import (
    Amended,
    CancelRequested,
    CreditGranted,
    CreditReason,
    HoldPlaced,
    HoldReleased,
    Message,
    Milestone,
    MilestoneKind,
    MilestoneLine,
    PaymentReceived,
    Placed,
    QuoteAccepted,
    ReplanAsked,
    RetryAsked,
    ReturnAuthorised,
)
from domain.order_in import LineIn, OrderIn
from domain.party import Address, Company, Customer
from domain.patience import Patience
from stack.places import ROOT
from tests.meanwhile import meanwhile
from tests.workflows.looking import Looking
from tests.workflows.partners import MemorySystems
from worker import create_workers, loops, working

HOME = Address(line1="1 Main St", city="Denver", region="CO", postal_code="80202", country="US")
EAST, WEST = "EAST", "WEST"
ACME = Customer(
    id="ACME",
    name="Acme",
    currency="USD",
    credit_limit=Decimal(5000),
    payment_terms="NET30",
    address=HOME,
)
BOLT, NUT = (
    Item(id=name.upper(), description=name, unit="EA", currency="USD", price=Decimal(10))
    for name in ("Bolt", "Nut")
)

BLOCK = b"lock table dead_letter in access exclusive mode"
"""Every record looks whether there is something to write there; nothing else does."""
QUICK = Patience(retry=timedelta(milliseconds=50))
"""What is tried again is tried again soon."""


@dataclass
class World(Looking):
    address: str
    database: str
    client: Client
    adapters: Adapters
    queue: str
    order: str
    memory: MemorySystems | None = None
    simulators: Mapping[str, str] = field(default_factory=dict)
    patience: Patience = QUICK
    slow: float = 1
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    """All workers that were started in processes of their own."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        address: str,
        database: str,
        simulators: Mapping[str, str] | None = None,
        *,
        name: str = "",
        carriers: Sequence[str] = ("tms-1",),
    ) -> AsyncIterator[Self]:
        """With partners in memory, these carriers among them, or with the simulators at these
        URLs.
        """
        async with AsyncExitStack() as opened:
            pool: AsyncConnectionPool = await opened.enter_async_context(open_pool(database))
            memory = None if simulators else MemorySystems(carriers)
            if memory:
                systems = memory.systems()
            else:
                settings = Settings(systems=simulators or {})
                systems = await opened.enter_async_context(open_systems(settings))
            name = name or uuid.uuid4().hex[:10]
            adapters = Adapters(books=books_in(pool), systems=systems)
            client = await connect(address)
            world = cls(address, database, client, adapters, name, name, memory, simulators or {})
            opened.push_async_callback(world.end_processes)
            await world.fill()
            yield world

    async def fill(self) -> None:
        """A small company: two items, one at each of two warehouses, one customer."""
        books = self.adapters.books
        await books.records.claim_engine(await self.engine.namespace_id())
        await books.master.put_companies(Company(id="MAIN", name="Main", currency="USD"))
        await books.master.put_customers(ACME)
        await books.master.put_items(BOLT, NUT)
        for name, wms in ((EAST, "wms-east"), (WEST, "wms-west")):
            await books.master.put_locations(
                Location(
                    id=name,
                    name=name,
                    kind=LocationKind.WAREHOUSE,
                    wms=wms,
                    tms="tms-1",
                    address=HOME,
                )
            )
        await self.receive("BOLT", EAST, 100)
        await self.receive("NUT", WEST, 100)

    # running it

    @property
    def engine(self) -> Engine:
        return Engine(self.client, self.queue)

    @asynccontextmanager
    async def worker(
        self, *, cached: int = 1000, again_after: timedelta = timedelta(seconds=1)
    ) -> AsyncIterator[None]:
        """A worker in this process."""
        workers = create_workers(self.client, self.adapters, self.queue, cached=cached)
        for worker in workers:
            worker._config["graceful_shutdown_timeout"] = timedelta(seconds=0)
        async with working(workers, loops(self.adapters, self.engine, again_after=again_after)):
            yield

    async def worker_process(
        self, crash_at: str = "", *, output: int | None = None, tree: Path = ROOT
    ) -> asyncio.subprocess.Process:
        """A worker in its own process, with the code in `tree`; it dies where it is told to."""
        settings = {
            "TEMPORAL_ADDRESS": self.address,
            "DATABASE_URL": self.database,
            "TASK_QUEUE": self.queue,
            "THROUGHLINE_AGAIN_AFTER": "1",
            **{
                f"THROUGHLINE_{name.upper().replace('-', '_')}_URL": url
                for name, url in self.simulators.items()
            },
            **({VARIABLE: crash_at} if crash_at else {}),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "worker.py",
            env={**os.environ, **settings},
            cwd=tree,
            stdout=output,
            stderr=output and asyncio.subprocess.STDOUT,
        )
        self.processes.append(process)
        return process

    async def end_processes(self) -> None:
        """A test that failed has left its workers."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()

    @asynccontextmanager
    async def without_records(self) -> AsyncIterator[None]:
        """None is made, of any order, until the block ends."""
        async with self.adapters.books.pool.connection() as db, db.transaction():
            await db.execute(BLOCK)
            yield

    async def hand_over(self) -> None:
        """Give all that waits to the engine, as another worker's loop would."""
        handover = Handover(
            self.adapters.books.pool,
            self.adapters.books.inbox,
            self.adapters.books.records,
            self.engine,
        )
        async with meanwhile(handover.run()), asyncio.timeout(30):
            while await self.sql(
                "select 1 from inbox where handed_at is null and applied_at is null"
            ):
                await asyncio.sleep(0.02)

    def partner(self, name: str) -> Partner:
        """One of those in memory, to make its days bad."""
        assert self.memory
        return self.memory.partners[name]

    async def strike(self, name: str, fault: str, *, seconds: float) -> None:
        """For so long, all that this order wants of a simulator goes wrong."""
        wanted = {"fault": fault, "match": {"key": f"{self.order}/*"}, "seconds": seconds}
        async with httpx.AsyncClient(trust_env=False) as web:
            answer = await web.post(f"{self.simulators[name]}/_sim/faults", json=wanted)
            assert answer.is_success, answer.text

    def let_go(self, source: str, line: str, kept: int) -> None:
        """A warehouse in memory no longer has what was released to it."""
        assert self.memory
        releases = self.memory.wms[f"wms-{source.lower()}"].releases
        releases.let_go(f"{self.order}/release/{source}/1", {line: Decimal(kept)})

    # telling it

    def an_order(self, **changes: Any) -> OrderIn:
        said: dict[str, Any] = {
            "channel": "test",
            "reference": self.order,
            "customer": "ACME",
            "currency": "USD",
            "ship_to": HOME,
            "lines": (
                LineIn(line="1", item="BOLT", quantity=Decimal(5)),
                LineIn(line="2", item="NUT", quantity=Decimal(3)),
            ),
        }
        return OrderIn.model_validate(said | changes)

    async def place(self, *, patience: Mapping[str, Any] | None = None, **changes: Any) -> None:
        """Two lines, unless said otherwise; quick to try again."""
        wait = self.patience.model_copy(update=dict(patience or {}))
        placed = Placed(id=self.id("placed"), order=self.an_order(**changes), patience=wait)
        accepted = await self.adapters.books.inbox.accept_order(
            self.order, placed, raw=placed.model_dump_json().encode(), source="test"
        )
        assert accepted.outcome in ("accepted", "same")

    async def cancel(self, lines: Mapping[str, int] | None = None, *, name: str = "") -> None:
        """What has not left: of these lines so much, or all of it."""
        wanted = {number: Decimal(quantity) for number, quantity in (lines or {}).items()}
        await self.say(CancelRequested(id=self.id(f"cancel{name}"), lines=wanted, by="test"))

    async def amend(
        self, lines: Mapping[str, int] | None = None, name: str = "", **said: Any
    ) -> None:
        await self.say(self.amendment(lines, name, **said))

    def amendment(
        self, lines: Mapping[str, int] | None = None, name: str = "", **said: Any
    ) -> Amended:
        wanted = {number: Decimal(quantity) for number, quantity in (lines or {}).items()}
        return Amended(id=self.id(f"amend{name}"), lines=wanted, by="test", **said)

    async def accept(self) -> None:
        """The quote, as it is."""
        await self.say(QuoteAccepted(id=self.id("accept"), by="test"))

    async def authorise_return(self, lines: Mapping[str, int], **said: Any) -> None:
        wanted = {number: Decimal(quantity) for number, quantity in lines.items()}
        await self.say(ReturnAuthorised(id=self.id("return"), lines=wanted, by="test", **said))

    async def grant(self, reason: str, lines: Mapping[str, int], **said: Any) -> None:
        """Credit without goods."""
        wanted = {number: Decimal(quantity) for number, quantity in lines.items()}
        why = CreditReason(reason)
        await self.say(
            CreditGranted(id=self.id("credit"), reason=why, lines=wanted, by="test", **said)
        )

    async def pay(self, receipt: str, amount: Decimal) -> None:
        await self.say(
            PaymentReceived(id=self.id(receipt), receipt=receipt, amount=amount, by="test")
        )

    async def retry(self) -> None:
        await self.say(RetryAsked(id=self.id("retry"), by="test"))

    async def replan(self) -> None:
        await self.say(ReplanAsked(id=self.id("replan"), by="test"))

    async def hold(self, scope: str = "order", **said: Any) -> None:
        await self.say(HoldPlaced(id=self.id(f"hold-{scope}"), scope=scope, by="test", **said))

    async def release(self, hold: str, **said: Any) -> None:
        await self.say(HoldReleased(id=f"release-{hold}", hold=hold, by="test", **said))

    async def say(self, message: Message, source: str = "test") -> str:
        raw = message.model_dump_json().encode()
        stored = await self.adapters.books.inbox.store(self.order, message, source=source, raw=raw)
        return stored.outcome

    async def tell(
        self,
        kind: str,
        source: str,
        lines: Mapping[str, int | Decimal],
        name: str = "",
        after: timedelta = timedelta(),
        **said: Any,
    ) -> str:
        """A milestone of a warehouse, which happens so long after now."""
        return await self.say(
            Milestone(
                id=self.id(f"{kind}-{source}{name}"),
                milestone=MilestoneKind(kind),
                source=source,
                occurred_at=datetime.now(UTC) + after,
                lines=tuple(MilestoneLine(line=n, quantity=q) for n, q in lines.items()),
                **said,
            ),
            source=f"warehouse/{source}",
        )

    async def ship(self, source: str, name: str = "", quantity: int | None = None) -> None:
        line, usual = ("1", 5) if source == EAST else ("2", 3)
        await self.tell("shipped", source, {line: quantity or usual}, name)

    async def receive(self, item: str, location: str, quantity: int) -> None:
        await self.move("receipt", item, location, quantity)

    async def move(
        self, kind: MovementKind, item: str, location: str, quantity: int, document: str = ""
    ) -> str:
        """A movement from a stock feed."""
        return await self.adapters.books.ledger.book_movement(
            Movement(
                movement_id=uuid.uuid4().hex,
                kind=kind,
                item=item,
                location=location,
                quantity=Decimal(quantity),
                document=document or None,
                occurred_at=datetime.now(UTC),
            ),
            source="test",
        )

    def id(self, name: str) -> str:
        return f"{self.order}-{name}"

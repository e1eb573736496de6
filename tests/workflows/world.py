"""The whole system around one order: what it is told, and what must be true at the end."""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from psycopg_pool import AsyncConnectionPool
from temporalio.client import Client, WorkflowHandle

from adapters.config import Settings
from adapters.crash import VARIABLE
from adapters.erp.memory import MemoryErp
from adapters.handover import Handover
from adapters.memory import Partner
from adapters.payment.memory import MemoryPayment
from adapters.postgres.ledger import Movement
from adapters.postgres.pool import open_pool
from adapters.registry import Adapters, Systems, books_in, open_systems
from adapters.tax.memory import MemoryTax
from adapters.temporal import Engine, connect
from adapters.tms.memory import MemoryTms
from adapters.wms.memory import MemoryWms
from domain.catalog import Item, Location, LocationKind
from domain.message import Message, Milestone, MilestoneKind, MilestoneLine, Placed
from domain.order import Order, workflow_id
from domain.order_in import LineIn, OrderIn, PaymentIn
from domain.party import Address, Company, Customer
from domain.patience import Patience
from domain.status import order_status
from stack.places import ROOT
from worker import create_workers, loops, working

HOME = Address(line1="1 Main St", city="Denver", region="CO", postal_code="80202", country="US")
EAST, WEST = "EAST", "WEST"


class MemorySystems:
    """Every partner in this process, with the books they keep."""

    def __init__(self) -> None:
        self.erp = MemoryErp("erp")
        self.wms = {name: MemoryWms(name) for name in ("wms-east", "wms-west")}
        self.tms = MemoryTms("tms-1")
        self.tax = MemoryTax("tax")
        self.payment = MemoryPayment("payment")

    def systems(self) -> Systems:
        return Systems(
            erp={"erp": self.erp},
            wms=self.wms,
            tms={"tms-1": self.tms},
            tax={"tax": self.tax},
            payment={"payment": self.payment},
        )

    @property
    def partners(self) -> dict[str, Partner]:
        each = [self.erp, *self.wms.values(), self.tms, self.tax, self.payment]
        return {one.partner.system: one.partner for one in each}


@dataclass
class World:
    address: str
    database: str
    client: Client
    adapters: Adapters
    queue: str
    order: str
    memory: MemorySystems | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, address: str, database: str, simulators: Mapping[str, str] | None = None
    ) -> AsyncIterator[Self]:
        """With partners in memory, or with the simulators at these URLs."""
        async with AsyncExitStack() as opened:
            pool: AsyncConnectionPool = await opened.enter_async_context(open_pool(database))
            memory = None if simulators else MemorySystems()
            if memory:
                systems = memory.systems()
            else:
                settings = Settings(systems=simulators or {})
                systems = await opened.enter_async_context(open_systems(settings))
            name = uuid.uuid4().hex[:10]
            adapters = Adapters(books=books_in(pool), systems=systems)
            world = cls(address, database, await connect(address), adapters, name, name, memory)
            world.environment = {
                f"THROUGHLINE_{n.upper().replace('-', '_')}_URL": url
                for n, url in (simulators or {}).items()
            }
            await world.fill()
            yield world

    async def fill(self) -> None:
        """A small company: two items, one at each of two warehouses, one customer."""
        books = self.adapters.books
        await books.records.claim_engine(await self.engine.namespace_id())
        await books.master.put_companies(Company(id="MAIN", name="Main", currency="USD"))
        await books.master.put_customers(
            Customer(
                id="ACME",
                name="Acme",
                currency="USD",
                credit_limit=Decimal(1000),
                payment_terms="NET30",
                address=HOME,
            )
        )
        price = Decimal(10)
        await books.master.put_items(
            Item(id="BOLT", description="Bolt", unit="EA", currency="USD", price=price),
            Item(id="NUT", description="Nut", unit="EA", currency="USD", price=price),
        )
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
    async def worker(self, *, cached: int = 1000) -> AsyncIterator[None]:
        """A worker in this process."""
        workers = create_workers(self.client, self.adapters, self.queue, cached=cached)
        for worker in workers:
            worker._config["graceful_shutdown_timeout"] = timedelta(seconds=0)
        async with working(
            workers, loops(self.adapters, self.engine, again_after=timedelta(seconds=1))
        ):
            yield

    async def worker_process(self, crash_at: str = "") -> asyncio.subprocess.Process:
        """A worker in a process of its own, that dies where it is told to."""
        settings = {
            "TEMPORAL_ADDRESS": self.address,
            "DATABASE_URL": self.database,
            "TASK_QUEUE": self.queue,
            "THROUGHLINE_AGAIN_AFTER": "1",
            **self.environment,
            **({VARIABLE: crash_at} if crash_at else {}),
        }
        return await asyncio.create_subprocess_exec(
            sys.executable, "worker.py", env={**os.environ, **settings}, cwd=ROOT
        )

    async def hand_over(self) -> None:
        """Give all that waits to the engine, as another worker's loop would."""
        handover = Handover(
            self.adapters.books.pool,
            self.adapters.books.inbox,
            self.adapters.books.records,
            self.engine,
        )
        task = asyncio.create_task(handover.run())
        async with asyncio.timeout(30):
            while await self.sql("select from inbox where handed_at is null"):
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

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

    async def place(self, patience: Patience | None = None, **changes: Any) -> None:
        placed = Placed(
            id=self.id("placed"),
            order=self.an_order(**changes),
            patience=patience or Patience(),
        )
        accepted = await self.adapters.books.inbox.accept_order(
            self.order, placed, raw=placed.model_dump_json().encode(), source="test"
        )
        assert accepted.outcome in ("accepted", "same")

    async def pay_by_card(self, **changes: Any) -> None:
        await self.place(payment=PaymentIn(method="card", token="tok_1"), **changes)

    async def say(self, message: Message, source: str = "test") -> str:
        raw = message.model_dump_json().encode()
        stored = await self.adapters.books.inbox.store(self.order, message, source=source, raw=raw)
        return stored.outcome

    async def tell(
        self, kind: str, source: str, lines: Mapping[str, int], name: str = "", **said: Any
    ) -> str:
        """A milestone of a warehouse."""
        return await self.say(
            Milestone(
                id=self.id(f"{kind}-{source}{name}"),
                milestone=MilestoneKind(kind),
                source=source,
                occurred_at=datetime.now(UTC),
                lines=tuple(MilestoneLine(line=n, quantity=q) for n, q in lines.items()),
                **said,
            ),
            source=f"warehouse/{source}",
        )

    async def ship(self, source: str, name: str = "", quantity: int | None = None) -> None:
        line, usual = ("1", 5) if source == EAST else ("2", 3)
        await self.tell("shipped", source, {line: quantity or usual}, name)

    async def receive(self, item: str, location: str, quantity: int) -> None:
        await self.adapters.books.ledger.book_movement(
            Movement(
                movement_id=uuid.uuid4().hex,
                kind="receipt",
                item=item,
                location=location,
                quantity=Decimal(quantity),
                occurred_at=datetime.now(UTC),
            ),
            source="test",
        )

    def id(self, name: str) -> str:
        return f"{self.order}-{name}"

    # looking at it

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(workflow_id(self.order))

    async def state(self) -> Order | None:
        return await self.adapters.books.records.load(self.order)

    async def until(self, met: Callable[[Order], bool], *, within: float = 60) -> Order:
        state = None
        try:
            async with asyncio.timeout(within):
                while not (state := await self.state()) or not met(state):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"never got there: {state!r}") from None
        return state

    async def reaches(self, status: str) -> Order:
        return await self.until(lambda order: order_status(order) == status)

    async def ends(self, status: str) -> Order:
        """Closed, and every outcome known."""
        return await self.until(
            lambda order: (
                order.closed
                and order_status(order) == status
                and not any(effect.uncertain for effect in order.effects.values())
            )
        )

    async def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        async with self.adapters.books.pool.connection() as db:
            result = await db.execute(query.encode(), values)
            return await result.fetchall() if result.description else []

    async def events(self) -> dict[str, int]:
        rows = await self.sql(
            "select split_part(kind, '.', 3), count(*) from event"
            " where kind like 'throughline.order.%%' group by 1"
        )
        return dict(rows)

    async def stock(self) -> dict[str, tuple[int, int]]:
        """On hand and reserved by item, checked against the movements and the claims behind it."""
        rows = await self.sql(
            "select item, on_hand, reserved,"
            " (select sum(m.on_hand) from movement m"
            "   where m.item = s.item and m.location = s.location),"
            " coalesce((select sum(quantity - shipped) from stock_claim c"
            "   where c.item = s.item and c.location = s.location), 0) from stock_position s"
        )
        for _, on_hand, reserved, moved, claimed in rows:
            assert on_hand == moved
            assert reserved == claimed
        return {item: (int(on_hand), int(reserved)) for item, on_hand, reserved, _, _ in rows}

    async def credit(self) -> tuple[int, int]:
        """Open and invoiced, checked against the claims."""
        rows = await self.sql(
            "select open, invoiced, (select sum(open) from credit_claim),"
            " (select sum(invoiced) from credit_claim) from credit_account"
        )
        if not rows:
            return 0, 0
        ((opened, invoiced, *claimed),) = rows
        assert [opened, invoiced] == claimed
        return int(opened), int(invoiced)

    async def unapplied(self) -> int:
        rows = await self.sql("select count(*) from inbox where applied_at is null")
        return int(rows[0][0])

    def book(self) -> list[tuple[str, str, dict[str, str]]]:
        """What was done at the partners: system, key without the order, what then stood."""
        assert self.memory
        return sorted(
            (name, effect.key.removeprefix(f"{self.order}/"), _plain(effect.goal))
            for name, partner in self.memory.partners.items()
            for effect in partner.book
        )


def _plain(goal: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: f"{amount.normalize():f}" for name, amount in goal.items()}

"""Ledger and inbox on the test's own database, and what is said to them; no engine."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.inbox import Accepted, Inbox, Stored
from adapters.postgres.ledger import Fence, Ledger, Movement, MovementKind
from adapters.postgres.master import MasterData
from domain.answer import Answer
from domain.catalog import Location, LocationKind
from domain.documents import CreditClaim, StockClaim, StockPosition
from domain.message import Milestone, MilestoneKind, MilestoneLine, Placed
from domain.order import Order
from domain.order_in import LineIn, OrderIn
from domain.party import Address, Customer
from stack.account.books import Account, Kept
from stack.account.books import Books as Accounts
from tests.postgres.conftest import eventually

HOME = Address(line1="1 Main St", city="Denver", region="CO", postal_code="80202", country="US")
RUN = "run-1"


@dataclass
class Books:
    """Warehouses EAST and WEST, the customer ACME with 1000 USD of credit, and the item BOLT."""

    pool: AsyncConnectionPool
    next: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.ledger, self.inbox = Ledger(self.pool), Inbox(self.pool)

    async def fill(self) -> None:
        master = MasterData(self.pool)
        for place in ("EAST", "WEST"):
            await master.put_locations(
                Location(id=place, name=place, kind=LocationKind.WAREHOUSE, address=HOME)
            )
        await master.put_customers(
            Customer(
                id="ACME",
                name="Acme",
                currency="USD",
                credit_limit=Decimal(1000),
                payment_terms="NET30",
                address=HOME,
            )
        )

    async def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as db:
            cursor = await db.execute(query.encode(), values or None)
            return await cursor.fetchall() if cursor.description else []

    @asynccontextmanager
    async def locked(self, query: str) -> AsyncIterator[None]:
        """What the query locks stays so for the length of the block; then it was nothing."""
        async with self.pool.connection() as db, db.transaction(force_rollback=True):
            await db.execute(query.encode())
            yield

    async def waiting(self, statements: int) -> None:
        """Until so many statements wait for what others have locked."""
        query = (
            "select count(*) from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'"
        )

        async def are() -> bool:
            return await self.sql(query) == [(statements,)]

        await eventually(are)

    # orders

    async def accept(
        self,
        order: str,
        *,
        reference: str = "",
        quantity: int = 1,
        channel: str = "web",
        street: str = "",
        key: str | None = None,
        raw: bytes = b"{}",
    ) -> Accepted:
        """Alike are those of the same street; unless said otherwise, no two are."""
        address = HOME.model_copy(update={"line1": street or order})
        wanted = OrderIn(
            channel=channel,
            reference=reference or order,
            customer="ACME",
            currency="USD",
            ship_to=address,
            lines=(LineIn(line="1", item="BOLT", quantity=Decimal(quantity)),),
        )
        return await self.inbox.accept_order(
            order,
            Placed(id=f"placed-{order}", order=wanted),
            raw=raw,
            source=f"channel/{channel}",
            owner="me",
            idempotency_key=key,
        )

    async def place(self, *orders: str) -> None:
        """Accepted one after the other, and had by `RUN`."""
        for order in orders:
            await self.accept(order)
        await self.sql("update orders set run = %s where id = any (%s)", RUN, list(orders))

    async def want(self, order: str, quantity: int, item: str = "BOLT") -> None:
        await self.sql(
            "insert into wanted (order_id, item, quantity, since) values (%s, %s, %s, now())",
            *(order, item, quantity),
        )

    # statements

    async def claim(
        self,
        order: str,
        lines: Mapping[str, int],
        *,
        n: int = 1,
        run: str = RUN,
        location: str = "EAST",
        items: Mapping[str, str] | None = None,
        factor: int = 1,
    ) -> Answer:
        """So much of each line, at one location; of BOLT unless `items` says of what."""
        named = dict(items or dict.fromkeys(lines, "BOLT"))
        positions = tuple(
            StockPosition(
                position=f"{line}/{location}",
                line=line,
                item=named[line],
                location=location,
                quantity=Decimal(quantity),
                stock_quantity=Decimal(quantity * factor),
            )
            for line, quantity in lines.items()
            if quantity
        )
        goal = {each.position: each.quantity for each in positions}
        factors = dict.fromkeys(named, Decimal(factor))
        said = StockClaim(
            order_id=order, goal=goal, positions=positions, items=named, factors=factors
        )
        return await self.ledger.claim_stock(said, Fence(run, n))

    async def credit(
        self, order: str, opened: int, invoiced: int = 0, n: int = 1, *, check: bool = False
    ) -> Answer:
        goal = {"open": Decimal(opened), "invoiced": Decimal(invoiced)}
        said = CreditClaim(order_id=order, goal=goal, account="ACME", currency="USD", check=check)
        return await self.ledger.claim_credit(said, Fence(RUN, n))

    # facts

    async def tell(
        self,
        kind: str,
        order: str,
        lines: Mapping[str, int],
        *,
        document: str | None = None,
        location: str = "EAST",
        id: str = "",
        at: str = "",
        **said: Any,
    ) -> Stored:
        """A milestone; `said` is said of each of its lines."""
        milestone = Milestone(
            id=id or f"m-{next(self.next)}",
            milestone=MilestoneKind(kind),
            source=location,
            document=document,
            occurred_at=datetime.fromisoformat(at) if at else datetime.now(UTC),
            lines=tuple(
                MilestoneLine(line=line, quantity=Decimal(quantity), **said)
                for line, quantity in lines.items()
            ),
        )
        raw = milestone.model_dump_json().encode()
        return await self.inbox.store(order, milestone, source=f"warehouse/{location}", raw=raw)

    async def move(
        self,
        kind: MovementKind,
        quantity: int,
        *,
        item: str = "BOLT",
        location: str = "EAST",
        document: str | None = None,
        id: str = "",
    ) -> str:
        return await self.ledger.book_movement(
            Movement(
                movement_id=id or f"f-{next(self.next)}",
                kind=kind,
                item=item,
                location=location,
                quantity=Decimal(quantity),
                occurred_at=datetime(2026, 11, 1, tzinfo=UTC),
                document=document,
            ),
            source=f"warehouse/{location}",
        )

    # what is there

    async def position(self, item: str = "BOLT", location: str = "EAST") -> tuple[int, int]:
        """On hand and reserved."""
        [row] = await self.ledger.positions(item=item, location=location)
        return int(row["on_hand"]), int(row["reserved"])

    async def aside(self) -> tuple[int, int]:
        """Damaged and quarantined."""
        [row] = await self.ledger.positions(item="BOLT", location="EAST")
        return int(row["damaged"]), int(row["quarantined"])

    async def heard(self, order: str, kind: str) -> list[dict[str, Any]]:
        """What the order was told of this kind, oldest first."""
        query = "select body from inbox where order_id = %s and kind = %s order by n"
        return [body for (body,) in await self.sql(query, order, kind)]

    async def proof(self) -> list[Any]:
        """What does not fit in the chains of movements, or between positions and claims."""
        [(proof,)] = await self.sql("select prove_stock(null)")
        apart = await self.sql(
            "select p.item, p.location, p.reserved, coalesce(c.held, 0) from stock_position p"
            " left join (select item, location, sum(quantity - shipped) as held from stock_claim"
            " group by item, location) c using (item, location)"
            " where p.reserved <> coalesce(c.held, 0)"
        )
        return [*proof["broken"], *apart]


def differences(database: str, account: Callable[[Accounts], Account]) -> list[str]:
    """What an account finds of orders that are only known by name, with no outside system."""
    with psycopg.connect(database) as db:
        orders = {
            order: Kept(Order(id=order), settled, b"")
            for order, settled in db.execute("select id, finished_at is not null from orders")
        }
        return [each.what for each in account(Accounts(db, orders, {}, {})).differences]

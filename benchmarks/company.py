"""The company that is benchmarked: two warehouses, some items and customers, and its orders."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psycopg_pool import AsyncConnectionPool

from adapters.postgres.ledger import Ledger, Movement
from adapters.postgres.master import MasterData
from domain.catalog import Item, Location, LocationKind
from domain.party import Address, Company, Customer

WAREHOUSES = {"EAST": "wms-east", "WEST": "wms-west"}
"""Location, and the system that runs it."""
ITEMS = 50
"""At each warehouse; no other has them, so an order for one of each comes from both."""
CUSTOMERS = 20
PLENTY = 10**8

_PLACE = {"city": "Denver", "region": "CO", "postal_code": "80202", "country": "US"}


def item(warehouse: str, n: int) -> str:
    return f"{warehouse}-{n % ITEMS:02}"


async def fill(pool: AsyncConnectionPool) -> None:
    """Master data, and goods and credit for as many orders as anybody will place."""
    master, ledger = MasterData(pool), Ledger(pool)
    address = Address(line1="1 Main St", **_PLACE)
    await master.put_companies(Company(id="MAIN", name="Main", currency="USD"))
    await master.put_customers(
        *(
            Customer(
                id=f"C{n:02}",
                name=f"Customer {n}",
                currency="USD",
                credit_limit=Decimal(PLENTY),
                payment_terms="NET30",
                address=address,
            )
            for n in range(CUSTOMERS)
        )
    )
    await master.put_locations(
        *(
            Location(
                id=name,
                name=name,
                kind=LocationKind.WAREHOUSE,
                wms=wms,
                tms="tms-1",
                address=address,
            )
            for name, wms in WAREHOUSES.items()
        )
    )
    stocked = [(item(name, n), name) for name in WAREHOUSES for n in range(ITEMS)]
    await master.put_items(
        *(
            Item(id=id, description=id, unit="EA", currency="USD", price=Decimal(10))
            for id, _ in stocked
        )
    )
    for id, location in stocked:
        await ledger.book_movement(
            Movement(
                movement_id=f"opening/{id}",
                kind="receipt",
                item=id,
                location=location,
                quantity=Decimal(PLENTY),
                occurred_at=datetime.now(UTC),
            ),
            source="opening",
        )


def an_order(reference: str, n: int, *, lines: int = 2) -> dict[str, Any]:
    """As a channel posts it. No two have the same address, or they would be held as duplicates."""
    places = list(WAREHOUSES)
    return {
        "channel": "benchmark",
        "reference": reference,
        "customer": f"C{n % CUSTOMERS:02}",
        "currency": "USD",
        "ship_to": {"line1": f"{reference} Main St", **_PLACE},
        "lines": [
            {"item": item(places[k % len(places)], n + k // len(places)), "quantity": str(3 + k)}
            for k in range(lines)
        ],
    }

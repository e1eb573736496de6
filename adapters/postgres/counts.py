"""Stock as it was found, and whether our books about it hold together."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from adapters.crash import crash_point
from adapters.postgres.content import hash_of
from adapters.postgres.statement import value_of

COUNT = b"select count_stock(%s, %s, %s, %s, %s, %s, %s, %s)"
PROVE = b"select prove_stock(%s)"


@dataclass(frozen=True)
class Found:
    """What was found at `location` at `taken_at`, in stock units by item.

    `available`: without what is reserved. `watermark`: the last movement that is in it.
    """

    id: str
    source: str
    location: str
    available: bool
    taken_at: datetime
    watermark: str | None
    positions: list[tuple[str, Decimal]]


@dataclass(frozen=True)
class Counted:
    outcome: Literal["booked", "repeat", "conflict"]
    differences: list[dict[str, str]]


class Counts:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def book(self, found: Found) -> Counted:
        """Adjust the books by what differs, once per source and id."""
        positions = [
            {"item": item, "quantity": f"{quantity:f}"} for item, quantity in found.positions
        ]
        values = (
            found.source,
            found.id,
            hash_of([vars(found) | {"positions": sorted(map(str, positions))}]),
            found.location,
            found.available,
            Jsonb(positions),
            found.taken_at,
            found.watermark,
        )
        answer = await value_of(self._pool, COUNT, values)
        crash_point("count")
        return Counted(answer["is"], answer.get("differences", []))

    async def prove(self, as_of: datetime | None) -> dict[str, Any]:
        """How many positions and movements there are, and which of them do not fit (`broken`)."""
        proof: dict[str, Any] = await value_of(self._pool, PROVE, (as_of,))
        return proof

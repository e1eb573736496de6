"""The event log: written with what it tells, numbered after the commit, read from a cursor.

A position is given once its event has been committed, so that a reader who has seen position n has
seen all there will ever be up to n.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row
from psycopg.sql import SQL, Composed
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from adapters.crash import crash_point
from adapters.postgres.lease import IDLE, LASTS, LeasedLoop, LeaseLost

BATCH = 500
SEQUENCER = "sequencer"

COLUMNS = SQL("position, id, kind, subject, data, occurred_at, correlation_id, causation_id")
TAIL = b"select coalesce(max(position), 0) from event"
WRITE = b"select write_events(%s)"
NUMBER = b"select number_events(%s, %s, %s)"


@dataclass(frozen=True)
class NewEvent:
    """An event to be written. Its id comes from the fact behind it: the same id is written once."""

    id: str
    kind: str
    """As in the contract: `throughline.order.shipped.v1`."""
    subject: str
    occurred_at: datetime
    data: dict[str, Any] = field(default_factory=dict)
    correlation_id: str = ""
    causation_id: str = ""


@dataclass(frozen=True)
class StoredEvent(NewEvent):
    """An event with its place in the log."""

    position: int = 0


class EventLog:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def write(self, events: Iterable[NewEvent]) -> None:
        """Write them, in this order within a subject; those known by their id are left alone.

        Statements of other areas call `write_events(jsonb)` in a transaction of their own.
        """
        rows = [{**vars(event), "occurred_at": event.occurred_at.isoformat()} for event in events]
        async with self._pool.connection() as db:
            await db.execute(WRITE, (Jsonb(rows),))

    async def read(
        self,
        after: int,
        limit: int = 100,
        *,
        subject: str | None = None,
        subject_prefix: str = "",
        kinds: Sequence[str] = (),
    ) -> list[StoredEvent]:
        """The next events behind position `after`, in order. No kinds: all of them."""
        wanted: dict[str, object] = {"after": after, "limit": limit}
        conditions = [SQL("position > %(after)s")]
        if subject is not None:
            conditions.append(SQL("subject = %(subject)s"))
            wanted["subject"] = subject
        if subject_prefix:
            conditions.append(SQL("subject like %(prefix)s"))
            wanted["prefix"] = _starting_with(subject_prefix)
        if kinds:
            conditions.append(SQL("kind = any(%(kinds)s)"))
            wanted["kinds"] = list(kinds)
        async with (
            self._pool.connection() as db,
            db.cursor(row_factory=class_row(StoredEvent)) as c,
        ):
            await c.execute(_select(conditions), wanted)
            return await c.fetchall()

    async def tail(self) -> int:
        """The position of the newest event, 0 when there is none."""
        async with self._pool.connection() as db:
            row = await (await db.execute(TAIL)).fetchone()
        return int(row[0]) if row else 0


class Sequencer(LeasedLoop):
    """Gives committed events their positions."""

    def __init__(
        self, pool: AsyncConnectionPool, *, lasts: timedelta = LASTS, idle: timedelta = IDLE
    ) -> None:
        super().__init__(pool, SEQUENCER, lasts=lasts, idle=idle)
        self._pool = pool

    async def once(self, epoch: int) -> bool:
        async with self._pool.connection() as db:
            row = await (await db.execute(NUMBER, (self.name, epoch, BATCH))).fetchone()
        if row is None or row[0] is None:
            raise LeaseLost(self.name)
        if row[0]:
            crash_point("sequence")
        return int(row[0]) == BATCH


def _select(conditions: Sequence[SQL]) -> Composed:
    return SQL("select {} from event where {} order by position limit %(limit)s").format(
        COLUMNS, SQL(" and ").join(conditions)
    )


def _starting_with(prefix: str) -> str:
    escaped = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}%"

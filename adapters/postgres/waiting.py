"""What orders wait for: noted by every attempt that failed, cleared by the one that did not."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

LONGEST_ERROR = 500

NOTE = b"""
insert into waiting as known
    (order_id, what, system, since, attempts, last_error, deadline)
values (%s, %s, %s, now(), %s, %s, %s)
on conflict (order_id, what) do update set
    system = excluded.system, attempts = excluded.attempts, last_error = excluded.last_error,
    deadline = excluded.deadline
"""
CLEAR = b"delete from waiting where order_id = %s and what = %s"
CLEAR_ORDER = b"delete from waiting where order_id = %s"
OF_ORDER = b"""
select what, system, since, attempts, last_error, deadline
from waiting where order_id = %s order by since, what
"""


@dataclass(frozen=True)
class Wait:
    """One thing an order waits for. `deadline` is when it is given up, if ever."""

    what: str
    system: str
    since: datetime
    attempts: int
    last_error: str
    deadline: datetime | None


class Waiting:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def note(
        self,
        order_id: str,
        what: str,
        system: str,
        *,
        attempts: int,
        last_error: str,
        deadline: datetime | None = None,
    ) -> None:
        """The order waits for `what` of `system`; it is kept since when."""
        row = (order_id, what, system, attempts, last_error[:LONGEST_ERROR], deadline)
        async with self._pool.connection() as db:
            await db.execute(NOTE, row)

    async def clear(self, order_id: str, what: str | None = None) -> None:
        """The order no longer waits for it; without `what`, for anything."""
        async with self._pool.connection() as db:
            if what is None:
                await db.execute(CLEAR_ORDER, (order_id,))
            else:
                await db.execute(CLEAR, (order_id, what))

    async def of_order(self, order_id: str) -> list[Wait]:
        """What the order waits for, the longest first."""
        async with self._pool.connection() as db, db.cursor(row_factory=class_row(Wait)) as cursor:
            await cursor.execute(OF_ORDER, (order_id,))
            return await cursor.fetchall()

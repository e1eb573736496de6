"""What nobody could use, in or out, until a person has decided about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

PUT = b"""
insert into dead_letter (id, kind, source, reason, detail, body)
values (%s, %s, %s, %s, %s, %s) on conflict (id) do nothing
"""
ONE = b"select * from dead_letter where id = %s"
OPEN = b"""
select * from dead_letter
where resolved_at is null and (%(after)s::text is null or (created_at, id) > (
    select created_at, id from dead_letter where id = %(after)s))
order by created_at, id limit %(limit)s
"""
COUNTS = b"""
select kind, reason, count(*) from dead_letter where resolved_at is null
group by kind, reason order by kind, reason
"""
RESOLVE = b"""
update dead_letter set resolved_at = now(), resolution = %s where id = %s and resolved_at is null
"""


@dataclass(frozen=True)
class DeadLetter:
    """The table says what each of these is."""

    id: str
    kind: str
    source: str
    reason: str
    detail: dict[str, Any]
    body: bytes | None
    created_at: datetime
    resolved_at: datetime | None
    resolution: str


class DeadLetters:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def put(
        self,
        id: str,
        kind: str,
        source: str,
        reason: str,
        *,
        detail: dict[str, Any],
        body: bytes | None = None,
    ) -> bool:
        """Keep it; whether it was new."""
        async with self._pool.connection() as db:
            done = await db.execute(PUT, (id, kind, source, reason, Jsonb(detail), body))
        return bool(done.rowcount)

    async def get(self, id: str) -> DeadLetter | None:
        async with self._pool.connection() as db, db.cursor(row_factory=class_row(DeadLetter)) as c:
            await c.execute(ONE, (id,))
            return await c.fetchone()

    async def open(self, after: str | None = None, limit: int = 100) -> list[DeadLetter]:
        """The next unresolved ones behind the one with id `after`, the oldest first."""
        async with self._pool.connection() as db, db.cursor(row_factory=class_row(DeadLetter)) as c:
            await c.execute(OPEN, {"after": after, "limit": limit})
            return await c.fetchall()

    async def counts(self) -> dict[tuple[str, str], int]:
        """How many are unresolved, by kind and reason."""
        async with self._pool.connection() as db:
            rows = await (await db.execute(COUNTS)).fetchall()
        return {(kind, reason): count for kind, reason, count in rows}

    async def resolve(self, id: str, resolution: str) -> bool:
        """Note what was decided: `resubmitted`, `discarded`; whether it was still unresolved."""
        async with self._pool.connection() as db:
            return bool((await db.execute(RESOLVE, (resolution, id))).rowcount)

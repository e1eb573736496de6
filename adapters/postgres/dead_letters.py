"""Messages nobody could use, kept whole until a person has decided about them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from adapters.crash import crash_point

ADD = b"""
insert into dead_letter (id, kind, source, reason, detail, body)
values (%s, %s, %s, %s, %s, %s) on conflict (id) do nothing
"""
_COLUMNS = "id, kind, source, reason, detail, body, created_at, resolved_at, resolution"
ONE = f"select {_COLUMNS} from dead_letter where id = %s".encode()  # noqa: S608  # our own names
SOME = f"""
select {_COLUMNS} from dead_letter
where (%(kind)s::text is null or kind = %(kind)s)
  and (%(reason)s::text is null or reason = %(reason)s)
  and (%(open)s::boolean is null or (resolved_at is null) = %(open)s)
  and (created_at, id) < (%(before)s, %(before_id)s)
order by created_at desc, id desc limit %(limit)s
""".encode()  # noqa: S608  # our own names
RESOLVE = b"""
update dead_letter set resolved_at = now(), resolution = %s
where id = %s and resolved_at is null
"""


@dataclass(frozen=True)
class DeadLetter:
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

    async def add(
        self,
        id: str,
        *,
        kind: str,
        source: str,
        reason: str,
        detail: dict[str, Any],
        body: bytes,
    ) -> None:
        """Keep it, once per id."""
        async with self._pool.connection() as db:
            await db.execute(ADD, (id, kind, source, reason, Jsonb(detail), body))
        crash_point("dead-letter")

    async def get(self, id: str) -> DeadLetter | None:
        async with self._pool.connection() as db, db.cursor(row_factory=class_row(DeadLetter)) as c:
            await c.execute(ONE, (id,))
            return await c.fetchone()

    async def page(
        self,
        *,
        kind: str | None = None,
        reason: str | None = None,
        open: bool | None = True,
        before: tuple[str, str] = ("infinity", ""),
        limit: int = 100,
    ) -> list[DeadLetter]:
        """The newest first; `open` ones are those nobody has decided about."""
        values = {
            "kind": kind,
            "reason": reason,
            "open": open,
            "before": before[0],
            "before_id": before[1],
            "limit": limit,
        }
        async with self._pool.connection() as db, db.cursor(row_factory=class_row(DeadLetter)) as c:
            await c.execute(SOME, values)
            return await c.fetchall()

    async def resolve(self, id: str, resolution: str) -> bool:
        """Note what was done about it; whether nobody had done so before."""
        async with self._pool.connection() as db:
            resolved = bool((await db.execute(RESOLVE, (resolution, id))).rowcount)
        crash_point("resolve")
        return resolved

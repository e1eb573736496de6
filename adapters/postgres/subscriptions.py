"""Who is told of events, and how far that has come."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.sql import SQL, Composed, Identifier, Placeholder
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from adapters.crash import crash_point
from adapters.postgres.events import StoredEvent
from adapters.postgres.lease import LeaseLost

ACTIVE = "active"
PAUSED = "paused"

CREATE = b"""
insert into subscription (id, url, secret, kinds, subject_prefix, cursor)
values (%s, %s, %s, %s, %s, coalesce(%s, (select max(position) from event), 0))
on conflict (id) do nothing returning *
"""
ONE = b"select * from subscription where id = %s"
SOME = b"select * from subscription where id > %s order by id limit %s"
ALL = b"select * from subscription where state = 'active' order by id"
REMOVE = b"delete from subscription where id = %s"
REPLAY = b"select * from replay_subscription(%(id)s, %(after)s)"
UNSETTLED = b"""
select subscription_id, position, done, attempts, failing_since, next_at, last_error
from delivery where subscription_id = %s order by position
"""
SETTLE = b"select settle_deliveries(%s, %s, %s)"


@dataclass(frozen=True)
class Subscription:
    """A subscriber; the tables say what each of these is."""

    id: str
    url: str
    secret: str = field(repr=False)
    kinds: list[str]
    subject_prefix: str
    state: str
    cursor: int
    round: int
    attempts: int
    failing_since: datetime | None
    next_at: datetime | None
    last_error: str
    created_at: datetime

    def wants(self, event: StoredEvent) -> bool:
        return (not self.kinds or event.kind in self.kinds) and event.subject.startswith(
            self.subject_prefix
        )


@dataclass(frozen=True)
class Failing:
    """What has been tried in vain, and when it is tried again."""

    attempts: int = 0
    failing_since: datetime | None = None
    next_at: datetime | None = None
    last_error: str = ""


@dataclass(frozen=True)
class Unsettled(Failing):
    """A delivery in front of the cursor: done before its time, or failing."""

    subscription_id: str = ""
    position: int = 0
    done: bool = False


@dataclass(frozen=True)
class Settlement:
    """What has become of one subscription since the last one. Positions are of the event log."""

    id: str
    round: int
    cursor: int
    health: Failing
    done: Sequence[int] = ()
    failing: Sequence[tuple[int, Failing]] = ()
    dead: Sequence[dict[str, Any]] = ()
    """Rows of `dead_letter`, their body in base64."""

    def row(self) -> dict[str, Any]:
        return {
            **_row(self.health),
            "id": self.id,
            "round": self.round,
            "cursor": self.cursor,
            "done": list(self.done),
            "failing": [{"position": at, **_row(failing)} for at, failing in self.failing],
            "dead": list(self.dead),
        }


class Subscriptions:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def create(
        self,
        id: str,
        url: str,
        secret: str,
        *,
        kinds: Sequence[str] = (),
        subject_prefix: str = "",
        after: int | None = None,
    ) -> Subscription | None:
        """A new subscription, told of what comes behind position `after`, or from now on.

        None when the id is taken. Check the URL (`AddressGuard.check`) and the secret first.
        """
        return await self._one(CREATE, (id, url, secret, list(kinds), subject_prefix, after))

    async def get(self, id: str) -> Subscription | None:
        return await self._one(ONE, (id,))

    async def page(self, after: str = "", limit: int = 100) -> list[Subscription]:
        """The next ones by id."""
        return await self._many(SOME, (after, limit))

    async def change(self, id: str, **values: object) -> Subscription | None:
        """Change url, secret, kinds, subject_prefix or state; None when there is no such one."""
        allowed = {"url", "secret", "kinds", "subject_prefix", "state"}
        assert values.keys() <= allowed, values.keys() - allowed
        return await self._one(_change(list(values)), {**values, "id": id})

    async def remove(self, id: str) -> bool:
        async with self._pool.connection() as db:
            return bool((await db.execute(REMOVE, (id,))).rowcount)

    async def replay(self, id: str, position: int) -> Subscription | None:
        """Tell it again all from this position on; None when there is no such one."""
        return await self._one(REPLAY, {"id": id, "after": max(0, position - 1)})

    async def active(self) -> Sequence[Subscription]:
        """All that are to be told now."""
        return await self._many(ALL, ())

    async def unsettled(self, id: str) -> Sequence[Unsettled]:
        """What is known of deliveries in front of the cursor."""
        async with self._pool.connection() as db, db.cursor(row_factory=class_row(Unsettled)) as c:
            await c.execute(UNSETTLED, (id,))
            return await c.fetchall()

    async def settle(self, lease: str, epoch: int, settlements: Sequence[Settlement]) -> None:
        """Write what has become of deliveries, all or nothing. Raises `LeaseLost`.

        What belongs to a round that a replay has ended is left out.
        """
        rows = Jsonb([settlement.row() for settlement in settlements])
        async with self._pool.connection() as db:
            row = await (await db.execute(SETTLE, (lease, epoch, rows))).fetchone()
        crash_point("settle")
        if not row or not row[0]:
            raise LeaseLost(lease)

    async def _one(self, statement: bytes | Composed, values: Any) -> Subscription | None:
        found = await self._many(statement, values)
        return found[0] if found else None

    async def _many(self, statement: bytes | Composed, values: Any) -> list[Subscription]:
        async with (
            self._pool.connection() as db,
            db.cursor(row_factory=class_row(Subscription)) as cursor,
        ):
            await cursor.execute(statement, values)
            return await cursor.fetchall()


def _change(names: Sequence[str]) -> Composed:
    return SQL("update subscription set {} where id = %(id)s returning *").format(
        SQL(", ").join(SQL("{} = {}").format(Identifier(name), Placeholder(name)) for name in names)
    )


def _row(failing: Failing) -> dict[str, Any]:
    return {
        "attempts": failing.attempts,
        "failing_since": failing.failing_since and failing.failing_since.isoformat(),
        "next_at": failing.next_at and failing.next_at.isoformat(),
        "last_error": failing.last_error,
    }

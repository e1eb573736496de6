"""API keys: kept as hashes, found by their first characters."""

import hashlib
import secrets

from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, ConfigDict

SCOPES = frozenset(
    {
        *("orders:read", "orders:write", "holds:write", "channels:write", "systems:write"),
        *("credits:write", "payments:write", "repair:write"),
        *("warehouse:write", "inventory:read", "inventory:write"),
        *("master:read", "master:write", "events:read", "subscriptions:write"),
        *("deadletters:read", "deadletters:write", "admin"),
    }
)
"""What a key may be allowed. `admin` makes and revokes keys."""

PREFIX = 11
"""Characters by which a key is found: `tl_` and eight of its 43."""


class Access(BaseModel):
    """What one key may do: `scopes`, and whose business it is bound to.

    `requests_per_second` is its own limit, if it has one.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    scopes: frozenset[str]
    warehouse: str | None = None
    channel: str | None = None
    customer: str | None = None
    requests_per_second: int | None = None


class StoredKey(Access):
    digest: bytes


_COLUMNS = "id, name, scopes, warehouse, channel, customer, requests_per_second"
_FIND = f"select {_COLUMNS}, digest from access_key where prefix = %s and revoked_at is null"  # noqa: S608  # a constant of ours
_LIST = f"select {_COLUMNS} from access_key where revoked_at is null order by id"  # noqa: S608  # a constant of ours
_STORE = """
insert into access_key
    (id, prefix, digest, name, scopes, warehouse, channel, customer, requests_per_second)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (digest) do update set
    name = excluded.name, scopes = excluded.scopes, revoked_at = null,
    requests_per_second = excluded.requests_per_second
"""
_REVOKE = "update access_key set revoked_at = now() where id = %s and revoked_at is null"


def new_key() -> str:
    """A key nobody can guess: 256 random bits."""
    return f"tl_{secrets.token_urlsafe(32)}"


def digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


class AccessKeys:
    """The keys in PostgreSQL."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def find(self, key: str) -> Access | None:
        """What this key may do, or `None` when there is no such key any more."""
        async with self._pool.connection() as db:
            cursor = db.cursor(row_factory=class_row(StoredKey))
            found = await (await cursor.execute(_FIND, (key[:PREFIX],))).fetchall()
        digest = digest_of(key)
        for stored in found:
            if secrets.compare_digest(stored.digest, digest):
                return Access.model_validate(stored.model_dump(exclude={"digest"}))
        return None

    async def store(self, key: str, access: Access) -> None:
        """Let `key` do what `access` says; a key that is known already gets the new scopes."""
        async with self._pool.connection() as db:
            await db.execute(
                _STORE,
                (
                    *(access.id, key[:PREFIX], digest_of(key), access.name),
                    *(sorted(access.scopes), access.warehouse, access.channel, access.customer),
                    access.requests_per_second,
                ),
            )

    async def revoke(self, key_id: str) -> bool:
        """Whether there was such a key."""
        async with self._pool.connection() as db:
            return bool((await db.execute(_REVOKE, (key_id,))).rowcount)

    async def list(self) -> list[Access]:
        async with self._pool.connection() as db:
            cursor = db.cursor(row_factory=class_row(Access))
            return await (await cursor.execute(_LIST)).fetchall()

"""Who is asking, and whether they may: API keys with scopes, and a rate for each key."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from adapters.postgres.access import Access
from api.problems import Problem

REMEMBERED = 5.0
"""Seconds a key is known without being looked up; how long a revoked one may still work."""
_MOST = 10_000


class Keys(Protocol):
    async def find(self, key: str) -> Access | None: ...


@dataclass
class _Bucket:
    """Tokens that come back at a steady rate, for as many at once as two seconds bring."""

    tokens: float
    at: float

    def take(self, rate: int, now: float) -> float:
        """Take a token: 0, or the seconds until there is one."""
        self.tokens = min(2.0 * rate, self.tokens + (now - self.at) * rate)
        self.at = now
        if self.tokens < 1:
            return (1 - self.tokens) / rate
        self.tokens -= 1
        return 0


class Guard:
    """Admits requests. What it remembers is this process's own."""

    def __init__(
        self, keys: Keys, rate_limit: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys = keys
        self._rate_limit = rate_limit
        self._clock = clock
        self._known: dict[str, tuple[Access | None, float]] = {}
        self._buckets: dict[str, _Bucket] = {}

    async def admit(self, authorization: str | None, scope: str) -> Access:
        """Whoever has that key. Raises `Problem`: 401, 403, 429."""
        access = await self._look_up(_bearer(authorization))
        self._limit(access)
        if scope not in access.scopes:
            raise Problem(403, "scope_missing", f"This key has not the scope {scope}.")
        return access

    async def _look_up(self, key: str) -> Access:
        now = self._clock()
        access, until = self._known.get(key, (None, 0.0))
        if until <= now:
            access = await self._keys.find(key)
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = (access, now + REMEMBERED)
        if access is None:
            raise _unknown("This key is not known.")
        return access

    def _limit(self, access: Access) -> None:
        rate, now = access.requests_per_second or self._rate_limit, self._clock()
        if access.id not in self._buckets:
            if len(self._buckets) >= _MOST:
                self._buckets.clear()
            self._buckets[access.id] = _Bucket(2.0 * rate, now)
        if wait := self._buckets[access.id].take(rate, now):
            headers = {"Retry-After": str(int(wait) + 1)}
            detail = f"This key may ask {rate} times a second."
            raise Problem(429, "rate_limit", detail, headers=headers)


def check_bound(access: Access, what: str, value: str | None) -> None:
    """Raises `Problem` (403) when the key is bound to another warehouse, channel or customer."""
    bound: str | None = getattr(access, what)
    if bound is not None and bound != value:
        raise Problem(403, f"not_your_{what}", f"This key is bound to the {what} {bound!r}.")


def _bearer(authorization: str | None) -> str:
    scheme, _, key = (authorization or "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise _unknown("Send an API key: Authorization: Bearer tl_…")
    if not (key.isascii() and key.isprintable() and len(key) <= 200):
        raise _unknown("This key is not known.")
    return key


def _unknown(detail: str) -> Problem:
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})

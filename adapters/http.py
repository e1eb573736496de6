"""The one place where HTTP trouble becomes `Unavailable` or `UnexpectedAnswer`."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from adapters.exact_json import from_json, to_json
from adapters.gate import Gate, OpenGate
from domain.errors import Unavailable, UnexpectedAnswer

PATIENCE = 7.0
"""Seconds for one exchange. A call of four exchanges still ends before its activity's 30 s."""
LONGEST_CLOSING = timedelta(hours=1)
SHORTEST_CLOSING = timedelta(seconds=1)
TRY_LATER = frozenset({408, 425, 429})

A = TypeVar("A", bound="VendorAnswer")


class VendorAnswer(BaseModel):
    """The part of a vendor's answer that we read; it may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True)
class Reply:
    """An answer with a status its caller knows."""

    status: int
    body: object
    asked: str

    def read(self, shape: type[A]) -> A:
        """The body, checked. Raises `UnexpectedAnswer` when it is of another shape."""
        try:
            return shape.model_validate(self.body)
        except ValidationError as wrong:
            # Where and which rule, never what was said: an answer may hold personal data.
            first = wrong.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UnexpectedAnswer(f"{self.asked}: {where or 'body'} {first['type']}") from None


class SystemClient:
    """One system instance over HTTP: every request passes its gate and has a deadline."""

    def __init__(self, system: str, http: httpx.AsyncClient, gate: Gate | None = None) -> None:
        self.system = system
        self._http = http
        self._gate = gate or OpenGate()

    async def ask(
        self,
        method: str,
        *path: str,
        known: Collection[int],
        query: Mapping[str, str] | None = None,
        body: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request to the path of these segments; return an answer of a `known` status.

        `body` is sent as JSON, its decimals as exact numbers; numbers with a fraction come back as
        decimals. Raises `Unavailable` and `UnexpectedAnswer`.
        """
        asked = f"{self.system}: {method} /{'/'.join(path)}"
        sent = {"Accept": "application/json", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        request = self._http.build_request(
            method,
            "/" + "/".join(_segment(part) for part in path),
            params=query,
            content=None if body is None else to_json(body),
            data=form,
            headers=sent,
        )
        async with self._gate.request():
            response = await self._exchange(request, asked)
        return await self._judge(response, asked, known)

    async def _exchange(self, request: httpx.Request, asked: str) -> httpx.Response:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._http.send(request)
        except TimeoutError:
            raise Unavailable(f"{asked}: no answer within {PATIENCE:.0f} s") from None
        except httpx.TransportError as trouble:
            raise Unavailable(f"{asked}: {type(trouble).__name__}") from trouble
        except httpx.RequestError as odd:  # an encoding that does not decode
            raise UnexpectedAnswer(f"{asked}: {type(odd).__name__}") from odd

    async def _judge(self, response: httpx.Response, asked: str, known: Collection[int]) -> Reply:
        status = response.status_code
        if status in TRY_LATER or response.is_server_error:
            advice = _advice(response)
            if status == httpx.codes.TOO_MANY_REQUESTS:
                advice = advice or SHORTEST_CLOSING
            if advice:
                await self._gate.close_for(advice)
            raise Unavailable(f"{asked}: status {status}", retry_after=advice)
        if status not in known:
            raise UnexpectedAnswer(f"{asked}: status {status}")
        return Reply(status, _parsed(response, asked), asked)


@asynccontextmanager
async def open_system(
    system: str, url: str, *, gate: Gate | None = None, key: str = ""
) -> AsyncIterator[SystemClient]:
    """A client for the system at `url`, with its own connections; `key` is sent as bearer."""
    async with httpx.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {key}"} if key else None,
        timeout=httpx.Timeout(PATIENCE, connect=3.0),
        # Shorter than servers keep them: a connection closed as we write looks like an outage.
        limits=httpx.Limits(max_connections=64, keepalive_expiry=2.0),
        trust_env=False,
    ) as http:
        yield SystemClient(system, http, gate)


def _segment(text: str) -> str:
    """One path segment, whatever is in it: a client takes a plain `..` for a way up."""
    quoted = quote(text, safe="")
    return quoted.replace(".", "%2E") if text in (".", "..") else quoted


def _parsed(response: httpx.Response, asked: str) -> object:
    if not response.content:
        return None
    try:
        parsed: object = from_json(response.content)
    except ValueError:
        raise UnexpectedAnswer(f"{asked}: not JSON") from None
    return parsed


def _advice(response: httpx.Response) -> timedelta | None:
    """What Retry-After says, as seconds or as a date; at most `LONGEST_CLOSING`."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        # So many digits are longer than the longest anyway, and too many for a timedelta.
        return (
            LONGEST_CLOSING if len(text) > 6 else min(timedelta(seconds=int(text)), LONGEST_CLOSING)
        )
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until - datetime.now(UTC), timedelta()), LONGEST_CLOSING)

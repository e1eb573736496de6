"""Our own API as an integration uses it: a key, JSON, and patience with a server that restarts."""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any, Self

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from stack.places import StackError
from stack.run_file import RunInfo

PATIENCE = 60.0
"""Seconds to go on trying while the API is away or says that it is."""

_exactly = partial(json.loads, parse_float=Decimal)


class _Away(Exception):
    """No answer, or one that says to come back later."""


class Api:
    """Use it as an async context manager."""

    def __init__(self, url: str, key: str, *, patience: float = PATIENCE) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"{url}/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=20,
            trust_env=False,
        )
        self._patience = patience

    @classmethod
    def of(cls, info: RunInfo) -> Self:
        return cls(str(info["api"]), str(info["api_key"]))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The answer's body, numbers as decimals; `None` for 404. Raises `StackError`."""
        answer = await self.ask("GET", path, params=params)
        if answer.status_code == 404:
            return None
        return self._body(answer, (200,))

    async def post(
        self,
        path: str,
        body: Any,
        *,
        expect: tuple[int, ...] = (200, 201, 202),
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's body. Raises `StackError` for another status than was expected."""
        answer = await self.ask(
            "POST",
            path,
            content=json.dumps(body, default=str),
            headers={"Content-Type": "application/json", **(headers or {})},
        )
        return self._body(answer, expect)

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send it until it is answered. What is sent again must be harmless to send again."""
        answer: httpx.Response
        async for attempt in AsyncRetrying(
            stop=stop_after_delay(self._patience),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            retry=retry_if_exception_type(_Away),
            retry_error_callback=_give_up,
        ):
            with attempt:
                answer = await self._once(method, path, **options)
        return answer

    async def _once(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = await self._http.request(method, path, **options)
        except httpx.TransportError as failure:
            raise _Away(repr(failure)) from failure
        if answer.status_code in (429, 502, 503, 504):
            raise _Away(f"{answer.status_code}: {answer.text[:200]}")
        return answer

    def _body(self, answer: httpx.Response, expect: tuple[int, ...]) -> Any:
        if answer.status_code not in expect:
            request = answer.request
            raise StackError(
                f"{request.method} {request.url.path}: {answer.status_code} {_why(answer)}"
            )
        return _exactly(answer.content)


def _why(answer: httpx.Response) -> str:
    """The detail of a problem document, or whatever else was answered."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:500]


def _give_up(state: RetryCallState) -> None:
    failure = state.outcome.exception() if state.outcome else None
    raise StackError(f"The API did not answer within {PATIENCE:.0f} s: {failure}")

"""Reading a request's body: no more than we take, numbers as decimals, the bytes kept.

Python's own reader would round numbers to floats, keep the last of two equal names, and let
through text that PostgreSQL cannot hold.
"""

import asyncio
import json
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from api.problems import Problem, broken_rules

M = TypeVar("M", bound=BaseModel)

LIMIT = 5_000_000
"""The largest body taken, in bytes."""
DEEPEST = 32
"""How deep objects and arrays may be nested."""
_DRAINED = 32 * 1024 * 1024
_DRAINING = 5.0
_LONGEST_NUMBER = 64


class ApiRequest(Request):
    """A request whose body is bounded and read as ours are. Raises `Problem`."""

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            self._body = await self._read()
        return self._body

    async def json(self) -> Any:
        return parse(await self.body())

    async def drain(self) -> None:
        """Take what the client still sends, so that it gets to reading our answer."""
        taken = 0
        try:
            async with asyncio.timeout(_DRAINING):
                async for chunk in self.stream():
                    taken += len(chunk)
                    if taken > _DRAINED:
                        return
        except (ClientDisconnect, RuntimeError, TimeoutError):
            # It has gone, its body was read before, or it takes too long: we answer anyway.
            return

    async def _read(self) -> bytes:
        chunks: list[bytes] = []
        size = 0
        announced = self.headers.get("content-length", "")
        too_large = announced.isdecimal() and int(announced) > LIMIT
        stream = self.stream()
        while not too_large:
            chunk = await anext(stream, None)
            if chunk is None:
                return b"".join(chunks)
            chunks.append(chunk)
            size += len(chunk)
            too_large = size > LIMIT
        async for chunk in stream:
            size += len(chunk)
            if size > _DRAINED:
                break
        raise Problem(413, "too_large", f"A body may have at most {LIMIT} bytes.")


def parse(raw: bytes) -> Any:
    """The JSON document. Raises `Problem`: 400 for what is none, 422 for text we cannot keep."""
    try:
        document = json.loads(
            raw.decode(),
            parse_float=_number,
            parse_int=_integer,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise _unparsable("nested too deeply") from None
    except ValueError as wrong:
        # Also what is no UTF-8, and what our own readers below refuse.
        raise _unparsable(str(wrong)) from None
    if raw.count(b"{") + raw.count(b"[") > DEEPEST:
        _check_depth(document)
    if b"\\u0000" in raw or b"\\ud" in raw.lower():
        _check_text(document, "")
    return document


def read_as(shape: type[M], document: object) -> M:
    """The document as one of these. Raises `Problem` (422)."""
    try:
        return shape.model_validate(document)
    except ValidationError as wrong:
        errors = broken_rules(wrong.errors())
        raise Problem(422, "invalid", errors[0].detail or "", errors=errors) from None


def _unparsable(why: str) -> Problem:
    return Problem(400, "unparsable", f"The body is no JSON document: {why}")


def _number(text: str) -> Decimal:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("a number is too long")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("a number is out of range") from None


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("a number is too long")
    return int(text)


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice in one object")
    return found


def _check_depth(document: Any) -> None:
    level = [document]
    for _ in range(DEEPEST + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise _unparsable("nested too deeply")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [inner for inner in value.values() if isinstance(inner, dict | list)]
    if isinstance(value, list):
        return [inner for inner in value if isinstance(inner, dict | list)]
    return ()


def _check_text(value: Any, pointer: str) -> None:
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise Problem(422, "text", "NUL and half characters are no text.", pointer=pointer)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name, pointer)
            step = name.replace("~", "~0").replace("/", "~1")
            _check_text(inner, f"{pointer}/{step}")
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            _check_text(inner, f"{pointer}/{n}")

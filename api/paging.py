"""Lists: a page at a time, each naming where the next begins."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from api.problems import Broken, Problem

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="`next` of the page before; nothing at first.")
]


class Page(BaseModel, Generic[T]):
    """`next` is null on the last page."""

    items: list[T]
    next: str | None = None


def page(rows: Sequence[T], limit: int, place: Callable[[T], object]) -> Page[T]:
    """The first `limit` of `rows`, of which one more was read if there is one more."""
    shown = list(rows[:limit])
    return Page(items=shown, next=to_cursor(place(shown[-1])) if len(rows) > limit else None)


def to_cursor(place: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def from_cursor(cursor: str | None, start: T) -> T:
    """The place a cursor names, `start` without one. Raises `Problem` (422) for one not ours."""
    if cursor is None:
        return start
    place = _read(cursor)
    fits = type(place) is type(start) and _is_text(str(place))
    if not fits or (isinstance(place, int) and not 0 <= place < 2**63):
        raise foreign_cursor()
    assert isinstance(place, type(start))
    return place


def from_place(cursor: str | None, *start: str) -> list[str]:
    """The same for a place of several parts; one that begins as a number stays one."""
    if cursor is None:
        return list(start)
    place = _read(cursor)
    if not isinstance(place, list) or len(place) != len(start):
        raise foreign_cursor()
    for part, first in zip(place, start, strict=True):
        if not isinstance(part, str) or not _is_text(part):
            raise foreign_cursor()
        if first.isdecimal() and not (part.isdecimal() and part.isascii() and len(part) < 19):
            raise foreign_cursor()
    return place


def _read(cursor: str) -> Any:
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        return json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error, RecursionError):
        return None


def _is_text(part: str) -> bool:
    """Whether PostgreSQL can be asked about it: no NUL, no half characters."""
    halves = any("\ud800" <= char <= "\udfff" for char in part)
    return "\0" not in part and not halves and len(part) <= 300


def foreign_cursor() -> Problem:
    """422: the cursor is none of this list."""
    broken = Broken(rule="cursor", parameter="cursor", detail="not a cursor of this list")
    return Problem(422, "invalid", "This is no cursor of this list.", errors=[broken])

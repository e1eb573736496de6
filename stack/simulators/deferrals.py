"""Calls that were answered "you will hear from us": kept until their answer is given."""

import json
import time
from dataclasses import dataclass
from typing import Any

from stack.simulators.book import Book


@dataclass(frozen=True)
class Request:
    """A call as it came in, so that it can be carried out later, after a restart too."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Deferral:
    number: int
    key: str
    request: Request


class Deferrals:
    def __init__(self, book: Book) -> None:
        self._book = book
        self._db = book.db

    def add(self, key: str, operation: str, request: Request, after: float | None) -> None:
        """`after`: seconds until it is answered by itself."""
        self._db.execute(
            "insert into deferral (key, operation, request, due) values (?, ?, ?, ?)",
            (
                key,
                operation,
                json.dumps(vars(request)),
                None if after is None else time.time() + after,
            ),
        )

    def waiting(self, key: str) -> Deferral | None:
        row = self._db.execute("select * from deferral where key = ?", (key,)).fetchone()
        return _deferral(row) if row else None

    def remove(self, key: str) -> None:
        self._db.execute("delete from deferral where key = ?", (key,))

    def due(self, now: float) -> list[Deferral]:
        rows = self._db.execute("select * from deferral where due <= ? order by due", (now,))
        return [_deferral(row) for row in rows]

    def next_due(self) -> float | None:
        found = self._db.execute("select min(due) as due from deferral").fetchone()
        return None if found["due"] is None else float(found["due"])


def _deferral(row: Any) -> Deferral:
    return Deferral(row["id"], row["key"], Request(**json.loads(row["request"])))

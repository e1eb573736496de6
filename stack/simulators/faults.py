"""Bad days on demand: which call goes wrong, how, and how often."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from stack.simulators.book import Book, Json

Kind = Literal[
    "outage",
    "latency",
    "timeout_after_success",
    "throttle",
    "refuse",
    "malformed",
    "duplicate",
    "pending",
    "short_pick",
    "lost_parcel",
]
LATER = frozenset({"short_pick", "lost_parcel"})
"""These do not befall the call, but what the system makes of it afterwards."""
ONLY_CHANGES = frozenset({"timeout_after_success", "refuse", "duplicate", "pending", *LATER})
"""These befall what does something; a look-up only where its operation is named."""


class Fault(BaseModel):
    """For the next `count` calls, or for `seconds`, or until it is taken away.

    `operation` and the values of `match` may hold `*`. `match` names facts of the call: `key`,
    `order_id`, `subject`, or a field of its body, inner ones by dots: `ship_to.name`.
    `delay_seconds` is the latency, `retry_after` the throttle's advice in seconds; a pending call
    is answered after `answer_after_seconds`, or when the tester says so. A warehouse with a
    `short_pick` finds no more of each line than `found`, and one of its parcels may be lost.
    """

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    operation: str = "*"
    match: dict[str, str] = {}
    fault: Kind
    count: int | None = Field(None, ge=1)
    seconds: float | None = Field(None, gt=0)
    delay_seconds: float = Field(2.0, ge=0)
    retry_after: int = Field(1, ge=0)
    answer_after_seconds: float | None = Field(None, ge=0)
    found: dict[str, str] = {}


@dataclass(frozen=True)
class Occasion:
    """A call, as far as faults look at it."""

    operation: str
    changes: bool
    facts: Mapping[str, str] = field(default_factory=dict)


class Faults:
    def __init__(self, book: Book) -> None:
        self._db = book.db

    def add(self, fault: Fault) -> None:
        until = None if fault.seconds is None else time.time() + fault.seconds
        self._db.execute(
            "insert into fault (spec, remaining, until) values (?, ?, ?)",
            (fault.model_dump_json(), fault.count, until),
        )

    def clear(self) -> None:
        self._db.execute("delete from fault")

    def active(self) -> list[Json]:
        return [
            {**json.loads(row["spec"]), "remaining": row["remaining"]} for row in self._current()
        ]

    def strike(self, occasion: Occasion) -> Fault | None:
        """The oldest fault that fits the call; it counts as used once more."""
        return self._use(occasion, later=False)

    def plan(self, occasion: Occasion) -> Fault | None:
        """The same of what shall go wrong later, whatever befalls the call itself."""
        return self._use(occasion, later=True)

    def _use(self, occasion: Occasion, *, later: bool) -> Fault | None:
        for row in self._current():
            fault = Fault.model_validate_json(row["spec"])
            if (fault.fault in LATER) is not later or not _fits(fault, occasion):
                continue
            if row["remaining"] is not None:
                self._db.execute(
                    "update fault set remaining = remaining - 1 where id = ?", (row["id"],)
                )
            return fault
        return None

    def _current(self) -> list[Mapping[str, Any]]:
        return self._db.execute(
            "select * from fault where coalesce(remaining, 1) > 0"
            " and coalesce(until, ?1 + 1) > ?1 order by id",
            (time.time(),),
        ).fetchall()


def _fits(fault: Fault, occasion: Occasion) -> bool:
    if not fnmatchcase(occasion.operation, fault.operation):
        return False
    if fault.fault in ONLY_CHANGES and not occasion.changes and "*" in fault.operation:
        return False
    return all(
        fnmatchcase(occasion.facts.get(name, ""), pattern) for name, pattern in fault.match.items()
    )

"""What a simulated vendor is made of: operations over HTTP, told apart by method and path."""

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from stack.simulators.book import Book, Json
from stack.simulators.faults import Fault
from stack.simulators.outbox import Outbox


@dataclass(frozen=True)
class Call:
    """One request, understood."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Json
    idempotency_key: str = ""
    twice: bool = False
    """Whatever the system tells of this by itself, it tells twice."""
    later: Fault | None = None
    """What goes wrong with what is made of this."""


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class BadRequest(ValueError):
    """A call nobody can make sense of: answered with 400, and nothing was done."""


@dataclass(frozen=True)
class Operation:
    """`key` finds the caller's key in a call. `changes`: it does something, it does not look."""

    name: str
    method: str
    path: str
    key: Callable[[Call], str]
    handle: Callable[[Call], Reply]
    changes: bool = True


@dataclass(frozen=True)
class Outcome:
    """What a late answer says beside done or refused."""

    reference: str = ""
    amounts: Mapping[str, str] = field(default_factory=dict)


class Vendor(abc.ABC):
    """One system. Its operations run inside a transaction of its book."""

    def __init__(self, system: str, book: Book, outbox: Outbox) -> None:
        self.system = system
        self.book = book
        self.outbox = outbox

    @abc.abstractmethod
    def operations(self) -> Sequence[Operation]: ...

    @abc.abstractmethod
    def refusal(self, operation: Operation, call: Call) -> Reply:
        """A no for business reasons, in the vendor's words."""

    def deferral(self, operation: Operation, call: Call) -> Reply:
        """A "you will hear from us", in the vendor's words."""
        return Reply(202, {"status": "pending"})

    @abc.abstractmethod
    def outcome(self, reply: Reply) -> Outcome:
        """What an operation's reply says, for a late answer."""

    def advance(self, now: float) -> float | None:
        """Do what is due by now; returns when to be called again. Times are Unix seconds."""
        return None

    def play(self, wanted: Json) -> Reply:
        """Make something happen at the system by hand."""
        return Reply(404, {"error": f"{self.system} plays nothing"})


def exact(value: object) -> Decimal:
    """A number as sent, as text or as JSON's. Raises `ValueError` when it is none."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"not a number: {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"not a number: {value!r}")
    return number


def plain(number: Decimal) -> str:
    """The number as text, without an exponent and without trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def total(quantities: Mapping[str, str]) -> str:
    return plain(sum((exact(quantity) for quantity in quantities.values()), Decimal(0)))

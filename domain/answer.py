"""What a system answers when asked to make something so. Being away is not an answer."""

from typing import Annotated, Literal

from pydantic import Field

from domain.base import Fact, Goal
from domain.hold import Problem
from domain.terms import LineTerms, Part, Terms


class Done(Fact):
    """It is so. `standing` is all that stands there now under this key.

    `ref` is the system's own number for it. `amounts` is what the system worked out per line, in
    the order's currency: the tax of each line.
    """

    kind: Literal["done"] = "done"
    standing: Goal
    ref: str = ""
    amounts: Goal = {}


class Pending(Fact):
    """Accepted; the answer will come as a message."""

    kind: Literal["pending"] = "pending"


class Refused(Fact):
    """Definitely not, and nothing was changed; `standing` if it was asked for just before.

    `reason` is a hold reason (docs/glossary.md), `detail` the system's own words. `offers` is a
    counter-offer: how much of each item which source could still give, in stock units.
    """

    kind: Literal["refused"] = "refused"
    reason: str
    detail: str = ""
    standing: Goal | None = None
    offers: dict[str, Goal] = {}


class Unclear(Fact):
    """An answer nobody understands, even when repeated. What stands is unknown."""

    kind: Literal["unclear"] = "unclear"
    detail: str


class Captured(Fact):
    """The order's lines as our master data and prices know them, today.

    `problems` are what must be decided first; `offers` what each source could give of each item,
    in stock units; `asked` is what the channel wants of a line to cost, where that is
    not what it costs; `kits` the parts of lines that are kits.
    """

    kind: Literal["captured"] = "captured"
    standing: Goal
    terms: Terms
    offers: dict[str, Goal] = {}
    problems: tuple[Problem, ...] = ()
    asked: dict[str, LineTerms] = {}
    kits: dict[str, tuple[Part, ...]] = {}


Answer = Annotated[Done | Pending | Refused | Unclear | Captured, Field(discriminator="kind")]

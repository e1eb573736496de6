"""What all data here shares."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

ZERO = Decimal(0)

Goal = dict[str, Decimal]
"""How much of what should stand at a system. Empty means: nothing."""

Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""An identifier given by somebody else: any text of one line, never interpreted."""


class Fact(BaseModel):
    """Data that never changes. Unknown fields are ignored, so an older worker reads a newer one."""

    model_config = ConfigDict(frozen=True)


def tidy(goal: Goal) -> Goal:
    """The same goal without its zeros, so that two goals that mean the same are equal."""
    return {name: amount for name, amount in goal.items() if amount}


def plain(goal: Goal) -> dict[str, str]:
    """For JSON: decimal strings without an exponent."""
    return {name: f"{amount:f}" for name, amount in goal.items()}


def added(*goals: Goal) -> Goal:
    """Everything in these goals together."""
    total: Goal = {}
    for goal in goals:
        for name, amount in goal.items():
            total[name] = total.get(name, ZERO) + amount
    return total

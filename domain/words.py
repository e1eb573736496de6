"""What became of a command, in words."""

from domain.base import Goal


def words(what: str, goal: Goal) -> str:
    lines = ", ".join(f"{amount:f} of line {name}" for name, amount in goal.items())
    return f"{what} {lines}".strip()

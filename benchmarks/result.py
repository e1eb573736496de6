"""What a benchmark found, for people and for programs."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Result:
    """`ours` and `floor` in `unit`, medians over the rounds; `more` is what else was seen."""

    name: str
    unit: str
    what: str
    """What is compared with what, in a sentence."""
    target: float
    """What the ratio has to reach."""
    ours: Sequence[float]
    floor: Sequence[float]
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return statistics.median(self.ours) / statistics.median(self.floor)

    @property
    def reached(self) -> bool:
        return self.ratio >= self.target

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": round(statistics.median(self.ours), 2),
            "floor": round(statistics.median(self.floor), 2),
            "ratio": round(self.ratio, 3),
            "target": self.target,
            "rounds": [
                {"ours": round(ours, 2), "floor": round(floor, 2)}
                for ours, floor in zip(self.ours, self.floor, strict=True)
            ],
            **self.more,
        }


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of all lies, to the millisecond."""
    return round(sorted(values)[min(int(len(values) * share), len(values) - 1)], 3)


def print_table(result: Result) -> None:
    """The rounds, their medians, and what else was seen."""
    table = Table(title=f"{result.name}: {result.what}", title_justify="left")
    table.add_column("round")
    for column in (f"ours, {result.unit}", f"floor, {result.unit}", "ratio"):
        table.add_column(column, justify="right")
    for n, (ours, floor) in enumerate(zip(result.ours, result.floor, strict=True), 1):
        table.add_row(str(n), f"{ours:.1f}", f"{floor:.1f}", f"{ours / floor:.2f}")
    medians = statistics.median(result.ours), statistics.median(result.floor)
    table.add_row("median", *(f"{each:.1f}" for each in medians), f"{result.ratio:.2f}")
    console = Console(highlight=False)
    console.print(table)
    console.print(f"target: at least {result.target} of the floor")
    for name, value in result.more.items():
        console.print(f"{name}: {value}")

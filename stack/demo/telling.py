"""What the demo says at the end: every order, the key figures, the checks, and where to look."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stack.console import printable
from stack.places import DATA
from stack.run_file import RunInfo

Json = dict[str, Any]
WIDE = 110
"""Columns, where nobody looks at a terminal."""


class Teller:
    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else WIDE
        self._screen = Console(highlight=False, width=width)

    def orders(self, told: Iterable[dict[str, str]]) -> None:
        table = _table("What became of every order", "reference", "story", "channel", "status")
        table.add_column("what happened", overflow="fold")
        names = ("reference", "story", "channel", "status", "happened")
        for each in told:
            table.add_row(*(_text(each[name]) for name in names))
        self._screen.print(table)

    def kpis(self, kpis: Json) -> None:
        table = _table("Key figures of the day so far (docs/kpis.md says what they mean)", "figure")
        table.add_column("value", justify="right")
        table.add_column("made of")
        for row in _figures(kpis):
            table.add_row(*row)
        self._screen.print(table)

    def checks(self, orders: dict[str, int], checks: list[Json], seconds: float) -> None:
        table = _table(f"The day took {seconds:.0f} s", "check", "")
        table.add_column("what was found", overflow="fold")
        counts = ", ".join(f"{count} {status}" for status, count in orders.items())
        table.add_row("orders", "", counts)
        for check in checks:
            state = "[green]ok[/green]" if check["ok"] else "[bold red]no[/bold red]"
            table.add_row(check["name"], state, _text(check["detail"]))
        self._screen.print(table)

    def places(self, info: RunInfo, *, kept: bool, console: bool) -> None:
        table = Table(show_header=False, box=None, title="Where to look", title_justify="left")
        table.add_row("the whole account", str(DATA / "demo" / "summary.json"))
        table.add_row("logs", str(DATA / "demo" / "logs"))
        if kept:
            if console:
                table.add_row("console", str(info["console"]))
            table.add_row("API", f"{info['api']}, described at {info['api']}/docs")
            table.add_row("Temporal's UI", str(info["temporal_ui"] or "of the server given"))
            table.add_row(
                "command line", f"THROUGHLINE_DATA={DATA / 'demo'} .venv/bin/throughline orders"
            )
        else:
            table.add_row("all of it, running", ".venv/bin/throughline demo --keep")
        self._screen.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    return table


def _text(text: str) -> str:
    return escape(printable(text))


def _figures(kpis: Json) -> Iterator[tuple[str, str, str]]:
    for name, figure in kpis.items():
        if not isinstance(figure, dict) or "unit" not in figure:
            continue
        words, count = name.replace("_", " "), figure["count"]
        match figure["unit"]:
            case "seconds" if figure["median"] is not None:
                value = f"{figure['median']:.2f} s, {figure['p90']:.2f} s"
                yield words, value, f"median and 90th percentile of {count}"
            case "ratio" if figure["value"] is not None:
                made_of = f"{figure['numerator']} of {figure['denominator']}"
                yield words, f"{figure['value'] * 100:.1f} %", made_of
            case "dead letters":
                yield words, str(count), f"{figure['open']} to be decided about"
            case _:
                yield words, "-", "no case"

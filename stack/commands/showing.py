"""How a command shows what it found to a person: as text, whatever an outside system put in it."""

import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from stack.console import printable, report

Row = Mapping[str, Any]
WIDE = 200
"""Columns where nobody's window has a width."""


def show(*parts: RenderableType) -> None:
    console = Console(
        width=None if sys.stdout.isatty() else WIDE, markup=False, highlight=False, emoji=False
    )
    for part in parts:
        console.print(part)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> RenderableType:
    """Cells are any values; a column named `#…` is of numbers, and is named without that."""
    made = Table(title=Text(title, "bold"), title_justify="left", box=box.SIMPLE_HEAD)
    for name in columns:
        right = name.startswith("#")
        made.add_column(
            Text(name.removeprefix("#")), justify="right" if right else "left", overflow="fold"
        )
    for row in rows:
        made.add_row(*map(text, row))
    return made if made.row_count else Text(f"{title}: none")


def facts(pairs: Iterable[tuple[str, Any]]) -> Table:
    """One thing's properties, those that have a value."""
    made = Table.grid(padding=(0, 2))
    for name, value in pairs:
        if value not in (None, "", [], {}):
            made.add_row(Text(name, "bold"), text(value))
    return made


def text(value: Any) -> Text:
    """Never markup, never anything that steers a terminal."""
    return Text(printable(_words(value)))


def moment(said: str | None) -> str:
    """A point of time, in UTC, to the second."""
    if said is None:
        return ""
    return f"{datetime.fromisoformat(said).astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def amounts(parts: Iterable[Row]) -> str:
    """Quantities by line."""
    return ", ".join(f"{part['line']}: {part['quantity']}" for part in parts)


def tell_the_rest(found: Row) -> None:
    """Say so where the list goes on."""
    if found["next"] is not None:
        report(f"There are more: --limit shows more, --cursor {found['next']} goes on here.")


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        named = ((name, _words(inner)) for name, inner in value.items())
        return ", ".join(f"{name} {words}" for name, words in named if words)
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    return str(value)

"""What the command line says while it works, and how it ends when it cannot."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console

from stack.places import StackError

_progress = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def report(message: str) -> None:
    """A line of progress: on stderr, so that what is printed on stdout can be piped on."""
    _progress.print(printable(message))


def printable(text: str) -> str:
    """Without anything that steers a terminal; what comes from outside may have it."""
    return "".join(map(_harmless, text))


def print_json(data: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(data, indent=2, default=str))


@contextmanager
def failures_told() -> Iterator[None]:
    """Turn a `StackError` into its message and exit status 1."""
    try:
        yield
    except StackError as failure:
        report(f"error: {failure}")
        raise typer.Exit(1) from None


def _harmless(character: str) -> str:
    if character == "\n" or character.isprintable():
        return character
    return character.encode("unicode_escape").decode()

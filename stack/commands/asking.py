"""How a command asks the API of the stack that runs here."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

import typer

from stack import run_file
from stack.client import Api
from stack.console import failures_told, report
from stack.interrupts import until_stopped
from stack.places import StackError

T = TypeVar("T")
Row = dict[str, Any]

PAGE = 500
"""Rows of a list the API gives at most in one answer."""
QUIET = 2.0
"""Seconds without a word."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="How many at most.")]
Cursor = Annotated[str | None, typer.Option(help="`next` of the list before: go on from there.")]


def asked(work: Callable[[Api], Awaitable[T]], *, endless: bool = False) -> T:
    """What `work` finds out. Ends the program with 1 after a `StackError`, 130 after Ctrl-C.

    It says that it goes on when that takes long, unless it is `endless` and shows it itself.
    """
    with failures_told():
        # Wrapped, so that None can only mean that it was stopped.
        found = asyncio.run(until_stopped(_asked(work, endless)))
    if found is None:
        raise typer.Exit(130)
    return found[0]


async def _asked(work: Callable[[Api], Awaitable[T]], endless: bool) -> tuple[T]:
    async with Api.of(run_file.read()) as api:
        if endless:
            return (await work(api),)
        telling = asyncio.create_task(_tell_that_it_goes_on())
        try:
            return (await work(api),)
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling


async def _tell_that_it_goes_on() -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(QUIET)
        report(f"The API is being asked, for {time.monotonic() - began:.0f} s now.")


async def find(api: Api, what: str, id: str, place: str) -> Any:
    """The one of that id, at `place`. Raises `StackError`: there is none."""
    found = await api.get(place, {})
    if found is None:
        raise StackError(f"There is no {what} {id!r}.")
    return found


def order_path(id: str, part: str = "") -> str:
    """Where the API has the order, or a part of what is known of it. Raises `StackError`."""
    if "/" in id or id in ("", ".", ".."):  # it would name another place
        raise StackError(f"There is no order {id!r}.")
    return f"/orders/{quote(id)}{part}"


async def find_rows(
    api: Api,
    place: str,
    given: Mapping[str, Any],
    *,
    limit: int,
    cursor: str | None = None,
    wanted: Callable[[Row], bool] = lambda row: True,
) -> Row:
    """As many wanted rows as there are up to about `limit`, however many answers that takes.

    Shaped like one answer: `items`, and `next` unless the list has ended.
    """
    asks = {name: value for name, value in given.items() if value is not None}
    items: list[Row] = []
    while True:
        asks["limit"] = min(limit - len(items), PAGE)
        page = await api.get(place, asks if cursor is None else {**asks, "cursor": cursor})
        items += filter(wanted, page["items"])
        cursor = page["next"]
        if cursor is None or len(items) >= limit:
            return {"items": items, "next": cursor}

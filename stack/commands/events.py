"""`throughline events`: the event log, as it is or as it grows."""

import asyncio
import json
from typing import Annotated, Any

import typer

from stack.client import Api
from stack.commands.asking import AsJson, Limit, Row, asked, find_rows
from stack.commands.showing import moment, show, table, tell_the_rest, text
from stack.console import print_json

PAUSE = 0.5
"""Seconds between two looks while nothing happens."""


def events(
    after: Annotated[int, typer.Option(min=0, help="Those behind this position.")] = 0,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind; may be repeated.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="Only of this: orders/ID, inventory/ITEM/LOCATION.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="And those to come, until Ctrl-C.")] = (
        False
    ),
    limit: Limit = 100,
    json_: AsJson = False,
) -> None:
    """Events in the order of the log. Followed as JSON, each is a line of its own."""
    given = {"kind": kind or None, "subject": subject}
    if follow:
        asked(lambda api: _follow(api, given, after, json_), endless=True)
        return
    asks = {**given, "after": after}
    found = asked(lambda api: find_rows(api, "/events", asks, limit=limit))
    if json_:
        print_json(found)
        return
    columns = ("#position", "time", "type", "subject", "data")
    show(table("Events", columns, map(_event, found["items"])))
    tell_the_rest(found)


async def _follow(api: Api, given: Row, position: int, as_json: bool) -> None:
    while True:
        found = await find_rows(api, "/events", {**given, "after": position}, limit=500)
        for event in found["items"]:
            position = event["position"]
            _print_one(event, as_json)
        if not found["items"]:
            await asyncio.sleep(PAUSE)


def _print_one(event: Row, as_json: bool) -> None:
    line = (
        json.dumps(event, default=str) if as_json else "  ".join(map(str, map(text, _event(event))))
    )
    print(line, flush=True)  # whoever reads along has it at once


def _event(event: Row) -> tuple[Any, ...]:
    return (
        *(event["position"], moment(event["time"]), event["type"], event["subject"]),
        event["data"],
    )

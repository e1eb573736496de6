"""`throughline holds`: who has to decide what, and `release` when it is decided."""

import asyncio
import time
from typing import Annotated, Any
from urllib.parse import quote
from uuid import uuid4

import typer

from stack.client import Api
from stack.commands.asking import AsJson, Cursor, Limit, Row, asked, find_rows
from stack.commands.showing import moment, show, table, tell_the_rest, text
from stack.console import print_json, report

PATIENCE = 30.0
"""Seconds an order may take to take a release in before we stop watching."""

app = typer.Typer(help="Holds: what waits for a decision.", invoke_without_command=True)


@app.callback()
def holds(
    context: typer.Context,
    owner: Annotated[str | None, typer.Option(help="Only those of this desk.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only those of this reason.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer's.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    json_: AsJson = False,
) -> None:
    """Open holds, those of the newest orders first."""
    if context.invoked_subcommand:
        return

    def wanted(hold: Row) -> bool:
        return owner is None or hold["owner"] == owner

    given = {"reason": reason, "customer": customer}
    found = asked(
        lambda api: find_rows(api, "/holds", given, limit=limit, cursor=cursor, wanted=wanted)
    )
    if json_:
        print_json(found)
        return
    columns = ("id", "scope", "reason", "owner", "since", "detail", "clears on")
    show(table("Open holds", columns, map(_hold, found["items"])))
    tell_the_rest(found)


@app.command()
def release(
    hold_id: Annotated[str, typer.Argument()],
    note: Annotated[str, typer.Option(help="Why.")] = "",
    skip: Annotated[str, typer.Option(help="It has been done by hand: how.")] = "",
    json_: AsJson = False,
) -> None:
    """Release a hold, and wait for what becomes of it; exits with 1 when it is refused."""
    became = asked(lambda api: _release(api, hold_id, {"note": note, "skip": skip}))
    if json_:
        print_json(became)
    else:
        show(text(f"{hold_id}: {became['status']} {became['reason']} {became['detail']}".rstrip()))
    if became["status"] != "done":
        raise typer.Exit(1)


async def _release(api: Api, hold_id: str, body: Row) -> Any:
    key = {"Idempotency-Key": uuid4().hex}
    place = f"/holds/{quote(hold_id, safe='')}/release"
    deadline = time.monotonic() + PATIENCE
    became = await api.post(place, body, headers=key)
    while became["status"] == "waiting" and time.monotonic() < deadline:
        await asyncio.sleep(0.25)
        became = await api.get(f"/commands/{became['id']}")
    if became["status"] == "waiting":
        report(f"It is kept, and its order has not taken it in after {PATIENCE:.0f} s.")
    return became


def _hold(hold: Row) -> tuple[Any, ...]:
    return (
        *(hold["id"], hold["scope"], hold["reason"], hold["owner"], moment(hold["since"])),
        *(hold["detail"], hold["clears_on"]),
    )

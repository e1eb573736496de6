"""`throughline import FILE`: orders from a CSV file, looked at first, then placed."""

from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from stack.client import Api
from stack.commands.asking import AsJson, Row, asked
from stack.commands.showing import show, table
from stack.console import failures_told, print_json, report
from stack.places import StackError

PATIENCE = 300.0
"""Seconds the API may take for a file as large as may be."""


def import_orders(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8, with a header.")],
    commit: Annotated[bool, typer.Option("--commit", help="Place them.")] = False,
    channel: Annotated[
        str | None, typer.Option(help="Whose references they are; inside-sales, unless given.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """What placing the orders of a CSV file would find; exits with 1 when some cannot be placed."""
    with failures_told():
        content = _read(file)
    given = {"commit": commit, "channel": channel}
    asks = {name: value for name, value in given.items() if value is not None}
    found = asked(lambda api: _send(api, content, asks))
    if json_:
        print_json(found)
    else:
        _show(found)
    if {"rejected", "conflict"} & found["counts"].keys():
        raise typer.Exit(1)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as wrong:
        raise StackError(f"{file}: {wrong.strerror}") from None


async def _send(api: Api, content: bytes, asks: Row) -> Row:
    answer = await api.ask(
        *("POST", "/orders/imports"),
        params=asks,
        content=content,
        headers={"Content-Type": "text/csv"},
        timeout=PATIENCE,
    )
    if answer.status_code != 200:
        raise StackError(_why(answer))
    found: Row = answer.json()
    return found


def _why(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        told = [each.get("detail") or problem.get("detail") or "" for each in problem["errors"]]
    except (ValueError, LookupError):
        return f"The API answered {answer.status_code}: {answer.text[:500]}"
    return f"{answer.status_code}: " + "\n".join(told)


def _show(found: Row) -> None:
    orders = found["orders"]
    columns = ("#line", "reference", "#lines", "status", "order", "is like")
    show(table(f"Orders of {found['channel']}", columns, map(_order, orders)))
    wrong = [_cell(order, each, "rule") for order in orders for each in order["problems"]]
    held = [_cell(order, each, "reason") for order in orders for each in order["held_for"]]
    for title, column, rows in (("Wrong", "rule", wrong), ("Held for", "reason", held)):
        if rows:
            show(table(title, ("#line", "column", column, "detail", "reference"), rows))
    if found["problems_left_out"]:
        report(f"{found['problems_left_out']} more are not listed.")
    if "ready" in found["counts"]:
        report("Nothing is placed yet: --commit places what is ready.")


def _order(order: Row) -> tuple[Any, ...]:
    return (
        *(order["line"], order["reference"], order["lines"], order["status"]),
        *(order["order_id"], order["duplicate_of"]),
    )


def _cell(order: Row, each: Row, why: str) -> tuple[Any, ...]:
    return each["line"], each["column"], each[why], each["detail"], order["reference"]

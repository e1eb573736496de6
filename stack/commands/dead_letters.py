"""`throughline deadletters`: messages nobody could use, and what is decided about them."""

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from stack.commands.asking import AsJson, Cursor, Limit, Row, asked, find, find_rows
from stack.commands.showing import facts, moment, show, table, tell_the_rest, text
from stack.console import failures_told, print_json
from stack.places import StackError

Id = Annotated[str, typer.Argument()]

app = typer.Typer(help="Dead letters: what nobody could use.", invoke_without_command=True)


@app.callback()
def deadletters(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Only those of this kind.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only those of this reason.")] = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="Those decided, instead.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    json_: AsJson = False,
) -> None:
    """Those nobody has decided about, the newest first."""
    if context.invoked_subcommand:
        return
    given = {"kind": kind, "reason": reason, "resolved": resolved}
    found = asked(lambda api: find_rows(api, "/dead-letters", given, limit=limit, cursor=cursor))
    if json_:
        print_json(found)
        return
    columns = ("id", "kind", "source", "reason", "detail", "came", "resolution")
    show(table("Dead letters", columns, map(_letter, found["items"])))
    tell_the_rest(found)


@app.command("show")
def show_letter(letter_id: Id, json_: AsJson = False) -> None:
    """One, with what came, as it came."""
    letter = asked(lambda api: find(api, "dead letter", letter_id, _place(letter_id)))
    if json_:
        print_json(letter)
    else:
        show(facts(letter.items()))


@app.command()
def resubmit(
    letter_id: Id,
    body: Annotated[
        Path | None, typer.Option(help="A file of JSON to send instead of what came.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """Send it on its way again, as it came or corrected; exits with 1 when it is of no use yet."""
    with failures_told():
        asks = {} if body is None else {"body": _read(body)}
    taken = asked(lambda api: api.post(_place(letter_id, "/resubmission"), asks))
    if json_:
        print_json(taken)
    else:
        show(text(f"{letter_id}:"), text(taken["result"]))


@app.command()
def dismiss(
    letter_id: Id,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    json_: AsJson = False,
) -> None:
    """Put it away for good; it is kept."""
    letter = asked(lambda api: api.post(_place(letter_id, "/dismissal"), {"note": note}))
    if json_:
        print_json(letter)
    else:
        show(text(f"{letter_id}: {letter['resolution']}"))


def _place(letter_id: str, part: str = "") -> str:
    """Their ids have slashes of their own."""
    return f"/dead-letters/{quote(letter_id)}{part}"


def _read(path: Path) -> Any:
    """Raises `StackError` for what is no JSON document."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as wrong:
        raise StackError(f"{path}: {wrong}") from None


def _letter(letter: Row) -> tuple[Any, ...]:
    return (
        *(letter["id"], letter["kind"], letter["source"], letter["reason"], letter["detail"]),
        *(moment(letter["created_at"]), letter["resolution"]),
    )

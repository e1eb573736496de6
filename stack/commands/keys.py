"""`throughline keys`: who may use the API, and for what."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from stack.client import Api
from stack.commands.asking import AsJson, Row, asked
from stack.commands.showing import show, table, text
from stack.console import print_json, report
from stack.places import StackError

app = typer.Typer(help="API keys.", invoke_without_command=True)


@app.callback()
def keys(context: typer.Context, json_: AsJson = False) -> None:
    """The keys that work; what they are is known to their holders alone."""
    if context.invoked_subcommand:
        return

    async def look(api: Api) -> Row:
        found: Row = await api.get("/keys")
        return found

    found = asked(look)
    if json_:
        print_json(found)
        return
    columns = ("id", "name", "bound to", "#requests/s", "scopes")
    show(table("Keys", columns, map(_key, found["items"])))


@app.command()
def make(
    name: Annotated[str, typer.Argument(help="Whose it is.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; may be repeated.")],
    warehouse: Annotated[str | None, typer.Option(help="Only for this location.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only for this channel.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only for this customer.")] = None,
    json_: AsJson = False,
) -> None:
    """Make a key. It is printed this once, and cannot be read again."""
    bound = {"warehouse": warehouse, "channel": channel, "customer": customer}
    wanted = {"name": name, "scopes": scope, **{k: v for k, v in bound.items() if v is not None}}
    made = asked(lambda api: api.post("/keys", wanted))
    if json_:
        print_json(made)
    else:
        print(made["key"])
        report(f"Made key {made['id']}: keep it, it is not shown again.")


@app.command()
def revoke(key_id: Annotated[str, typer.Argument()]) -> None:
    """Revoke a key. It may work for some seconds yet."""
    asked(lambda api: _revoke(api, key_id))
    show(text(f"Revoked key {key_id}."))


async def _revoke(api: Api, key_id: str) -> None:
    answer = await api.ask("DELETE", f"/keys/{quote(key_id, safe='')}")
    if answer.status_code != 204:
        raise StackError(f"Key {key_id!r}: {answer.status_code} {answer.text[:300]}")


def _key(key: Row) -> tuple[Any, ...]:
    bound = [key[name] for name in ("warehouse", "channel", "customer") if key[name]]
    return key["id"], key["name"], bound, key["requests_per_second"], sorted(key["scopes"])

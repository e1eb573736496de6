"""`throughline inventory`: what is where, how it got there, and that the books hold together."""

from datetime import datetime
from typing import Annotated, Any

import typer

from stack.client import Api
from stack.commands.asking import AsJson, Cursor, Limit, Row, asked, find_rows
from stack.commands.showing import facts, moment, show, table, tell_the_rest
from stack.console import print_json

AMOUNTS = ("on_hand", "reserved", "available", "earmarked", "in_transit", "damaged", "quarantined")
BOOKED = ("on_hand", "reserved", "damaged", "quarantined")

Item = Annotated[str | None, typer.Option(help="Only this item.")]
Location = Annotated[str | None, typer.Option(help="Only this location.")]

app = typer.Typer(help="Stock: positions, movements, proof.", invoke_without_command=True)


@app.callback()
def inventory(
    context: typer.Context,
    item: Item = None,
    location: Location = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    json_: AsJson = False,
) -> None:
    """What is where, in stock units."""
    if context.invoked_subcommand:
        return
    given = {"item": item, "location": location}
    found = asked(
        lambda api: find_rows(api, "/inventory/positions", given, limit=limit, cursor=cursor)
    )
    if json_:
        print_json(found)
        return
    columns = ("item", "location", *(f"#{name.replace('_', ' ')}" for name in AMOUNTS))
    rows = (
        (row["item"], row["location"], *(row[name] for name in AMOUNTS)) for row in found["items"]
    )
    show(table("Positions", columns, rows))
    tell_the_rest(found)


@app.command()
def movements(
    item: Item = None,
    location: Location = None,
    order: Annotated[str | None, typer.Option(help="Only of this order.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    json_: AsJson = False,
) -> None:
    """Every change of every position, by item, location and number."""
    given = {"item": item, "location": location, "order_id": order}
    found = asked(
        lambda api: find_rows(api, "/inventory/movements", given, limit=limit, cursor=cursor)
    )
    if json_:
        print_json(found)
        return
    columns = (
        *("item", "location", "#n", "kind", *(f"#{name.replace('_', ' ')}" for name in BOOKED)),
        *("order", "document", "lot", "source", "recorded"),
    )
    show(table("Movements", columns, map(_movement, found["items"])))
    tell_the_rest(found)


@app.command()
def proof(
    as_of: Annotated[
        datetime | None, typer.Option(help="A past moment, in UTC; now, unless given.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """Whether every position is where its movements end; exits with 1 when one is not."""
    asks = {"as_of": f"{as_of.isoformat()}Z"} if as_of else {}

    async def look(api: Api) -> Row:
        found: Row = await api.get("/inventory/proof", asks)
        return found

    found = asked(look)
    if json_:
        print_json(found)
    else:
        links = found["broken"]
        show(facts((name, value) for name, value in found.items() if name != "broken"))
        if links:
            columns = ("item", "location", "#n", "why")
            rows = ([link[name.removeprefix("#")] for name in columns] for link in links)
            show(table("Links that do not hold", columns, rows))
    if not found["ok"]:
        raise typer.Exit(1)


def _movement(row: Row) -> tuple[Any, ...]:
    return (
        *(row["item"], row["location"], row["n"], row["kind"], *(row[name] for name in BOOKED)),
        *(row["order_id"], row["document"], row["lot"], row["source"]),
        moment(row["recorded_at"]),
    )

"""`throughline rebuild`: every open order, from its snapshot in PostgreSQL, into this Temporal."""

import asyncio
from typing import Annotated

import typer

from adapters.handover import rebuild
from adapters.postgres.pool import open_pool
from adapters.postgres.records import Records
from adapters.search_attributes import register
from adapters.temporal import Engine, connect
from stack import run_file
from stack.console import failures_told, print_json, report
from stack.supervisor import Report

QUEUE = "orders"


def command(
    temporal: Annotated[
        str, typer.Option(help="Another server than the one that runs here: HOST:PORT.")
    ] = "",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Move all open orders to an empty Temporal. The one before it is refused from now on."""
    with failures_told():
        info = run_file.read()
        address = temporal or str(info["temporal"])
        orders = asyncio.run(rebuild_into(address, str(info["database_url"]), report))
    if json_:
        print_json({"orders": orders, "temporal": address})


async def rebuild_into(address: str, database_url: str, report: Report) -> int:
    """How many orders there were. Safe to repeat."""
    client = await connect(address)
    await register(client)
    async with open_pool(database_url) as pool:
        engine = Engine(client, QUEUE)
        orders = await rebuild(Records(pool), engine, lambda done: report(f"  {done} orders"))
    report(f"{orders} open orders are run by the Temporal at {address} now")
    return orders


async def adopt(address: str, database_url: str, report: Report) -> None:
    """Give the orders to this server where they belong to one that is no more."""
    client = await connect(address)
    async with open_pool(database_url, max_size=2) as pool:
        ours = await Records(pool).claim_engine(await Engine(client, QUEUE).namespace_id())
    if not ours:
        report("Temporal has lost its orders: they are rebuilt from PostgreSQL")
        await rebuild_into(address, database_url, report)

"""`throughline rebuild`: every open order, from its snapshot in PostgreSQL, into this Temporal."""

import asyncio
from typing import Annotated

import typer

from adapters.config import Settings
from adapters.handover import rebuild
from adapters.postgres.pool import open_pool
from adapters.postgres.records import Records
from adapters.search_attributes import register
from adapters.temporal import Engine, connect
from stack import run_file
from stack.console import failures_told, print_json, report
from stack.supervisor import Report


def command(
    temporal: Annotated[
        str, typer.Option(help="Another server than the one that runs here: HOST:PORT.")
    ] = "",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Move all open orders to an empty Temporal. The one before it is refused from now on."""
    with failures_told():
        info = run_file.read()
        settings = Settings(
            database_url=info["database_url"],
            temporal_address=temporal or info["temporal"],
            temporal_namespace=info["temporal_namespace"],
            task_queue=info["task_queue"],
        )
        orders = asyncio.run(rebuild_into(settings, report))
    if json_:
        print_json({"orders": orders, "temporal": settings.temporal_address})


async def rebuild_into(settings: Settings, report: Report) -> int:
    """How many orders there were. Safe to repeat. The settings are those of the workers: they look
    for orders nowhere else.
    """
    client = await connect(settings.temporal_address, settings.temporal_namespace)
    await register(client)
    async with open_pool(settings.database_url) as pool:
        engine = Engine(client, settings.task_queue)
        orders = await rebuild(Records(pool), engine, lambda done: report(f"  {done} orders"))
    report(f"{orders} open orders are run by the Temporal at {settings.temporal_address} now")
    return orders


async def adopt(settings: Settings, report: Report) -> None:
    """Give the orders to this server where they belong to one that is no more."""
    client = await connect(settings.temporal_address, settings.temporal_namespace)
    async with open_pool(settings.database_url, max_size=2) as pool:
        engine = Engine(client, settings.task_queue)
        ours = await Records(pool).claim_engine(await engine.namespace_id())
    if not ours:
        report("Temporal has lost its orders: they are rebuilt from PostgreSQL")
        await rebuild_into(settings, report)

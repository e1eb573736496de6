"""`throughline sample load`: the sample company, into the stack that runs here."""

import asyncio

import typer

from stack import run_file, sample
from stack.client import Api
from stack.console import failures_told, report

app = typer.Typer(help="The sample company.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """The sample company of docs/sample-company.md."""


@app.command()
def load() -> None:
    """Send customers, items, prices, locations and opening stock to the stack that runs here."""
    with failures_told():
        rows = asyncio.run(_load())
    report(f"{rows} rows of master data, and the opening stock")


async def _load() -> int:
    async with Api.of(run_file.read()) as api:
        return await sample.load(api)

"""`throughline sample load|describe`: the sample company, sent to the stack that runs here, or told
of in docs/sample-company.md.
"""

import asyncio
from typing import Annotated

import typer

from stack import run_file, sample, sample_doc
from stack.client import Api
from stack.console import failures_told, report
from stack.places import ROOT

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


@app.command()
def describe(
    write: Annotated[bool, typer.Option("--write", help="Into docs/sample-company.md.")] = False,
) -> None:
    """Print docs/sample-company.md, or write it where it belongs."""
    if write:
        sample_doc.PAGE.write_text(sample_doc.page())
        report(f"{sample_doc.PAGE.relative_to(ROOT)} is current.")
    else:
        print(sample_doc.page(), end="")


async def _load() -> int:
    async with Api.of(run_file.read()) as api:
        return await sample.load(api)

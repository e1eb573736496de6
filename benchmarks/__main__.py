"""`python -m benchmarks [NAME] [--json] [--rounds N] [--quick] [--write]`."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from adapters.process import end_with
from benchmarks import (
    availability,
    burst,
    ingest,
    lifecycle,
    open_orders,
    reserve,
    subscribers,
)
from benchmarks.report import write_row
from benchmarks.result import Result, print_table
from benchmarks.site import Site, servers
from stack.console import failures_told, report

Measure = Callable[[Site, int, bool], Coroutine[Any, Any, Result]]

BENCHMARKS: dict[str, Measure] = {
    "lifecycle": lifecycle.measure,
    "ingest": ingest.measure,
    "burst": burst.measure,
    "open_orders": open_orders.measure,
    "reserve": reserve.measure,
    "availability": availability.measure,
    "subscribers": subscribers.measure,
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(BENCHMARKS)}; or all.")] = "all",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object as the last line.")
    ] = False,
    rounds: Annotated[int, typer.Option(min=1, help="Of each, in turn; medians count.")] = 5,
    quick: Annotated[bool, typer.Option(help="Smaller: to see that it runs.")] = False,
    write: Annotated[bool, typer.Option(help="Put the figures into docs/benchmarks.md.")] = False,
) -> None:
    """Measure, each beside its floor, on servers of its own; exits with 1 below a target."""
    if name not in (*BENCHMARKS, "all"):
        raise typer.BadParameter(f"no benchmark {name!r}; one of {', '.join(BENCHMARKS)}")
    if quick and write:
        raise typer.BadParameter("what is only quick is not written down")
    missed = []
    for each in BENCHMARKS if name == "all" else [name]:
        with failures_told(), servers() as site:
            result = asyncio.run(BENCHMARKS[each](site, rounds, quick))
        print_table(result)
        if write:
            write_row(result)
        if as_json:
            print(json.dumps(result.as_json()), flush=True)
        if not quick and not result.reached:  # a quick one is too short to be held against it
            missed.append(
                f"{each}: {result.ratio:.3f} of the floor, at least {result.target} wanted"
            )
    for line in missed:
        report(line)
    if missed:
        raise typer.Exit(1)


if __name__ == "__main__":
    end_with(app)

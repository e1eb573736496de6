"""`throughline up`: the whole stack in the foreground, until Ctrl-C."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from stack import run_file, sample
from stack.client import Api
from stack.console import failures_told, report
from stack.interrupts import until_stopped
from stack.places import DATA
from stack.running import Setup, Stack, running_stack, temporal_program


def up(
    workers: Annotated[int, typer.Option(min=1, max=8, help="How many worker processes.")] = 1,
) -> None:
    """Start everything, keep it running, and stop it on Ctrl-C."""
    with failures_told():
        program = temporal_program(report)
        asyncio.run(until_stopped(_serve(Setup(workers=workers), program)))
    report("Stopped.")


async def _serve(setup: Setup, program: Path | None) -> None:
    async with running_stack(setup, program, report) as stack:
        stack.publish()
        async with Api.of(stack.info) as api:
            await sample.load(api)
        _welcome(stack)
        await stack.supervisor.watch()


def _welcome(stack: Stack) -> None:
    info = stack.info
    report(f"  {'api':12} {info['api']}, described at {info['api']}/docs")
    report(f"  {'temporal ui':12} {info['temporal_ui'] or 'of the server that was given'}")
    report(f"  {'metrics':12} {info['metrics']}")
    report(f"  {'more':12} {DATA / run_file.NAME}, logs in {DATA / 'logs'}")
    report("Everything runs. Ctrl-C stops it.")

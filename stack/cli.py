"""The command line. Each command, or group of commands, is a module; this file lists them.

A command is a function with typed arguments, a group is a `typer.Typer`. To add one, write its
module and register it below. Data is printed by `console.print_json` under `--json`, progress by
`console.report`, and a `StackError` under `console.failures_told` ends with its message and 1.
"""

import os
import signal
from typing import Annotated

import typer

from stack import (
    doctor,
    entry_points,
    lifecycle_doc,
    migration,
    prepare,
    rebuild,
    sample_command,
    up,
)
from stack.account import command as account_command
from stack.commands import dead_letters, events, holds, imports, inventory, keys, orders
from stack.demo import command as demo_command
from stack.launch import follow

app = typer.Typer(
    name="throughline",
    help="Durable order orchestration: run it, look into it, repair it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they may hold keys
)


@app.callback()
def options(
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="Stop when the process that started this ends.")
    ] = False,
) -> None:
    if with_parent:
        follow(os.getppid(), signal.SIGTERM)


app.command()(up.up)
app.command()(demo_command.demo)
app.command()(doctor.doctor)
app.command()(prepare.prepare)
app.command("rebuild")(rebuild.command)
app.command()(account_command.account)
app.command()(orders.orders)
app.command("import")(imports.import_orders)
app.add_typer(holds.app, name="holds")
app.add_typer(dead_letters.app, name="deadletters")
app.command()(events.events)
app.add_typer(inventory.app, name="inventory")
app.command()(orders.audit)
app.add_typer(keys.app, name="keys")
app.add_typer(migration.app, name="migration")
app.add_typer(sample_command.app, name="sample")
app.add_typer(lifecycle_doc.app, name="docs")
app.command(context_settings=entry_points.PASSED_ON)(entry_points.worker)
app.command(context_settings=entry_points.PASSED_ON)(entry_points.api)

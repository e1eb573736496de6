"""`throughline migration draft NAME`: the next revision of the tables, from what they declare."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from alembic import command
from alembic.script import Script, ScriptDirectory

from adapters.postgres.migrate import alembic_config, connect, upgrade
from stack.console import failures_told, report
from stack.places import ROOT, StackError
from stack.testing import postgres_for_tests

app = typer.Typer(help="Changes to the tables.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keeps `draft` a word of its own while it is the only command."""


@app.command()
def draft(
    name: Annotated[str, typer.Argument(help="What changes, in a few words.")] = "initial",
    initial: Annotated[
        bool, typer.Option("--initial", help="Write the first revision anew.")
    ] = False,
) -> None:
    """Write the revision that brings the newest database to what the tables declare now."""
    with failures_told():
        report(f"Wrote {_draft(name, initial)}")


def _draft(name: str, initial: bool) -> Path:
    with postgres_for_tests(own=True) as url:
        scripts = ScriptDirectory.from_config(alembic_config())
        known = list(scripts.walk_revisions())
        if initial:
            if len(known) > 1:
                raise StackError("There are later revisions by now: draft another one.")
            for revision in known:
                Path(revision.path).unlink()
            known = []
        else:
            upgrade(url)
        with connect(url) as connection:
            drafted = command.revision(
                alembic_config(connection),
                name.replace("_", " "),
                autogenerate=True,
                rev_id=f"{len(known) + 1:04}",
            )
    assert isinstance(drafted, Script)
    path = Path(drafted.path)
    for tidy in (("format", "--quiet"), ("check", "--fix", "--quiet")):
        subprocess.run([sys.executable, "-m", "ruff", *tidy, str(path)], check=True, cwd=ROOT)
    return path.relative_to(ROOT)

"""`throughline worker` and `throughline api`: one process, configured by its environment."""

import os
import sys
from typing import NoReturn

import typer

from stack.places import ROOT

PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def worker(context: typer.Context) -> None:
    """Run a worker here; options are the worker's own."""
    _become([str(ROOT / "worker.py"), *context.args])


def api(context: typer.Context) -> None:
    """Run the HTTP API here; options are the API's own."""
    _become(["-m", "api", *context.args])


def _become(arguments: list[str]) -> NoReturn:
    """Be that process, so that signals and the exit status are its own."""
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - a list, no shell

"""How a process of ours ends."""

import asyncio
import gc
import logging
import os
import sys
import traceback
from collections.abc import Callable, Coroutine
from typing import NoReturn


def leave(status: int) -> NoReturn:
    """End the process now with `status`: flush what was written, run no finaliser.

    The Temporal SDK's native threads abort some processes (status 134) while the interpreter is
    taken down, so no process of ours lets it come to that. Close everything before you call this.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            # Whoever read us has gone: what is left cannot be delivered, and says nothing of us.
            status = status or 1
    os._exit(status)


def spare_the_collector(*, young: int = 700, old: int = 10) -> None:
    """Call when a process that serves has loaded everything: what is there stays, so the garbage
    collector need not look at it again.

    Nor need it look as often. `young`: how many objects more make it look at the new ones; `old`:
    how many times it looks at those of middle age before it looks at all (Python's `gc` module;
    what is given here if nothing is said is what Python does).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(young, 10, old)


def run(main: Coroutine[object, object, int | None]) -> NoReturn:
    """Run an entry point that is a coroutine to its end, and leave as `end_with` does."""
    end_with(lambda: asyncio.run(main))


def end_with(main: Callable[[], int | None]) -> NoReturn:
    """Call an entry point and leave with the status it returns (None is 0).

    SystemExit means what it says; Ctrl-C leaves with 130, as a shell expects; any other exception
    is printed and leaves with 1.
    """
    try:
        status = main() or 0
    except KeyboardInterrupt:
        status = 130
    except SystemExit as asked:
        status = _status(asked)
    except BaseException:  # noqa: BLE001 - the outermost frame: printed, and told by the status
        traceback.print_exc()
        status = 1
    leave(status)


def _status(asked: SystemExit) -> int:
    if asked.code is None or isinstance(asked.code, int):
        return asked.code or 0
    sys.stderr.write(f"{asked.code}\n")
    return 1

"""Dying at a named point, so that tests can prove that nothing is lost there."""

import os
import signal

VARIABLE = "THROUGHLINE_CRASH_AT"

_passed: dict[str, int] = {}


def crash_point(name: str) -> None:
    """`THROUGHLINE_CRASH_AT=record:3` kills this process the third time it gets to `record`.

    Does nothing where the variable is not set.
    """
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if wanted == f"{name}:{_passed[name]}":
        os.kill(os.getpid(), signal.SIGKILL)

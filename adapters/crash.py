"""Dying at a named point, so that tests can prove that nothing is lost there.

A point stands behind every commit that somebody waits to hear of: a run of its activity, a client
of his answer, a loop of what it need not do again. There is none where death is the same as at
another point:

- a loop's lease taken or given up: as anywhere in that loop;
- a meter's token taken, a system closed: as before the call, which nobody has heard of yet;
- what an order waits for, noted or cleared: as before its call's next attempt, or after its answer;
- unknown orders' messages buried, stock beyond what is there taken back: the loop's next round
  does not find them again;
- subscriptions, keys, limits and pauses: set up by people, who look;
- tables brought up to date, orders moved to another engine: commands that are given again.
"""

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

"""How long an order waits for what: data on the order, so that a test waits milliseconds."""

from datetime import timedelta

from domain.base import Fact


class Patience(Fact):
    """`answer`: for a system that said it would answer later. `close`: after the last thing to do,
    for something more to come. `renew_always` continues as new at every wait, for tests.
    """

    answer: timedelta = timedelta(days=2)
    close: timedelta = timedelta(0)
    renew_always: bool = False

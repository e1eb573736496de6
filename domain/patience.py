"""How long an order waits for what: data on the order, so that a test waits milliseconds."""

from datetime import timedelta

from domain.base import Fact


class Patience(Fact):
    """`answer`: for a system that said it would answer later. `close`: after the last thing to do,
    for something more to come. `our_call` and `outside_call`: for one call on our own database, or
    on another company's system, before it is made again; so long does a killed worker hold an order
    up. `retry`: before a call that failed is made again, doubled each time. `renew_always`
    continues as new at every wait, for tests.
    """

    answer: timedelta = timedelta(days=2)
    close: timedelta = timedelta(0)
    our_call: timedelta = timedelta(seconds=10)
    outside_call: timedelta = timedelta(seconds=30)
    retry: timedelta = timedelta(seconds=1)
    renew_always: bool = False

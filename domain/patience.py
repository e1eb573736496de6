"""How long an order waits for what: data on the order, so that a test waits milliseconds."""

from datetime import timedelta

from domain.base import Fact


class Patience(Fact):
    """How long to wait for what.

    `answer`: for a system that said it would answer later. `estimate`: for the tax engine, before
    an order goes on without knowing what its tax will be. `credit`: how long it is believed that
    the account is good for what was claimed; a release after that asks again. `authorisation`: how
    long a claim on a card is good for. `delivery`: after the last word of a parcel, before it is
    looked for; without it nobody waits for parcels. `held_stock`: how long an order that is held
    keeps its goods. `close`: after the last thing to do, for something more to come. `our_call`,
    `outside_call`: for one call on our own database, or on another company's system, before it is
    made again; so long does a killed worker hold an order up. `retry`: before a call that failed is
    made again, doubled each time. `renew_always` continues as new at every wait, for tests.
    """

    answer: timedelta = timedelta(days=2)
    estimate: timedelta = timedelta(minutes=1)
    credit: timedelta = timedelta(days=1)
    authorisation: timedelta = timedelta(days=6)
    delivery: timedelta | None = None
    held_stock: timedelta | None = None
    close: timedelta = timedelta(0)
    our_call: timedelta = timedelta(seconds=10)
    outside_call: timedelta = timedelta(seconds=30)
    retry: timedelta = timedelta(seconds=1)
    renew_always: bool = False

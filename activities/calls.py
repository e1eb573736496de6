"""How every call on an outside system is made: ask before repeating, and give up on nonsense."""

from collections.abc import Mapping
from time import monotonic
from typing import TypeVar

from temporalio import activity

from adapters.crash import crash_point
from adapters.port import Standing
from domain.answer import Answer, Done, Refused, Unclear
from domain.base import Goal
from domain.documents import Document, Instruction
from domain.errors import Unavailable, UnexpectedAnswer

D = TypeVar("D", bound=Document)
S = TypeVar("S")

TRIES = 5
"""How often an answer nobody understands is asked for again before a person is."""


def chosen(systems: Mapping[str, S], told: Instruction[D]) -> S:
    """The system instance that was meant. One that is not set up here is `Unavailable`."""
    try:
        return systems[told.system]
    except KeyError:
        raise Unavailable(f"no system {told.system!r} is set up here") from None


def _must_be_in_time(info: activity.Info, began: float) -> None:
    """A worker that was stopped for a while must not do now what may have been amended since."""
    allowed = info.start_to_close_timeout
    if allowed is not None and monotonic() > began + allowed.total_seconds():
        raise Unavailable("too late: it may be another attempt's turn")


async def make_stand(port: Standing[D], told: Instruction[D]) -> Answer:
    """Ask before repeating: an earlier call may have done it without our hearing of it."""
    info, began = activity.info(), monotonic()
    stands: Goal | None = None
    try:
        if told.ask or info.attempt > 1:
            found = await port.find(told.key) or Done(standing={})
            if found.standing == told.document.goal:
                return found
            stands = found.standing
        _must_be_in_time(info, began)
        answer = await port.make_stand(told.key, told.document)
    except UnexpectedAnswer as nonsense:
        # Kept from attempt to attempt: outages between them do not count.
        times = 1 + (int(info.heartbeat_details[0]) if info.heartbeat_details else 0)
        if times >= TRIES:
            return Unclear(detail=str(nonsense))
        activity.heartbeat(times)
        raise
    crash_point(f"partner-{told.effect.partition('/')[0]}")
    if isinstance(answer, Refused):
        return answer.model_copy(update={"standing": stands})
    return answer

"""How every call on an outside system is made: ask before repeating, and give up on nonsense."""

from collections.abc import Mapping
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


async def make_stand(port: Standing[D], told: Instruction[D]) -> Answer:
    """Ask before repeating: an earlier call may have done it without our hearing of it."""
    info = activity.info()
    repeated = info.attempt > 1 or info.workflow_run_id != told.run
    stands: Goal | None = None
    try:
        if told.ask or repeated:
            found = await port.find(told.key) or Done(standing={})
            if found.standing == told.document.goal:
                return found
            stands = found.standing
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

"""Actions under way."""

from dataclasses import dataclass

from temporalio.workflow import ActivityHandle

from domain.answer import Answer, Unclear
from domain.effect import Action
from domain.errors import Inherited, Replaced, caused_by


@dataclass
class Call:
    """An action under way."""

    action: Action
    handle: ActivityHandle[Answer]
    interrupted: bool = False

    def answer(self) -> Answer | None:
        """What came back; `None` when nobody knows how it ended."""
        if self.handle.cancelled():
            return None
        failure = self.handle.exception()
        if failure is None:
            return self.handle.result()
        if caused_by(failure, Replaced):
            raise Replaced("another run has the order") from failure
        nobody_knows = self.interrupted or caused_by(failure, Inherited)
        return None if nobody_knows else Unclear(detail=_reason(failure))


def _reason(failure: BaseException) -> str:
    cause = failure.__cause__ or failure
    return f"{type(cause).__name__}: {cause}"[:500]

"""Bad news that is not an answer. Errors cross processes by name: test them with `caused_by`."""

from datetime import timedelta

from temporalio.exceptions import ApplicationError


class Unavailable(ApplicationError):
    """A system could not answer now. Retried for ever; what it did meanwhile is unknown.

    `retry_after` is the system's own advice on when to ask again.
    """

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message, type=type(self).__name__, next_retry_delay=retry_after)


class UnexpectedAnswer(ApplicationError):
    """A system answered something its contract does not know. What it did is unknown."""

    def __init__(self, message: str) -> None:
        super().__init__(message, type=type(self).__name__)


class Replaced(ApplicationError):
    """Another run has this order now; this one must not touch anything any more."""

    def __init__(self, message: str) -> None:
        super().__init__(message, type=type(self).__name__, non_retryable=True)


class Inherited(ApplicationError):
    """A run before this one wanted this call, and it has not been made again."""

    def __init__(self, message: str) -> None:
        super().__init__(message, type=type(self).__name__, non_retryable=True)


def caused_by(error: BaseException, kind: type[ApplicationError]) -> bool:
    """Whether `kind` lies anywhere beneath `error`, however many processes it has crossed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ApplicationError) and cause.type == kind.__name__:
            return True
        cause = cause.__cause__
    return False

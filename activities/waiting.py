"""Notes what orders wait for, whatever the activity: the order page and support read it."""

import logging
from typing import Any

import psycopg
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from adapters.postgres.waiting import Waiting
from domain.documents import Instruction

log = logging.getLogger(__name__)


class WaitingInterceptor(Interceptor):
    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Noting(next, self._waiting)


class _Noting(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, waiting: Waiting) -> None:
        super().__init__(next)
        self._waiting = waiting

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        told = next((arg for arg in input.args if isinstance(arg, Instruction)), None)
        if told is None:
            return await super().execute_activity(input)
        attempt = activity.info().attempt
        try:
            answer = await super().execute_activity(input)
        except (ApplicationError, psycopg.Error) as failure:
            await self._note(told, attempt, _words(failure))
            raise
        if attempt > 1 or told.ask:  # the call before this one may have been given up, waiting
            await self._clear(told)
        return answer

    async def _note(self, told: Instruction[Any], attempt: int, error: str) -> None:
        try:
            await self._waiting.note(
                told.document.order_id,
                told.effect,
                told.system or "our database",
                attempts=attempt,
                last_error=error,
            )
        except psycopg.Error as failure:
            # Without a database there is nowhere to note it; the call fails and is retried anyway.
            log.warning("cannot note that %s waits: %s", told.key, failure)

    async def _clear(self, told: Instruction[Any]) -> None:
        try:
            await self._waiting.clear(told.document.order_id, told.effect)
        except psycopg.Error as failure:
            log.warning("cannot note that %s waits no more: %s", told.key, failure)


def _words(failure: ApplicationError | psycopg.Error) -> str:
    """Temporal's errors say themselves of which type they are."""
    told = str(failure)
    return told if isinstance(failure, ApplicationError) else f"{type(failure).__name__}: {told}"

"""After a reset Temporal makes the calls that were under way once more, for another run than the
one that wanted them. They may be long out of date: that run asks anew for what it wants.
"""

from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from domain.documents import Instruction
from domain.errors import Inherited
from domain.order import Entry


class OwnRunInterceptor(Interceptor):
    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _OwnRun(next)


class _OwnRun(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        for told in input.args:
            if isinstance(told, Instruction | Entry) and told.run != info.workflow_run_id:
                raise Inherited(f"run {told.run} wanted this {info.activity_type}")
        return await super().execute_activity(input)

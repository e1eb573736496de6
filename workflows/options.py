"""How patient we are with each kind of system: the only timeouts and retry policies there are."""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig, LocalActivityConfig

# Quick or not at all: a local activity that lingers holds up the order's messages.
RECORD = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=2),
    schedule_to_close_timeout=timedelta(seconds=5),
    local_retry_threshold=timedelta(seconds=2),
    retry_policy=RetryPolicy(maximum_attempts=3),
)

# The intervals grow to half a minute, for ever: what takes ten minutes adds no event.
OUR_DATABASE = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=30)),
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

OUTSIDE_SYSTEM = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=5)),
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

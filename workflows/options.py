"""How patient we are with each kind of system: the only timeouts and retry policies there are."""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig, LocalActivityConfig

from domain.patience import Patience

# Quick or not at all: a local activity that lingers holds up the order's messages.
RECORD = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=2),
    schedule_to_close_timeout=timedelta(seconds=5),
    local_retry_threshold=timedelta(seconds=2),
    retry_policy=RetryPolicy(maximum_attempts=3),
)


def our_database(patience: Patience) -> ActivityConfig:
    """For a call on our own database."""
    return ActivityConfig(
        start_to_close_timeout=patience.our_call,
        retry_policy=_for_ever(patience, timedelta(seconds=30)),
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )


def outside_system(patience: Patience) -> ActivityConfig:
    """For a call on another company's system."""
    return ActivityConfig(
        start_to_close_timeout=patience.outside_call,
        retry_policy=_for_ever(patience, timedelta(minutes=5)),
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )


def _for_ever(patience: Patience, longest: timedelta) -> RetryPolicy:
    # What is retried for ever at growing intervals adds no event, however long it takes.
    longest = max(longest, patience.retry)
    return RetryPolicy(initial_interval=patience.retry, maximum_interval=longest)

"""The table of paths an order can take. Every test that disturbs an order disturbs all of them,
and every one has a recorded history; whoever adds a path adds a line here and records it
(`python -m tests.replay.record`).
"""

from collections.abc import Awaitable, Callable

from tests.replay import plays, trouble
from tests.workflows.world import World

Play = Callable[[World], Awaitable[None]]

PATHS: dict[str, Play] = {
    play.__name__: play
    for play in (
        plays.shipped,
        plays.split,
        plays.renewed_at_every_wait,
        plays.shipped_in_parts,
        plays.step_by_step,
        plays.told_before_it_was_placed,
        plays.delivered_after_the_close,
        plays.shipped_again_after_the_close,
        plays.amended_up,
        plays.amended_down,
        plays.amended_there_and_back,
        plays.cancelled_when_held,
        plays.cancelled_over_the_limit,
        plays.cancelled_backordered,
        plays.cancelled_when_released,
        plays.cancelled_in_part,
        plays.cancelled_after_a_shipment,
        plays.of_an_unknown_customer,
        plays.of_an_unknown_item,
        plays.at_another_price,
        plays.released_before_it_is_held,
        plays.like_another,
        plays.held_by_hand,
        plays.over_the_limit,
        plays.backordered,
        plays.backordered_whole,
        plays.counted_short,
        plays.overshipped,
        plays.by_card,
        plays.cancelled_by_card,
        plays.returned_after_the_close,
        plays.returned_by_card,
        trouble.cancelled_in_an_outage,
        trouble.the_recall_is_refused,
        trouble.shipped_although_cancelled,
        trouble.rejected_by_the_warehouse,
        trouble.refused_by_the_warehouse,
        trouble.the_card_is_declined,
        trouble.answered_later,
        trouble.refused_later,
        trouble.never_answered,
        trouble.cancelled_while_pending,
        trouble.done_without_an_answer,
        trouble.not_understood_five_times,
        trouble.throttled_everywhere,
        trouble.told_nonsense,
        trouble.recorded_with_patience,
    )
}

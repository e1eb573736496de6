"""The stories of the demo's day: what becomes of each kind of order, and how often."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from stack.demo import going_out as out
from stack.demo import going_wrong as wrong
from stack.demo.day import Day

Story = Callable[[Day], Awaitable[None]]
"""Tells one order's story. Raises `StackError` when it goes otherwise than it should."""


@dataclass(frozen=True)
class Kind:
    name: str
    tell: Story
    weight: int = 1


KINDS = [
    Kind("from stock", out.stock_order, 8),
    Kind("lost parcel", wrong.lost_parcel),
    Kind("late return", wrong.returned_late),
    Kind("exchange", wrong.exchanged),
    Kind("return with a fee", wrong.returned_with_fee),
    Kind("credit without return", wrong.credited_without_return),
    Kind("short pick", wrong.picked_short),
    Kind("carrier refuses", wrong.carrier_refuses),
    Kind("carrier outage", wrong.carrier_is_away),
    Kind("backordered", out.backordered_order),
    Kind("all together", out.complete_order),
    Kind("quote accepted", out.quoted_order),
    Kind("kit", out.kit_order, 2),
    Kind("drop-ship", out.drop_shipped_order, 2),
    Kind("prepaid", out.prepaid_order),
    Kind("by card", out.card_order, 3),
    Kind("credit hold released", out.limit_raised),
    Kind("over the credit limit", out.over_the_limit),
    Kind("price off contract", out.price_off_contract, 2),
    Kind("looks like another", out.looks_like_another),
    Kind("item not known yet", out.unknown_item),
    Kind("sent twice", out.sent_twice, 2),
    Kind("cancelled at once", out.cancelled_order, 2),
    Kind("cancelled after release", out.recalled_order, 2),
    Kind("amended", out.amended_order, 2),
    Kind("tax exempt", out.exempt_order, 3),
    Kind("contract prices", out.contract_order, 4),
    Kind("two warehouses", out.split_order, 6),
    Kind("web shop", out.shop_order, 6),
]
"""The plainest one, and then what takes long before what does not."""


def chosen(orders: int, lots: random.Random) -> list[Kind]:
    """So many stories: as the weights say and in lots' order, but one of each kind goes first."""
    weighted = [kind for kind in KINDS for _ in range(kind.weight)]
    rest = [weighted[n % len(weighted)] for n in range(orders)]
    for kind in KINDS:
        if kind in rest:
            rest.remove(kind)
    if orders < len(weighted):
        rest = lots.choices(weighted, k=max(orders - len(KINDS), 0))
    lots.shuffle(rest)
    return [*KINDS, *rest][:orders]

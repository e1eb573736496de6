"""Holds: a scope of an order parked until somebody decides, or until it no longer matters."""

import hashlib
from datetime import datetime

from domain.base import Fact

OWNERS = {
    "unknown_customer": "customer service",
    "unknown_item": "master data",
    "unknown_unit": "master data",
    "invalid_address": "customer service",
    "price_mismatch": "pricing",
    "no_price": "pricing",
    "currency_mismatch": "pricing",
    "suspected_duplicate": "customer service",
    "credit_limit": "credit",
    "payment_declined": "credit",
    "unavailable_inventory": "inventory",
    "payment_difference": "credit",
    "lost_parcel": "customer service",
    "delivery_exception": "customer service",
    "return_expired": "customer service",
    "overshipped": "warehouse",
    "overreturned": "warehouse",
    "warehouse_rejected": "warehouse",
    "recall_refused": "warehouse",
    "compensation_refused": "operations",
    "no_answer": "operations",
    "unexpected_answer": "operations",
    "manual": "customer service",
}
"""Who looks after a hold of this reason; whatever a system refused is for operations."""

PAYMENT_DIFFERENCE = "payment_difference"

WAIVABLE = frozenset({"price_mismatch", "suspected_duplicate"})
"""Releasing one of these accepts what it is about. All others are looked into again."""

CLEARS_ON = {
    "unknown_customer": "the customer exists, then release",
    "unknown_item": "the item exists, then release",
    "unknown_unit": "the item has the unit, then release",
    "invalid_address": "the address is amended, or release to try again",
    "no_price": "a price exists, then release",
    "price_mismatch": "release to accept the price, or cancel",
    "currency_mismatch": "release after the customer's currency was changed, or cancel",
    "suspected_duplicate": "release to go on, or cancel",
    "credit_limit": "credit is available, then release",
    "payment_declined": "release to try again, or cancel",
    "payment_difference": "the difference is paid or given back, and noted",
    "lost_parcel": "it is delivered, credited or comes back; release to wait for it again",
    "delivery_exception": "it is delivered, credited or comes back; release to wait for it again,"
    " or when what arrived after its credit is settled",
    "return_expired": "release to credit it nevertheless",
    "overshipped": "release when the difference is agreed",
    "overreturned": "release when the difference is agreed",
    "no_answer": "the answer comes, or release to ask again",
    "manual": "release",
}


class Problem(Fact):
    """Something that must be decided before `scope` can go on: an order, a line, a fulfilment."""

    reason: str
    scope: str = "order"
    detail: str = ""


class Hold(Fact):
    """`scope` is `order`, `line/<line>`, `fulfilment/<source>`, `shipment/<id>` or `return/<id>`;
    `effect` what waits for it. It ends by itself at `until`.

    `id` is unique for ever: a hold placed again for the same reason is another hold.
    """

    id: str
    reason: str
    scope: str = "order"
    detail: str = ""
    effect: str | None = None
    since: datetime
    until: datetime | None = None
    released_at: datetime | None = None
    released_by: str = ""

    @property
    def open(self) -> bool:
        return self.released_at is None

    @property
    def owner(self) -> str:
        return OWNERS.get(self.reason, "operations")

    @property
    def clears_on(self) -> str:
        return clears_on(self.reason)


def hold_id(order_id: str, problem: Problem, fact: str) -> str:
    """Of the hold that this fact places for this problem, and of no other one."""
    named = f"{fact}/{problem.scope}/{problem.reason}"
    return f"{order_id}-H{hashlib.sha256(named.encode()).hexdigest()[:8]}"


def clears_on(reason: str) -> str:
    """What ends a hold of this reason."""
    return CLEARS_ON.get(reason, "release to try again, or cancel")

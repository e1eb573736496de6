"""The search attributes that change while an order goes on, by which operators find it."""

from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from domain.story import Found

COMPANY = SearchAttributeKey.for_keyword("Company")
STATUS = SearchAttributeKey.for_keyword("OrderStatus")
HOLD_REASON = SearchAttributeKey.for_keyword_list("HoldReason")
WAREHOUSES = SearchAttributeKey.for_keyword_list("Warehouses")
INVOICES = SearchAttributeKey.for_keyword_list("Invoices")
TOTAL = SearchAttributeKey.for_float("Total")
CLOSED_AT = SearchAttributeKey.for_datetime("ClosedAt")


def changes(old: Found, new: Found) -> list[SearchAttributeUpdate[Any]]:
    """What differs, to be told in one event."""
    updates: list[SearchAttributeUpdate[Any]] = []
    if old.company != new.company:
        updates.append(COMPANY.value_set(new.company))
    if old.status != new.status:
        updates.append(STATUS.value_set(new.status))
    if old.hold_reasons != new.hold_reasons:
        updates.append(HOLD_REASON.value_set(new.hold_reasons))
    if old.warehouses != new.warehouses:
        updates.append(WAREHOUSES.value_set(new.warehouses))
    if old.invoices != new.invoices:
        updates.append(INVOICES.value_set(new.invoices))
    if old.total != new.total:
        updates.append(TOTAL.value_set(_indexed(new)))
    if old.closed_at != new.closed_at:
        closed = new.closed_at
        updates.append(CLOSED_AT.value_set(closed) if closed else CLOSED_AT.value_unset())
    return updates


def _indexed(found: Found) -> float:
    """The index knows no decimals; nothing is ever computed with this."""
    return found.total.__float__()

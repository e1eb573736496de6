"""The search attributes of an order, by which operators find it in Temporal's UI.

An attribute the server does not know fails the workflow task that sets it, for ever: every worker
and the stack register them before any order runs.
"""

from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

SEARCH_ATTRIBUTES: dict[str, str] = {
    "OrderNumber": "Keyword",
    "Company": "Keyword",
    "Channel": "Keyword",
    "Customer": "Keyword",
    "PurchaseOrder": "Keyword",
    "Invoices": "KeywordList",
    "OrderStatus": "Keyword",
    "HoldReason": "KeywordList",
    "Warehouses": "KeywordList",
    "Total": "Double",
    "ClosedAt": "Datetime",
}
"""Name and type, in the words `temporal server start-dev --search-attribute` takes."""

_INDEXED = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "KeywordList": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
    "Double": IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}
_PATIENCE = timedelta(seconds=10)


class SearchAttributeMismatch(Exception):
    """The server knows one of our names with another type; it cannot be changed from here."""


async def register(client: Client) -> list[str]:
    """Make the server know every attribute; returns the names it did not know yet.

    Safe to call again and from several processes at once. Raises `SearchAttributeMismatch` when a
    name is taken by another type.
    """
    missing = await _missing(client)
    if missing:
        try:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace,
                    search_attributes={name: _INDEXED[SEARCH_ATTRIBUTES[name]] for name in missing},
                ),
                timeout=_PATIENCE,
            )
        except RPCError as refused:
            # Another process registered them in between: right, if none is missing any more.
            if refused.status is not RPCStatusCode.ALREADY_EXISTS or await _missing(client):
                raise
    return missing


async def _missing(client: Client) -> list[str]:
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace), timeout=_PATIENCE
    )
    for name, kind in SEARCH_ATTRIBUTES.items():
        if known.custom_attributes.get(name, _INDEXED[kind]) != _INDEXED[kind]:
            raise SearchAttributeMismatch(f"the server knows {name}, but not as {kind}")
    return [name for name in SEARCH_ATTRIBUTES if name not in known.custom_attributes]

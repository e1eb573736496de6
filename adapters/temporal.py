"""How every process reaches Temporal, so that all of them encode payloads alike."""

import time
from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import DataConverter, PayloadConverter
from temporalio.service import RPCError, RPCStatusCode

from domain.message import Message, Placed
from domain.order import Order, workflow_id

ORDER_NUMBER = SearchAttributeKey.for_keyword("OrderNumber")
CHANNEL = SearchAttributeKey.for_keyword("Channel")
CUSTOMER = SearchAttributeKey.for_keyword("Customer")
PURCHASE_ORDER = SearchAttributeKey.for_keyword("PurchaseOrder")


ASK_AGAIN = 5.0
"""Seconds until a server is asked again which one it is."""

_PYDANTIC = PydanticPayloadConverter()


class _OneConverter(PayloadConverter):
    """The SDK makes converters for every task of an order, and each would learn our types anew."""

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        return _PYDANTIC.to_payloads(values)

    def from_payloads(
        self, payloads: Sequence[Payload], type_hints: list[type] | None = None
    ) -> list[Any]:
        return _PYDANTIC.from_payloads(payloads, type_hints)


DATA_CONVERTER = DataConverter(payload_converter_class=_OneConverter)


async def connect(address: str, namespace: str = "default") -> Client:
    """Raises RuntimeError while nothing answers there."""
    return await Client.connect(address, namespace=namespace, data_converter=DATA_CONVERTER)


class Engine:
    """Gets messages to orders, starting whichever is not running."""

    def __init__(self, client: Client, queue: str) -> None:
        self._client = client
        self._queue = queue
        self._namespace_id = ""
        self._asked_at = float("-inf")

    async def namespace_id(self, *, afresh: bool = False) -> str:
        """Unique to this server's namespace, also among namespaces of the same name.

        Asked again now and then, and `afresh`: at the same address may be another server by now.
        """
        if afresh or time.monotonic() > self._asked_at + ASK_AGAIN:
            self._asked_at = time.monotonic()
            answer = await self._client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=self._client.namespace)
            )
            self._namespace_id = answer.namespace_info.id
        return self._namespace_id

    async def signal(self, order_id: str, messages: Sequence[Message]) -> bool:
        """Whether the order was there to hear it."""
        try:
            await self._client.get_workflow_handle(workflow_id(order_id)).signal(
                "deliver", _written(messages)
            )
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def current_run(self, order_id: str) -> str | None:
        handle = self._client.get_workflow_handle(workflow_id(order_id))
        return (await handle.describe()).run_id

    async def restart(self, order: Order) -> None:
        """Start it from this state, in place of whatever runs under its name."""
        await self._client.start_workflow(
            "OrderWorkflow",
            order,
            id=workflow_id(order.id),
            task_queue=self._queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
            search_attributes=_attributes(order, ()),
        )

    async def start(self, order: Order, messages: Sequence[Message] = ()) -> None:
        """Start it from this state, or just tell it the messages if it runs already."""
        await self._client.start_workflow(
            "OrderWorkflow",
            order,
            id=workflow_id(order.id),
            task_queue=self._queue,
            start_signal="deliver",
            start_signal_args=[_written(messages)],
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            search_attributes=_attributes(order, messages),
        )


def _written(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """As the order reads them; of a placed order, whose lines are many, only what was said."""
    return [
        {
            **message.model_dump(mode="json", exclude_defaults=isinstance(message, Placed)),
            "kind": message.kind,
        }
        for message in messages
    ]


def _attributes(order: Order, messages: Sequence[Message]) -> TypedSearchAttributes:
    """What an operator finds the order by, known from the start."""
    placed = next((m.order for m in messages if isinstance(m, Placed)), None)
    said = order.header or placed
    pairs = [SearchAttributePair(ORDER_NUMBER, order.id)]
    if said is not None:
        pairs += [
            SearchAttributePair(CHANNEL, said.channel),
            SearchAttributePair(CUSTOMER, said.customer),
            SearchAttributePair(PURCHASE_ORDER, said.purchase_order or said.reference),
        ]
    return TypedSearchAttributes(pairs)

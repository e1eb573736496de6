"""Ways to see that a service works. Each returns None when it does, else what is wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import psycopg
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from adapters.search_attributes import register

Ready = Callable[[], Awaitable[str | None]]


def answers_http(url: str) -> Ready:
    """Any answer below 400."""

    async def ready() -> str | None:
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            try:
                answer = await client.get(url)
            except httpx.TransportError as failure:
                return f"{url}: {failure!r}"
        return f"{url}: {answer.status_code}" if answer.is_error else None

    return ready


def answers_sql(url: str) -> Ready:
    def look() -> str | None:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError as failure:
            return str(failure)
        return None

    async def ready() -> str | None:
        # In a thread, because an asynchronous connect that is cancelled leaves its socket open.
        return await asyncio.to_thread(look)

    return ready


def serves_orders(address: str, namespace: str = "default") -> Ready:
    """Temporal answers, has the namespace, and knows the search attributes (they are registered on
    the way).
    """

    async def ready() -> str | None:
        try:
            await register(await Client.connect(address, namespace=namespace))
        except (RuntimeError, RPCError) as failure:
            return f"{address}: {failure}"
        return None

    return ready


def lost_its_tables(address: str) -> Ready:
    """Temporal's development server, of whose SQLite a client was cut off at the wrong moment: it
    answers every statement with "interrupted" for as long as it runs. Seen once, with 1.29.1; what
    it has written is safe.
    """

    async def lost() -> str | None:
        request = DescribeNamespaceRequest(namespace="default")
        try:
            client = await Client.connect(address)
            await client.workflow_service.describe_namespace(request, timeout=timedelta(seconds=5))
        except (RuntimeError, RPCError) as failure:
            return str(failure) if "interrupted (9)" in str(failure) else None
        return None

    return lost

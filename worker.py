"""Runs workflows, activities and loops. `python worker.py`, as many processes as wanted."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

from psycopg_pool import AsyncConnectionPool
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxRestrictions
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from activities.books import BookActivities
from activities.erp import ErpActivities
from activities.fulfilment import FulfilmentActivities
from activities.inherited import OwnRunInterceptor
from activities.money import MoneyActivities
from activities.record import RecordActivities
from activities.requests import RequestActivities
from activities.waiting import WaitingInterceptor
from adapters.config import Settings
from adapters.handover import Handover
from adapters.notify.client import WebhookClient
from adapters.notify.dispatcher import Dispatcher
from adapters.notify.guard import AddressGuard
from adapters.notify.webhook import WebhookSender
from adapters.postgres.dead_letters import DeadLetters
from adapters.postgres.events import Sequencer
from adapters.postgres.lease import LeasedLoop
from adapters.process import run, spare_the_collector
from adapters.registry import Adapters, open_adapters
from adapters.sandbox import Sandbox, keep_code
from adapters.search_attributes import register
from adapters.temporal import Engine, connect
from workflows.order import OrderWorkflow

log = logging.getLogger("worker")

WORKFLOWS: list[type] = [OrderWorkflow]
keep_code("workflows")  # as it is now, for every run that this process will have
RUNNER = Sandbox(
    restrictions=SandboxRestrictions.default.with_passthrough_modules(
        "domain", "activities", "workflows.options", "workflows.attributes", "workflows.calls"
    )
)
"""Our pure modules are not imported anew per workflow; lint keeps clock and lots out of them."""

COLLECTIONS = 60
"""Between two full ones. Orders that have left the memory are garbage in cycles, some 100 KB each;
a full collection looks at everything, for half a second, while nothing else is done."""
GRACE = timedelta(seconds=30)
"""For activities under way when the worker is told to stop: as long as the longest may take."""
STICKY = timedelta(seconds=5)
"""How long an order's next task waits for the worker that has the order in its memory, which may
have been killed. As long as a message counts as under way (`adapters.handover.OVERDUE`)."""
HANDOVER_PARTS = 2
START_PATIENCE = 60.0


class WrongEngine(Exception):
    """Another Temporal runs our orders; the message says what to do."""


def our_activities(adapters: Adapters, engine: Engine) -> list[Callable[..., Any]]:
    """What only touches our own database; it is done on the orders' own queue."""
    books = adapters.books
    keeping = BookActivities(books.ledger, books.master, books.pricing, adapters.systems.routing)
    return [
        RecordActivities(books.records, engine).record_order,
        RequestActivities(books.inbox, DeadLetters(books.pool)).keep_request,
        keeping.capture_order,
        keeping.take_credit,
        keeping.reserve_stock,
    ]


def outside_activities(adapters: Adapters) -> list[Callable[..., Any]]:
    """What calls other companies' systems, each on a queue of its own."""
    systems = adapters.systems
    erp = ErpActivities(systems.erp)
    fulfilment = FulfilmentActivities(systems.wms, systems.tms)
    money = MoneyActivities(systems.tax, systems.payment)
    return [
        erp.post_sales_order,
        erp.confirm_shipment,
        erp.post_invoice,
        erp.post_credit_note,
        fulfilment.release_goods,
        fulfilment.book_transport,
        money.estimate_tax,
        money.commit_tax,
        money.authorise_payment,
        money.capture_payment,
        money.refund_payment,
    ]


def create_workers(
    client: Client, adapters: Adapters, queue: str, *, cached: int = 1000
) -> list[Worker]:
    """One for the orders, and one per outside system: a dead system fills no queue but its own."""
    around = [OwnRunInterceptor(), WaitingInterceptor(adapters.books.waiting)]
    orders = Worker(
        client,
        task_queue=queue,
        workflows=WORKFLOWS,
        activities=our_activities(adapters, Engine(client, queue)),
        workflow_runner=RUNNER,
        max_cached_workflows=cached,
        sticky_queue_schedule_to_start_timeout=STICKY,
        max_concurrent_workflow_tasks=100,
        max_concurrent_activities=50,
        graceful_shutdown_timeout=GRACE,
        interceptors=around,
    )
    systems = [
        Worker(
            client,
            task_queue=f"{queue}-{name}",
            activities=outside_activities(adapters),
            max_concurrent_activities=50,
            graceful_shutdown_timeout=GRACE,
            interceptors=around,
        )
        for name in adapters.systems.names
    ]
    return [orders, *systems]


def loops(
    adapters: Adapters, engine: Engine, *, again_after: timedelta = timedelta(minutes=1)
) -> list[LeasedLoop]:
    """What somebody has to do all the time; of all workers, one does each."""
    books = adapters.books
    handovers = [
        Handover(
            books.pool,
            books.inbox,
            books.records,
            engine,
            part=part,
            parts=HANDOVER_PARTS,
            again_after=again_after,
        )
        for part in range(HANDOVER_PARTS)
    ]
    return [*handovers, Sequencer(books.pool)]


@asynccontextmanager
async def dispatcher(pool: AsyncConnectionPool, settings: Settings) -> AsyncIterator[Dispatcher]:
    """The loop that tells subscribers of events."""
    client = WebhookClient(AddressGuard(allow_private=settings.private_webhooks))
    try:
        yield Dispatcher(pool, WebhookSender(client))
    finally:
        await client.aclose()


@asynccontextmanager
async def working(workers: Sequence[Worker], loops: Sequence[LeasedLoop]) -> AsyncIterator[None]:
    """Workers and loops for the length of the block; leases are given up at its end."""
    async with AsyncExitStack() as running:
        for worker in workers:
            await running.enter_async_context(worker)
        tasks = [asyncio.create_task(loop.run(), name=loop.name) for loop in loops]
        try:
            yield
        finally:
            for loop, task in zip(loops, tasks, strict=True):
                loop.end()
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def claim_engine(adapters: Adapters, engine: Engine) -> None:
    """Raises `WrongEngine` where another Temporal has the orders of this database."""
    if not await adapters.books.records.claim_engine(await engine.namespace_id()):
        raise WrongEngine(
            "The orders in this database are run by another Temporal than this one. Point"
            " TEMPORAL_ADDRESS to it, or move them here with `throughline rebuild`."
        )


async def connected(settings: Settings) -> Client:
    """Temporal's client, once it answers and knows our search attributes."""
    async for attempt in AsyncRetrying(
        stop=stop_after_delay(START_PATIENCE),
        wait=wait_fixed(0.25),
        retry=retry_if_exception_type(RuntimeError),
        reraise=True,
    ):
        with attempt:
            client = await connect(settings.temporal_address, settings.temporal_namespace)
            await register(client)
    return client


async def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line per request tells nothing
    settings = Settings.from_env()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if settings.metrics_port:
        bind = f"{settings.metrics_host}:{settings.metrics_port}"
        Runtime.set_default(
            Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=bind)))
        )
    client = await connected(settings)
    engine = Engine(client, settings.task_queue)
    async with open_adapters(settings) as adapters:
        await claim_engine(adapters, engine)
        workers = create_workers(client, adapters, settings.task_queue)
        again_after = timedelta(seconds=settings.again_after)
        leased = loops(adapters, engine, again_after=again_after)
        async with (
            dispatcher(adapters.books.pool, settings) as telling,
            working(workers, [*leased, telling]),
        ):
            spare_the_collector(old=COLLECTIONS)
            log.info("working on %s and %s", settings.task_queue, ", ".join(adapters.systems.names))
            await stop.wait()
            log.info("stopping")


if __name__ == "__main__":
    run(main())

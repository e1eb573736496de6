"""The floor of `lifecycle`: a bare workflow whose activities do nothing; imports nothing of ours.

`python benchmarks/floor.py ADDRESS QUEUE` is its worker, until SIGTERM; `drive` plays its orders.
A shape is how many regular activities, local ones, signals and lanes (warehouses) an order has.
"""

import asyncio
import os
import signal
import sys
import time
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner as Sandboxed


class Unasked(Sandboxed):  # for the contexts of payloads, as is ours (adapters/sandbox.py)
    def create_instance(self, det: Any) -> Any:
        made: Any = super().create_instance(det)
        made.get_serialization_context = made.get_external_store_context = lambda command: None
        return made


@activity.defn
async def nothing(what: str) -> None: ...


@workflow.defn
class Bare:
    heard = 0

    @workflow.run
    async def run(self, shape: list[int]) -> None:
        each = [((n + 0.5) / of, kind, n) for kind, of in enumerate(shape[:3]) for n in range(of)]
        await asyncio.gather(*(self.go(sorted(each)[lane :: shape[3]]) for lane in range(shape[3])))

    async def go(self, lane: list[tuple[float, int, int]]) -> None:
        do: Any = (workflow.execute_activity, workflow.execute_local_activity)
        for _, kind, n in lane:
            if kind < len(do):
                await do[kind](nothing, "", start_to_close_timeout=timedelta(seconds=10))
            else:
                await workflow.wait_condition(lambda: self.heard > n)  # noqa: B023 - n stays meanwhile

    @workflow.signal
    def tell(self, what: str) -> None:
        self.heard += 1


async def drive(client: Client, queue: str, shape: list[int], orders: int, at_once: int) -> float:
    places, began = asyncio.Semaphore(at_once), time.perf_counter()

    async def play(n: int) -> None:
        start: Any = {"id": f"{queue}-{n}", "start_signal": "tell", "start_signal_args": [""]}
        async with places:
            order = await client.start_workflow(Bare.run, shape, task_queue=queue, **start)
            for _ in range(1, shape[2]):
                await order.signal(Bare.tell, "")
            await order.result()

    await asyncio.gather(*map(play, range(orders)))
    return orders / (time.perf_counter() - began)


async def work(address: str, queue: str) -> None:
    stop, client = asyncio.Event(), await Client.connect(address)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    does: Any = {"workflows": [Bare], "activities": [nothing], "workflow_runner": Unasked()}
    async with Worker(client, task_queue=queue, **does):
        print("ready", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:3]))
    os._exit(0)

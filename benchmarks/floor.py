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

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

PATIENCE = timedelta(seconds=10)


@activity.defn
async def nothing(what: str) -> str:
    return what


@workflow.defn
class Bare:
    def __init__(self) -> None:
        self.heard = 0

    @workflow.run
    async def run(self, shape: list[int]) -> None:
        *counts, all_lanes = shape
        each = zip(("regular", "local", "signal"), counts, strict=True)
        steps = [((n + 0.5) / all, kind, n) for kind, all in each for n in range(all)]
        lanes = [sorted(steps)[lane::all_lanes] for lane in range(all_lanes)]
        await asyncio.gather(*(self.go(lane) for lane in lanes))

    async def go(self, lane: list[tuple[float, str, int]]) -> None:
        for _, kind, n in lane:
            if kind == "local":
                await workflow.execute_local_activity(nothing, "", start_to_close_timeout=PATIENCE)
            elif kind == "regular":
                await workflow.execute_activity(nothing, "", start_to_close_timeout=PATIENCE)
            else:
                await workflow.wait_condition(lambda: self.heard > n)  # noqa: B023 - n stays meanwhile

    @workflow.signal
    def tell(self, what: str) -> None:
        self.heard += 1


async def drive(client: Client, queue: str, shape: list[int], orders: int, at_once: int) -> float:
    places, began = asyncio.Semaphore(at_once), time.perf_counter()

    async def play(n: int) -> None:
        async with places:
            order = await client.start_workflow(
                Bare.run, shape, id=f"{queue}-{n}", task_queue=queue, start_signal="tell",
                start_signal_args=[""],
            )  # fmt: skip
            for _ in range(1, shape[2]):
                await order.signal(Bare.tell, "")
            await order.result()

    await asyncio.gather(*map(play, range(orders)))
    return orders / (time.perf_counter() - began)


async def work(address: str, queue: str) -> None:
    stop, client = asyncio.Event(), await Client.connect(address)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Worker(client, task_queue=queue, workflows=[Bare], activities=[nothing]):
        print("ready", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:3]))
    os._exit(0)

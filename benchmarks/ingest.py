"""Orders accepted over HTTP, against a bare FastAPI route that does one INSERT."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

from adapters.postgres.pool import open_pool
from benchmarks.company import an_order, fill
from benchmarks.load import calling
from benchmarks.result import Result, percentile
from benchmarks.site import HERE, Site, api, child
from stack.console import report
from stack.ports import free_ports

AT_ONCE = 32


async def measure(site: Site, rounds: int, quick: bool) -> Result:
    orders = 300 if quick else 2000
    async with open_pool(site.database_url) as pool:
        await fill(pool)
    ours, bare, seconds = [], [], list[float]()
    for n in range(rounds):
        async with api(site, connections=AT_ONCE) as caller:

            async def accept(body: object) -> None:
                await caller.post("/v1/orders", body)

            await _rate(accept, AT_ONCE)
            rate, seconds = await _rate(accept, orders)
            ours.append(rate)
        bare.append(await _floor(site, orders))
        report(f"round {n + 1}: {ours[-1]:.0f} orders/s, floor {bare[-1]:.0f}")
    return Result(
        name="ingest",
        unit="orders/s",
        what="POST /v1/orders answered, against a bare FastAPI route doing one INSERT",
        target=0.5,
        ours=ours,
        floor=bare,
        more={"p50_s": percentile(seconds, 0.5), "p99_s": percentile(seconds, 0.99)},
    )


async def _floor(site: Site, orders: int) -> float:
    port = free_ports(["bare"])["bare"]
    async with (
        child("bare_route", str(HERE / "bare_route.py"), site.database_url, str(port)),
        calling(port, AT_ONCE) as caller,
    ):

        async def accept(body: object) -> None:
            await caller.post("/orders", body)

        await _rate(accept, AT_ONCE)
        return (await _rate(accept, orders))[0]


async def _rate(
    accept: Callable[[object], Awaitable[None]], orders: int
) -> tuple[float, list[float]]:
    """So many orders by `AT_ONCE` clients: orders per second, and the seconds of each."""
    name, seconds = uuid4().hex[:8], list[float]()
    waiting = iter([an_order(f"{name}-{n}", n) for n in range(orders)])

    async def client() -> None:
        for body in waiting:
            began = time.perf_counter()
            await accept(body)
            seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return orders / (time.perf_counter() - began), seconds

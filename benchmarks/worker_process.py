"""Our worker, with its loops, where every other company is in memory.

A warehouse that is asked for goods says so on stdout, a JSON line each: whoever started this plays
what happens to them.
"""

import asyncio
import json
import logging
import signal

from adapters.config import Settings
from adapters.erp.memory import MemoryErp
from adapters.payment.memory import MemoryPayment
from adapters.port import Standing
from adapters.postgres.pool import open_pool
from adapters.process import run, spare_the_collector
from adapters.registry import Adapters, Systems, books_in
from adapters.tax.memory import MemoryTax
from adapters.temporal import Engine
from adapters.tms.memory import MemoryTms
from adapters.wms.memory import MemoryWms
from adapters.wms.port import Wms
from benchmarks.company import WAREHOUSES
from domain.answer import Answer, Done
from domain.base import plain
from domain.documents import WarehouseRelease
from worker import (
    COLLECTIONS,
    claim_engine,
    connected,
    create_workers,
    dispatcher,
    loops,
    working,
)


class Warehouse(Wms):
    """Keeps releases, and tells of them."""

    def __init__(self, system: str) -> None:
        self._kept = MemoryWms(system).releases

    @property
    def releases(self) -> Standing[WarehouseRelease]:
        return self

    async def make_stand(self, key: str, document: WarehouseRelease) -> Answer:
        answer = await self._kept.make_stand(key, document)
        if isinstance(answer, Done) and document.goal:
            release = {
                "order": document.order_id,
                "warehouse": document.warehouse,
                "lines": plain(document.goal),
            }
            print(json.dumps(release), flush=True)
        return answer

    async def find(self, key: str) -> Done | None:
        return await self._kept.find(key)


async def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = Settings.from_env()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    systems = Systems(
        erp={"erp": MemoryErp("erp")},
        wms={name: Warehouse(name) for name in WAREHOUSES.values()},
        tms={"tms-1": MemoryTms("tms-1")},
        tax={"tax": MemoryTax("tax")},
        payment={"payment": MemoryPayment("payment")},
    )
    client = await connected(settings)
    engine = Engine(client, settings.task_queue)
    async with open_pool(settings.database_url, max_size=20) as pool:
        adapters = Adapters(books=books_in(pool), systems=systems)
        await claim_engine(adapters, engine)
        workers = create_workers(client, adapters, settings.task_queue)
        async with (
            dispatcher(pool, settings) as telling,
            working(workers, [*loops(adapters, engine), telling]),
        ):
            spare_the_collector(old=COLLECTIONS)
            print("ready", flush=True)
            await stop.wait()


if __name__ == "__main__":
    run(main())

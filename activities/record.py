from temporalio import activity

from adapters.crash import crash_point
from adapters.postgres.records import Ahead, Elsewhere, HeldBy, Records
from adapters.temporal import Engine
from domain.errors import Replaced
from domain.order import Entry, Recorded
from domain.status import order_status


class RecordActivities:
    def __init__(self, records: Records, engine: Engine) -> None:
        self._records = records
        self._engine = engine

    @activity.defn
    async def record_order(self, entry: Entry) -> Recorded:
        """Make known what the order is now. Raises `Replaced` when this run has lost it."""
        order = entry.order
        entry = entry.model_copy(update={"engine": await self._engine.namespace_id()})
        saved = await self._records.save(entry, taking_from=None)
        if isinstance(saved, Elsewhere):
            engine = await self._engine.namespace_id(afresh=True)
            entry = entry.model_copy(update={"engine": engine})
            saved = await self._records.save(entry, taking_from=None)
        if isinstance(saved, Elsewhere):
            raise Replaced(f"another Temporal has order {order.id}")
        while isinstance(saved, HeldBy):
            if await self._engine.current_run(order.id) != entry.run:
                raise Replaced(f"run {entry.run} of order {order.id} is over")
            saved = await self._records.save(entry, taking_from=saved.run)
        if isinstance(saved, Ahead):
            return Recorded(did="found a newer state", ahead=saved.order)
        crash_point("record")
        told = ", ".join(event.kind for event in order.news) or "no events"
        return Recorded(
            did=f"revision {order.revision}: {order_status(order)},"
            f" heard {order.heard} messages, told {told}"
        )

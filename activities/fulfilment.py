from collections.abc import Mapping

from temporalio import activity

from activities.calls import chosen, make_stand
from adapters.tms.port import Tms
from adapters.wms.port import Wms
from domain.answer import Answer
from domain.documents import Instruction, TransportBooking, WarehouseRelease


class FulfilmentActivities:
    """What warehouses and carriers are asked to do."""

    def __init__(self, warehouses: Mapping[str, Wms], carriers: Mapping[str, Tms]) -> None:
        self._warehouses = warehouses
        self._carriers = carriers

    @activity.defn
    async def release_goods(self, told: Instruction[WarehouseRelease]) -> Answer:
        return await make_stand(chosen(self._warehouses, told).releases, told)

    @activity.defn
    async def book_transport(self, told: Instruction[TransportBooking]) -> Answer:
        return await make_stand(chosen(self._carriers, told).bookings, told)

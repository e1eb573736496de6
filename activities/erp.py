from collections.abc import Mapping

from temporalio import activity

from activities.calls import chosen, make_stand
from adapters.erp.port import Erp
from domain.answer import Answer
from domain.documents import Billing, Instruction, SalesOrder, ShipmentConfirmation


class ErpActivities:
    """The books of the company that sells: orders, goods issues, invoices, credit notes."""

    def __init__(self, systems: Mapping[str, Erp]) -> None:
        self._systems = systems

    @activity.defn
    async def post_sales_order(self, told: Instruction[SalesOrder]) -> Answer:
        return await make_stand(chosen(self._systems, told).orders, told)

    @activity.defn
    async def confirm_shipment(self, told: Instruction[ShipmentConfirmation]) -> Answer:
        return await make_stand(chosen(self._systems, told).shipments, told)

    @activity.defn
    async def post_invoice(self, told: Instruction[Billing]) -> Answer:
        return await make_stand(chosen(self._systems, told).invoices, told)

    @activity.defn
    async def post_credit_note(self, told: Instruction[Billing]) -> Answer:
        return await make_stand(chosen(self._systems, told).credits, told)

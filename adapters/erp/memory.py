"""An ERP in memory."""

from adapters.erp.port import Erp
from adapters.memory import MemoryStanding, Partner, Rules
from domain.documents import Billing, SalesOrder, ShipmentConfirmation

REFUSED = "erp_refused"


class MemoryErp(Erp):
    def __init__(self, system: str = "erp", *, always_pending: bool = False) -> None:
        self.partner = Partner(system, always_pending=always_pending)
        self._orders = MemoryStanding[SalesOrder](self.partner, Rules("orders", "SO-", REFUSED))
        self._shipments = MemoryStanding[ShipmentConfirmation](
            self.partner, Rules("shipments", "GI-", REFUSED, takes_back=False)
        )
        self._invoices = MemoryStanding[Billing](self.partner, Rules("invoices", "INV-", REFUSED))
        self._credits = MemoryStanding[Billing](self.partner, Rules("credits", "CN-", REFUSED))

    @property
    def orders(self) -> MemoryStanding[SalesOrder]:
        return self._orders

    @property
    def shipments(self) -> MemoryStanding[ShipmentConfirmation]:
        return self._shipments

    @property
    def invoices(self) -> MemoryStanding[Billing]:
        return self._invoices

    @property
    def credits(self) -> MemoryStanding[Billing]:
        return self._credits

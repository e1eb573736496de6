"""Every partner in this process, with the books they keep."""

from collections.abc import Sequence

from adapters.erp.memory import MemoryErp
from adapters.memory import Partner
from adapters.payment.memory import MemoryPayment
from adapters.registry import Systems
from adapters.tax.memory import MemoryTax
from adapters.tms.memory import MemoryTms
from adapters.wms.memory import MemoryWms


class MemorySystems:
    def __init__(self, carriers: Sequence[str]) -> None:
        self.erp = MemoryErp("erp")
        self.wms = {name: MemoryWms(name) for name in ("wms-east", "wms-west")}
        self.tms = {name: MemoryTms(name) for name in carriers}
        self.tax = MemoryTax("tax")
        self.payment = MemoryPayment("payment")

    def systems(self) -> Systems:
        return Systems(
            erp={"erp": self.erp},
            wms=self.wms,
            tms=self.tms,
            tax={"tax": self.tax},
            payment={"payment": self.payment},
        )

    @property
    def partners(self) -> dict[str, Partner]:
        partners = [self.erp.partner, self.tax.partner, self.payment.partner]
        partners += [warehouse.partner for warehouse in self.wms.values()]
        partners += [carrier.partner for carrier in self.tms.values()]
        return {partner.system: partner for partner in partners}

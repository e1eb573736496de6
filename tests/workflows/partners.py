"""Every partner in this process, with the books they keep."""

from adapters.erp.memory import MemoryErp
from adapters.memory import Partner
from adapters.payment.memory import MemoryPayment
from adapters.registry import Systems
from adapters.tax.memory import MemoryTax
from adapters.tms.memory import MemoryTms
from adapters.wms.memory import MemoryWms


class MemorySystems:
    def __init__(self) -> None:
        self.erp = MemoryErp("erp")
        self.wms = {name: MemoryWms(name) for name in ("wms-east", "wms-west")}
        self.tms = MemoryTms("tms-1")
        self.tax = MemoryTax("tax")
        self.payment = MemoryPayment("payment")

    def systems(self) -> Systems:
        return Systems(
            erp={"erp": self.erp},
            wms=self.wms,
            tms={"tms-1": self.tms},
            tax={"tax": self.tax},
            payment={"payment": self.payment},
        )

    @property
    def partners(self) -> dict[str, Partner]:
        few = (self.erp.partner, self.tms.partner, self.tax.partner, self.payment.partner)
        partners = [*few, *(each.partner for each in self.wms.values())]
        return {partner.system: partner for partner in partners}

"""A warehouse system in memory: keeps releases, sends no milestones of its own."""

from adapters.memory import MemoryStanding, Partner, Rules
from adapters.wms.port import Wms
from domain.documents import WarehouseRelease


class MemoryWms(Wms):
    """Put a release's key into `partner.fixed` when its goods are picked: no recall from then."""

    def __init__(self, system: str = "wms", *, always_pending: bool = False) -> None:
        self.partner = Partner(system, always_pending=always_pending)
        self._releases = MemoryStanding[WarehouseRelease](
            self.partner, Rules("releases", "REL-", "warehouse_refused", kept="recall_refused")
        )

    @property
    def releases(self) -> MemoryStanding[WarehouseRelease]:
        return self._releases

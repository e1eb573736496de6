"""What we need of it."""

from typing import Protocol

from adapters.port import Standing
from domain.documents import WarehouseRelease


class Wms(Protocol):
    @property
    def releases(self) -> Standing[WarehouseRelease]:
        """Orders to pick and ship; refusing a recall means that it may still ship."""
        ...

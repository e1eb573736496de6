"""What we need of it."""

from typing import Protocol

from adapters.port import Standing
from domain.documents import TaxDocument


class Tax(Protocol):
    @property
    def estimates(self) -> Standing[TaxDocument]:
        """What the tax would be; files nothing. `amounts` is the estimated tax by line."""
        ...

    @property
    def documents(self) -> Standing[TaxDocument]:
        """Committed tax documents; `amounts` is the tax by line as the engine returned it."""
        ...

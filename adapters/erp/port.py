"""What we need of an ERP."""

from typing import Protocol

from adapters.port import Standing
from domain.documents import Billing, SalesOrder, ShipmentConfirmation


class Erp(Protocol):
    @property
    def orders(self) -> Standing[SalesOrder]:
        """Sales orders; `ref` is the ERP's order number."""
        ...

    @property
    def shipments(self) -> Standing[ShipmentConfirmation]:
        """Goods issues. What has left cannot be taken back, only corrected by a return."""
        ...

    @property
    def invoices(self) -> Standing[Billing]:
        """Invoices; `ref` is the invoice number."""
        ...

    @property
    def credits(self) -> Standing[Billing]:
        """Credit notes; `ref` is the credit note's number."""
        ...

"""What we need of it."""

from typing import Protocol

from adapters.port import Standing
from domain.documents import PaymentAuthorisation, PaymentCapture, PaymentRefund


class Payment(Protocol):
    @property
    def authorisations(self) -> Standing[PaymentAuthorisation]:
        """Claims on a card; taken back by voiding them. `ref` is the authorisation's id."""
        ...

    @property
    def captures(self) -> Standing[PaymentCapture]:
        """Money taken; never taken back here, only refunded. `ref` is the capture's id."""
        ...

    @property
    def refunds(self) -> Standing[PaymentRefund]:
        """Money given back; `ref` is the refund's id."""
        ...

"""A payment gateway in memory. It follows no money: a capture does not look at its claim."""

from adapters.memory import MemoryStanding, Partner, Rules
from adapters.payment.port import Payment
from domain.documents import PaymentAuthorisation, PaymentCapture, PaymentRefund

DECLINED = "payment_declined"
REFUSED = "payment_refused"


class MemoryPayment(Payment):
    def __init__(self, system: str = "payment", *, always_pending: bool = False) -> None:
        self.partner = Partner(system, always_pending=always_pending)
        self._authorisations = MemoryStanding[PaymentAuthorisation](
            self.partner, Rules("authorisations", "PA-", DECLINED, kept=REFUSED)
        )
        self._captures = MemoryStanding[PaymentCapture](
            self.partner, Rules("captures", "PC-", REFUSED, takes_back=False, amends=False)
        )
        self._refunds = MemoryStanding[PaymentRefund](
            self.partner, Rules("refunds", "PR-", REFUSED, takes_back=False, amends=False)
        )

    @property
    def authorisations(self) -> MemoryStanding[PaymentAuthorisation]:
        return self._authorisations

    @property
    def captures(self) -> MemoryStanding[PaymentCapture]:
        return self._captures

    @property
    def refunds(self) -> MemoryStanding[PaymentRefund]:
        return self._refunds

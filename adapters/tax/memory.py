"""A tax engine in memory: one rate for everything, and no tax for places without a postal code."""

from decimal import Decimal

from adapters.memory import MemoryStanding, Partner, Rules
from adapters.tax.port import Tax
from domain.answer import Answer, Refused
from domain.base import Goal
from domain.documents import TaxDocument
from domain.money import round_money

RATE = Decimal("0.0825")


class MemoryTax(Tax):
    def __init__(self, system: str = "tax", *, always_pending: bool = False) -> None:
        self.partner = Partner(system, always_pending=always_pending)
        self._documents = _Documents(self.partner, Rules("documents", "TAX-", "tax_refused"))
        self._estimates = _Documents(
            self.partner, Rules("estimates", "EST-", "tax_refused", booked=False)
        )

    @property
    def estimates(self) -> MemoryStanding[TaxDocument]:
        return self._estimates

    @property
    def documents(self) -> MemoryStanding[TaxDocument]:
        return self._documents


class _Documents(MemoryStanding[TaxDocument]):
    async def make_stand(self, key: str, document: TaxDocument) -> Answer:
        if document.goal and document.ship_to and not document.ship_to.postal_code:
            return Refused(reason="invalid_address", detail="no postal code", standing={})
        return await super().make_stand(key, document)

    def _amounts(self, document: TaxDocument) -> Goal:
        rate = Decimal(0) if document.exempt else RATE
        return {
            line.line: round_money(line.amount * rate, document.currency)
            if line.tax is None
            else line.tax
            for line in document.lines
        }

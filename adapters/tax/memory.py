"""A tax engine in memory: one rate for everything."""

from decimal import Decimal

from adapters.memory import MemoryStanding, Partner, Rules
from adapters.tax.port import Tax
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
    def _amounts(self, document: TaxDocument) -> Goal:
        rate = Decimal(0) if document.exempt else RATE
        return {
            line.line: round_money(line.amount * rate, document.currency) for line in document.lines
        }

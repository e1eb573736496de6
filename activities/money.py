from collections.abc import Mapping

from temporalio import activity

from activities.calls import chosen, make_stand
from adapters.payment.port import Payment
from adapters.tax.port import Tax
from domain.answer import Answer
from domain.documents import (
    Instruction,
    PaymentAuthorisation,
    PaymentCapture,
    PaymentRefund,
    TaxDocument,
)


class MoneyActivities:
    """Tax filed, and money taken from cards and given back."""

    def __init__(self, taxes: Mapping[str, Tax], payments: Mapping[str, Payment]) -> None:
        self._taxes = taxes
        self._payments = payments

    @activity.defn
    async def estimate_tax(self, told: Instruction[TaxDocument]) -> Answer:
        return await make_stand(chosen(self._taxes, told).estimates, told)

    @activity.defn
    async def commit_tax(self, told: Instruction[TaxDocument]) -> Answer:
        return await make_stand(chosen(self._taxes, told).documents, told)

    @activity.defn
    async def authorise_payment(self, told: Instruction[PaymentAuthorisation]) -> Answer:
        return await make_stand(chosen(self._payments, told).authorisations, told)

    @activity.defn
    async def capture_payment(self, told: Instruction[PaymentCapture]) -> Answer:
        return await make_stand(chosen(self._payments, told).captures, told)

    @activity.defn
    async def refund_payment(self, told: Instruction[PaymentRefund]) -> Answer:
        return await make_stand(chosen(self._payments, told).refunds, told)

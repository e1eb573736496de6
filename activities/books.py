from temporalio import activity

from adapters.crash import crash_point
from adapters.postgres.ledger import Fence, Ledger
from adapters.postgres.master import MasterData
from adapters.pricing.offered import offered_prices
from adapters.pricing.port import Pricing
from domain.answer import Answer
from domain.capture import Routing, judge
from domain.documents import CaptureRequest, CreditClaim, Instruction, StockClaim


class BookActivities:
    """Our own books: what we know of customers, items and prices; credit and stock."""

    def __init__(
        self, ledger: Ledger, master: MasterData, pricing: Pricing, routing: Routing
    ) -> None:
        self._ledger = ledger
        self._master = master
        self._pricing = pricing
        self._routing = routing

    @activity.defn
    async def capture_order(self, told: Instruction[CaptureRequest]) -> Answer:
        """Look the order's lines up, with today's data. Changes nothing."""
        request = told.document
        items = sorted({line.item for line in request.lines})
        facts = await self._master.capture_facts(request.company, request.customer, items)
        prices = await offered_prices(self._pricing, request, facts)
        offers = await self._ledger.offers(sorted(facts.items))
        return judge(request, facts, prices, offers, self._routing)

    @activity.defn
    async def take_credit(self, told: Instruction[CreditClaim]) -> Answer:
        """This order uses exactly so much of its account's credit."""
        answer = await self._ledger.claim_credit(told.document, _fence())
        crash_point("credit")
        return answer

    @activity.defn
    async def reserve_stock(self, told: Instruction[StockClaim]) -> Answer:
        """This order is entitled to exactly these goods."""
        answer = await self._ledger.claim_stock(told.document, _fence())
        crash_point("reserve")
        return answer


def _fence() -> Fence:
    """Temporal's own numbers say which of two statements of an order is the later one."""
    info = activity.info()
    return Fence(run=info.workflow_run_id or "", n=int(info.activity_id))

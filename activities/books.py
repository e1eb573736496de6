from temporalio import activity

from adapters.crash import crash_point
from adapters.postgres.ledger import Fence, Ledger
from adapters.postgres.master import MasterData
from adapters.pricing.port import PriceQuestion, Pricing
from domain.answer import Answer
from domain.capture import Offered, Routing, judge, unit_of
from domain.catalog import CaptureFacts
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
        prices = await self._prices(request, facts)
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

    async def _prices(
        self, request: CaptureRequest, facts: CaptureFacts
    ) -> dict[str, Offered | None]:
        known = [x for x in request.lines if x.item in facts.items and not x.part_of]
        questions = tuple(
            PriceQuestion(
                item=line.item,
                quantity=line.quantity,
                unit=unit_of(line, facts.items[line.item]),
                on=request.on,
            )
            for line in known
        )
        quotes = await self._pricing.quote(request.customer, request.currency, questions)
        return {
            line.line: Offered(price=quote.price, unit=quote.unit) if quote else None
            for line, quote in zip(known, quotes, strict=True)
        }


def _fence() -> Fence:
    """Temporal's own numbers say which of two statements of an order is the later one."""
    info = activity.info()
    return Fence(run=info.workflow_run_id or "", n=int(info.activity_id))

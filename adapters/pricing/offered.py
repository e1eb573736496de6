"""What capture asks whoever knows the prices: the same for an order and for its dry run."""

from adapters.pricing.port import PriceQuestion, Pricing
from domain.capture import Offered, unit_of
from domain.catalog import CaptureFacts
from domain.documents import CaptureRequest


async def offered_prices(
    pricing: Pricing, request: CaptureRequest, facts: CaptureFacts
) -> dict[str, Offered | None]:
    """By line, in its unit; not of items nobody knows, nor of a kit's parts, priced with it.

    Raises `Unavailable`.
    """
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
    quotes = await pricing.quote(request.customer, request.currency, questions)
    return {
        line.line: Offered(price=quote.price, unit=quote.unit) if quote else None
        for line, quote in zip(known, quotes, strict=True)
    }

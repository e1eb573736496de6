"""What a customer-service person reads of everything that came in, and of what happened."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, get_args

import pytest

from domain.answer import Done, Refused
from domain.message import (
    Amended,
    Answered,
    CancelRequested,
    CreditGranted,
    CreditReason,
    HoldPlaced,
    HoldReleased,
    Message,
    Milestone,
    MilestoneKind,
    MilestoneLine,
    PaymentReceived,
    Placed,
    QuoteAccepted,
    ReplanAsked,
    RetryAsked,
    ReturnAuthorised,
    Skipped,
    StockArrived,
    StockLost,
)
from domain.order_in import LineIn
from domain.telling import ended, happened, said
from tests.domain.build import goal
from tests.domain.world import ADDRESS, NOW, order_in

MAY = datetime(2030, 5, 1, 12, tzinfo=UTC)
SAM = {"id": "m", "by": "sam"}


def milestone(kind: MilestoneKind, **more: Any) -> Milestone:
    told = (MilestoneLine(line="1", quantity=Decimal(5)),)
    return Milestone(id="m", milestone=kind, source="EAST", occurred_at=NOW, lines=told, **more)


SAID = [
    (Placed(id="m", order=order_in({"1": 5})), "order placed as PO-1 by web"),
    (CancelRequested(lines=goal(_1=5), reason="changed mind", **SAM),
     "5 of line 1 cancelled by sam: changed mind"),
    (CancelRequested(**SAM), "all that has not left cancelled by sam"),
    (Amended(lines=goal(_1=7), add=(LineIn(item="NUT", quantity=Decimal(3)),), ship_to=ADDRESS,
             cancel_after=date(2030, 6, 1), **SAM),
     "line 1 changed to 7, 3 of NUT added, another address, cancelled after 2030-06-01 by sam"),
    (Amended(valid_until=date(2030, 6, 1), ship_not_before=date(2030, 5, 1), **SAM),
     "not before 2030-05-01, valid until 2030-06-01 by sam"),
    (QuoteAccepted(**SAM), "quote accepted by sam"),
    (ReturnAuthorised(lines=goal(_1=2), reason="too long", restocking=Decimal(10),
                      expires=date(2030, 2, 1), **SAM),
     "2 of line 1 may come back until 2030-02-01, 10 % kept, agreed by sam: too long"),
    (ReturnAuthorised(lines=goal(_1=2), days=90, **SAM),
     "2 of line 1 may come back for 90 days, agreed by sam"),
    (CreditGranted(reason=CreditReason.LOST, lines=goal(_1=2), shipment="S-1", **SAM),
     "2 of line 1 credited, lost (shipment S-1), by sam"),
    (CreditGranted(reason=CreditReason.LOST, lines=goal(_1=2), freight=Decimal(7), **SAM),
     "2 of line 1 and 7 of the freight credited, lost, by sam"),
    (CreditGranted(reason=CreditReason.PRICE_PROTECTION, lines=goal(_1=2),
                   per_unit=goal(_1="0.25"), **SAM),
     "2 of line 1 at 0.25 each credited, price protection, by sam"),
    (PaymentReceived(receipt="R-1", amount=Decimal("10.50"), **SAM),
     "10.50 paid, receipt R-1, noted by sam"),
    (PaymentReceived(receipt="R-2", amount=Decimal(-3), **SAM),
     "3 given back, receipt R-2, noted by sam"),
    (RetryAsked(**SAM), "everything that waits tried again by sam"),
    (RetryAsked(effect="erp/", **SAM), "erp/ tried again by sam"),
    (ReplanAsked(**SAM), "planned anew by sam"),
    (HoldPlaced(scope="line/1", detail="call first", until=MAY, **SAM),
     "line 1 held until 2030-05-01 12:00Z by sam: manual, call first"),
    (HoldReleased(hold="o-H1", note="agreed", **SAM), "hold o-H1 released by sam: agreed"),
    (HoldReleased(hold="o-H1", skip="booked by phone", **SAM),
     "hold o-H1 released, done by hand, by sam: booked by phone"),
    (HoldReleased(hold="o-H1", edit=Amended(id="e", lines=goal(_1=7)), **SAM),
     "hold o-H1 released with line 1 changed to 7 by sam"),
    (milestone(MilestoneKind.SHIPPED, carrier="UPS", tracking="1Z"),
     "EAST has shipped 5 of line 1 (UPS, 1Z)"),
    (Answered(id="m", key="o/erp//1", answer=Done(standing={})), "late answer for erp: done"),
    (Answered(id="m", key="o/erp//1", answer=Refused(reason="no")), "late answer for erp: refused"),
    (Answered(id="m", key="nonsense", answer=Refused(reason="no")), "late answer: refused"),
    (StockArrived(id="m", item="BOLT", location="EAST", available=Decimal(9)),
     "9 of BOLT can be had at EAST"),
    (StockLost(id="m", line="1", location="EAST", quantity=Decimal(2)),
     "2 of line 1 is not there at EAST"),
    (Skipped(id="m"), "a message nobody could read"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "words"), SAID, ids=lambda each: getattr(each, "kind", ""))
def test_what_was_said(message: Message, words: str) -> None:
    assert said(message) == words


def test_every_message_has_its_words() -> None:
    union, _ = get_args(Message)
    assert {type(message) for message, _ in SAID} == set(get_args(union))


@pytest.mark.parametrize("kind", MilestoneKind)
def test_every_milestone_has_its_words(kind: MilestoneKind) -> None:
    assert said(milestone(kind)).startswith("EAST ")


def test_a_refusal_says_why() -> None:
    refusal = {"status": "refused", "reason": "more_than_shipped", "detail": "2 can come back"}

    assert ended(refusal) == "refused: more_than_shipped, 2 can come back"
    assert ended({"status": "refused", "reason": "expired", "detail": ""}) == "refused: expired"
    assert ended({"status": "done", "detail": "cancelled 5 of line 1"}) == ""
    assert ended(None) == ""


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("created", {"reference": "PO-1"}, "created"),
        ("cancelled", {"lines": {"1": "5"}, "by": "sam", "reason": "changed mind"},
         "cancelled: 5 of line 1 by sam: changed mind"),
        ("held", {"scope": "line/1", "reason": "manual"}, "held: line 1, manual"),
        ("hold_released", {"scope": "order", "reason": "credit_limit", "by": "sam"},
         "hold released: order, credit_limit by sam"),
        ("invoiced", {"total": "11.51", "number": "I-1", "lines": [{"line": "1"}]},
         "invoiced 11.51, number I-1"),
        ("shipped", {"source": "EAST", "lines": {"1": "5"}}, "shipped: 5 of line 1, EAST"),
        ("released", {"source": "EAST", "lines": {"1": "5"}}, "released: 5 of line 1, to EAST"),
        ("return_authorised", {"return_id": "o-R1", "lines": {"1": "2"}},
         "return authorised: 2 of line 1, as o-R1"),
    ],
)  # fmt: skip
def test_what_happened(kind: str, data: dict[str, Any], words: str) -> None:
    assert happened(f"throughline.order.{kind}.v1", data) == words

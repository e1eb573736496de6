"""Every action has a document that says exactly what is to stand."""

from decimal import Decimal

from domain.documents import (
    Billing,
    CaptureRequest,
    Document,
    PaymentCapture,
    PaymentRefund,
    SalesOrder,
    ShipmentConfirmation,
    StockClaim,
    TaxDocument,
    TransportBooking,
    WarehouseRelease,
)
from domain.effect import Step
from domain.message import CancelRequested, MilestoneKind
from domain.order import Order
from domain.paperwork import document
from domain.plan import plan
from tests.domain.build import ask, captured, goal, placed, say, tell
from tests.domain.world import NOW


def written(order: Order, upto: Step = Step.REFUND) -> dict[Step, Document]:
    """Do everything the plan asks for; the last document of each step."""
    documents: dict[Step, Document] = {}
    while actions := plan(order, upto):
        for action in actions:
            documents[action.step] = document(order, action, NOW)
            assert documents[action.step].goal == action.goal
            assert documents[action.step].order_id == order.id
            ask(order, action.effect)
    return documents


def whole_life() -> dict[Step, Document]:
    """An order paid by card, shipped, and partly returned."""
    order = placed({"1": 5, "3": 2}, method="card")
    (action,) = plan(order)
    documents: dict[Step, Document] = {Step.CAPTURE: document(order, action, NOW)}
    captured(order, estimated=False)
    documents |= written(order)
    say(order, MilestoneKind.SHIPPED, goal(_1=5, _3=2), shipment_id="S1")
    documents |= written(order)
    say(order, MilestoneKind.RETURN_INSPECTED, goal(_1=2), document="RMA1")
    return documents | written(order)


def test_every_step_has_a_document() -> None:
    account = placed()
    (action,) = plan(account)
    assert isinstance(document(account, action, NOW), CaptureRequest)
    captured(account)
    assert set(whole_life()) | set(written(account)) == set(Step)


def test_stock_is_claimed_in_stock_units() -> None:
    claim = whole_life()[Step.STOCK]
    assert isinstance(claim, StockClaim)
    cases = next(position for position in claim.positions if position.line == "3")
    assert (cases.item, cases.location) == ("BOX", "EAST")
    assert [cases.quantity, cases.stock_quantity] == [2, 24]
    assert claim.factors == {"1": 1, "3": 12}


def test_the_erp_is_told_prices_and_amounts() -> None:
    order = whole_life()[Step.ERP]
    assert isinstance(order, SalesOrder)
    assert order.purchase_order == "PO-1", "the reference, when the buyer gave no number"
    amounts = {line.line: line.amount for line in order.lines}
    assert amounts == {"1": Decimal("5.03"), "3": Decimal("3.00")}


def test_a_warehouse_and_a_carrier_are_told_where_to() -> None:
    documents = whole_life()
    release, booking = documents[Step.RELEASE], documents[Step.BOOK]
    assert isinstance(release, WarehouseRelease)
    assert isinstance(booking, TransportBooking)
    assert release.fulfilment_id == booking.fulfilment_id == "o-EAST"
    assert [(line.item, line.unit) for line in release.lines] == [("BOLT", "EA"), ("BOX", "CS")]
    assert booking.ship_from is not None


def test_an_invoice_and_a_credit_note_say_what_they_come_to() -> None:
    documents = whole_life()
    confirmation, bill, note = (
        documents[Step.CONFIRM],
        documents[Step.INVOICE],
        documents[Step.CREDIT_NOTE],
    )
    assert isinstance(confirmation, ShipmentConfirmation)
    assert isinstance(bill, Billing)
    assert isinstance(note, Billing)
    assert confirmation.sales_order == bill.sales_order == "R1"
    assert [bill.subtotal, bill.freight, bill.total] == [
        Decimal("8.03"),
        Decimal("9.50"),
        Decimal("17.53"),
    ]
    assert [note.document_id, note.subtotal, note.freight] == ["RMA1", Decimal("2.01"), 0]


def test_money_is_taken_and_given_back_as_billed() -> None:
    documents = whole_life()
    capture, refund = documents[Step.COLLECT], documents[Step.REFUND]
    assert isinstance(capture, PaymentCapture)
    assert isinstance(refund, PaymentRefund)
    assert capture.goal == {"amount": Decimal("17.53")}
    assert refund.goal == {"amount": Decimal("2.01")}
    assert capture.authorisation == refund.captured == "R1"


def test_a_return_is_taxed_as_negative() -> None:
    tax = whole_life()[Step.RETURN_TAX]
    assert isinstance(tax, TaxDocument)
    assert tax.is_return
    assert [line.amount for line in tax.lines] == [Decimal("-2.01")]
    assert tax.code == "o/return_tax/RMA1/1"


def test_what_is_taken_back_still_says_whose_it_was() -> None:
    order = captured(placed())
    written(order)
    tell(order, CancelRequested(id="c"))
    documents = written(order)
    undone = {Step.CREDIT, Step.STOCK, Step.ERP, Step.RELEASE, Step.BOOK}
    assert undone <= set(documents)
    assert all(documents[step].goal == {} for step in undone)

"""What each system is told about an action: the document that goes with it, and nothing more."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from domain.amounts import (
    Bill,
    credit_note,
    credited_amount,
    invoice,
    line_amount,
    order_currency,
)
from domain.base import ZERO, Goal
from domain.deadlines import current_claim
from domain.documents import (
    BilledLine,
    Billing,
    CaptureRequest,
    CreditClaim,
    Document,
    PaymentAuthorisation,
    PaymentCapture,
    PaymentRefund,
    PickLine,
    SalesOrder,
    ShipmentConfirmation,
    SoldLine,
    StockClaim,
    StockPosition,
    TaxDocument,
    TaxedLine,
    TransportBooking,
    WantedLine,
    WarehouseRelease,
)
from domain.effect import Action, Step, effect_name
from domain.order import Header, Order
from domain.order_parts import Return, Shipment
from domain.party import Address
from domain.refunds import refunds
from domain.tax_back import sale_of, tax_to_give_back
from domain.terms import SourceTerms, Terms


def document(order: Order, action: Action, now: datetime) -> Document:
    """The document of an action that `plan` found for this order."""
    return _WRITTEN[action.step](order, action, now)


def fulfilment_id(order_id: str, source: str) -> str:
    return f"{order_id}-{source}"


def _header(order: Order) -> Header:
    assert order.header is not None
    return order.header


def _terms(order: Order) -> Terms:
    assert order.terms is not None
    return order.terms


def _source(order: Order, location: str) -> SourceTerms | None:
    return _terms(order).sources.get(location)


def _shipment(order: Order, action: Action) -> Shipment:
    return next(each for each in order.shipments if each.id == action.subject)


def _return(order: Order, action: Action) -> Return:
    return next(each for each in order.returns if each.id == action.subject)


def _capture(order: Order, action: Action, now: datetime) -> CaptureRequest:
    header = _header(order)
    return CaptureRequest(
        goal=action.goal,
        order_id=order.id,
        company=header.company,
        customer=header.customer,
        bill_to=header.bill_to,
        currency=header.currency,
        on=now.date(),
        lines=tuple(
            WantedLine(
                line=line.line,
                item=line.item,
                quantity=line.ordered,
                unit=line.unit,
                price=line.price,
                price_unit=line.price_unit,
                discount=line.discount,
                part_of=line.kit,
            )
            for line in order.lines
            if line.agreed  # what was cancelled nobody need know
        ),
    )


def _credit(order: Order, action: Action, now: datetime) -> CreditClaim:
    claim = order.effects.get(action.effect)
    return CreditClaim(
        goal=action.goal,
        order_id=order.id,
        account=action.subject,
        currency=order_currency(order),
        check=claim is not None and claim.doubted,
    )


def _stock(order: Order, action: Action, now: datetime) -> StockClaim:
    terms = _terms(order).lines
    positions = []
    for position, quantity in action.goal.items():
        line, _, location = position.partition("/")
        positions.append(
            StockPosition(
                position=position,
                line=line,
                item=terms[line].item,
                location=location,
                quantity=quantity,
                stock_quantity=quantity * terms[line].stock_factor,
            )
        )
    return StockClaim(
        goal=action.goal,
        order_id=order.id,
        positions=tuple(positions),
        items={line: each.item for line, each in terms.items()},
        factors={line: each.stock_factor for line, each in terms.items()},
    )


def _sales_order(order: Order, action: Action, now: datetime) -> SalesOrder:
    header = _header(order)
    return SalesOrder(
        goal=action.goal,
        order_id=order.id,
        company=_terms(order).company,
        customer=header.customer,
        purchase_order=header.purchase_order or header.reference,
        currency=header.currency,
        ship_to=header.ship_to,
        lines=tuple(_sold(order, line, quantity) for line, quantity in action.goal.items()),
    )


def _sold(order: Order, line: str, quantity: Decimal) -> SoldLine:
    terms = order.line_terms(line)
    return SoldLine(
        line=line,
        item=terms.item,
        quantity=quantity,
        unit=terms.unit,
        price=terms.price,
        price_unit=terms.price_unit,
        discount=terms.discount,
        amount=line_amount(order, line, quantity),
    )


def _release(order: Order, action: Action, now: datetime) -> WarehouseRelease:
    header = _header(order)
    return WarehouseRelease(
        goal=action.goal,
        order_id=order.id,
        fulfilment_id=fulfilment_id(order.id, action.subject),
        warehouse=action.subject,
        ship_to=header.ship_to,
        ship_method=header.ship_method or "",
        lines=tuple(
            PickLine(
                line=line,
                item=order.line_terms(line).item,
                quantity=quantity,
                unit=order.line_terms(line).unit,
            )
            for line, quantity in action.goal.items()
        ),
    )


def _booking(order: Order, action: Action, now: datetime) -> TransportBooking:
    header, source = _header(order), _source(order, action.subject)
    weights = (quantity * order.line_terms(line).weight for line, quantity in action.goal.items())
    return TransportBooking(
        goal=action.goal,
        order_id=order.id,
        fulfilment_id=fulfilment_id(order.id, action.subject),
        warehouse=action.subject,
        ship_from=source.address if source else None,
        ship_to=header.ship_to,
        ship_method=header.ship_method or "",
        weight=sum(weights, ZERO),
    )


def _confirmation(order: Order, action: Action, now: datetime) -> ShipmentConfirmation:
    shipment = _shipment(order, action)
    return ShipmentConfirmation(
        goal=action.goal,
        order_id=order.id,
        sales_order=_sales_order_number(order),
        shipment_id=shipment.id,
        warehouse=shipment.source,
        carrier=shipment.carrier,
        tracking=shipment.tracking,
        shipped_at=shipment.shipped_at,
    )


def _sales_order_number(order: Order) -> str:
    erp = order.effect(Step.ERP)
    return erp.ref if erp else ""


def _tax(order: Order, action: Action, now: datetime) -> TaxDocument:
    shipment = _shipment(order, action)
    source, lines = _source(order, shipment.source), _taxed(order, action.goal)
    origin = source.address if source else None
    return _tax_document(order, action, shipment.shipped_at, origin, lines)


def _return_tax(order: Order, action: Action, now: datetime) -> TaxDocument:
    back = _return(order, action)
    lines = tuple(_taxed_back(order, back, line) for line in _taxed(order, back.credited))
    origin = next((line.ship_from for line in lines if line.ship_from), None)
    document = _tax_document(order, action, back.received_at, origin, lines)
    return document.model_copy(update={"is_return": True})


def _taxed_back(order: Order, back: Return, line: TaxedLine) -> TaxedLine:
    """Negative: tax given back, as it was charged when the goods were sold."""
    sale = sale_of(order, back, line.line)
    source = _source(order, sale.source) if sale else None
    tax = tax_to_give_back(order, back, line.line)
    return line.model_copy(
        update={
            "amount": -credited_amount(order, back, line.line),
            "ship_from": source.address if source else None,
            "sold_on": sale.shipped_at.date() if sale else None,
            "tax": None if tax is None else -tax,
        }
    )


def _estimate(order: Order, action: Action, now: datetime) -> TaxDocument:
    """As if all of it left at once, from the first place that may deliver."""
    used = [at for line in order.lines for at in line.sources]
    source = _source(order, next(iter([*used, *sorted(_terms(order).sources)]), ""))
    origin = source.address if source else None
    return _tax_document(order, action, now, origin, _taxed(order, action.goal))


def _tax_document(
    order: Order,
    action: Action,
    on: datetime,
    ship_from: Address | None,
    lines: tuple[TaxedLine, ...],
) -> TaxDocument:
    header, terms = _header(order), _terms(order)
    return TaxDocument(
        goal=action.goal,
        order_id=order.id,
        code=action.key,
        company=terms.company,
        customer=header.customer,
        currency=header.currency,
        date=on.date(),
        exempt=terms.tax_exempt,
        ship_from=ship_from,
        ship_to=header.ship_to,
        lines=lines,
    )


def _taxed(order: Order, goal: Goal) -> tuple[TaxedLine, ...]:
    return tuple(
        TaxedLine(
            line=line,
            item=order.line_terms(line).item,
            quantity=quantity,
            amount=line_amount(order, line, quantity),
            tax_code=order.line_terms(line).tax_code,
        )
        for line, quantity in goal.items()
    )


def _billing(order: Order, action: Action, now: datetime) -> Billing:
    if action.step is Step.INVOICE:
        bill = invoice(order, _shipment(order, action))
    else:
        bill = credit_note(order, _return(order, action))
    return _billed(order, action, bill)


def _billed(order: Order, action: Action, bill: Bill) -> Billing:
    header = _header(order)
    return Billing(
        goal=action.goal,
        order_id=order.id,
        company=_terms(order).company,
        customer=header.customer,
        sales_order=_sales_order_number(order),
        purchase_order=header.purchase_order or header.reference,
        document_id=action.subject,
        currency=header.currency,
        payment_terms=_terms(order).payment_terms,
        lines=tuple(
            BilledLine(
                **{
                    **_sold(order, line.line, line.quantity).model_dump(),
                    "price": line.price,
                    "amount": line.amount,
                },
                tax=line.tax,
            )
            for line in bill.lines
        ),
        freight=bill.freight,
        restocking=bill.restocking,
        subtotal=bill.subtotal,
        tax=bill.tax,
        total=bill.total,
    )


def _authorisation(order: Order, action: Action, now: datetime) -> PaymentAuthorisation:
    header = _header(order)
    return PaymentAuthorisation(
        goal=action.goal,
        order_id=order.id,
        customer=header.customer,
        currency=header.currency,
        token=header.payment.token or "",
    )


def _collection(order: Order, action: Action, now: datetime) -> PaymentCapture:
    effect = order.effects.get(action.effect)
    under = effect.under if effect else effect_name(Step.AUTHORISE, current_claim(order))
    claim = order.effects.get(under)
    return PaymentCapture(
        goal=action.goal,
        order_id=order.id,
        authorisation=claim.ref if claim else "",
        document_id=action.subject,
        currency=order_currency(order),
    )


def _refund(order: Order, action: Action, now: datetime) -> PaymentRefund:
    effect = order.effects.get(action.effect)
    under = effect.under if effect else refunds(order)[action.subject].under
    drawn = order.effects.get(under)
    return PaymentRefund(
        goal=action.goal,
        order_id=order.id,
        captured=drawn.ref if drawn else "",
        document_id=action.subject,
        currency=order_currency(order),
    )


_WRITTEN: dict[Step, Callable[[Order, Action, datetime], Document]] = {
    Step.CAPTURE: _capture,
    Step.ESTIMATE: _estimate,
    Step.CREDIT: _credit,
    Step.AUTHORISE: _authorisation,
    Step.STOCK: _stock,
    Step.ERP: _sales_order,
    Step.RELEASE: _release,
    Step.BOOK: _booking,
    Step.CONFIRM: _confirmation,
    Step.TAX: _tax,
    Step.INVOICE: _billing,
    Step.COLLECT: _collection,
    Step.RETURN_TAX: _return_tax,
    Step.CREDIT_NOTE: _billing,
    Step.REFUND: _refund,
}

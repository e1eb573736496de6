"""The contract of each port: its kinds of things, and a few promises of its own."""

import abc
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adapters.erp.port import Erp
from adapters.payment.port import Payment
from adapters.tax.port import Tax
from adapters.tms.port import Tms
from adapters.wms.port import Wms
from domain.answer import Done, Refused
from domain.base import Goal
from domain.documents import (
    BilledLine,
    Billing,
    PaymentAuthorisation,
    PaymentCapture,
    PaymentRefund,
    PickLine,
    SalesOrder,
    ShipmentConfirmation,
    SoldLine,
    TaxDocument,
    TaxedLine,
    TransportBooking,
    WarehouseRelease,
)
from domain.party import Address
from tests.adapters.standing_contract import Case, Control, StandingContract

ORDER = "ord-1"
GOAL = {"1": Decimal("2.5"), "2": Decimal(4)}
LESS = {"1": Decimal("0.125")}
HERE = Address(line1="1 Dock St", city="Tacoma", region="WA", postal_code="98401", country="US")
THERE = Address(line1="9 Elm Ave", city="Fresno", region="CA", postal_code="93650", country="US")
PRICE = Decimal("10.10")


def sales_order(goal: Goal) -> SalesOrder:
    lines = tuple(SoldLine(**_sold(line, quantity)) for line, quantity in goal.items())
    return SalesOrder(
        goal=goal,
        order_id=ORDER,
        company="main",
        customer="C-1",
        purchase_order="PO 7",
        currency="USD",
        ship_to=THERE,
        lines=lines,
    )


def goods_issue(goal: Goal) -> ShipmentConfirmation:
    return ShipmentConfirmation(
        goal=goal, order_id=ORDER, sales_order="SO-1", shipment_id="S/1", warehouse="EAST"
    )


def billing(goal: Goal) -> Billing:
    lines = tuple(
        BilledLine(**_sold(line, quantity), tax=Decimal("0.07")) for line, quantity in goal.items()
    )
    subtotal = sum((line.amount for line in lines), Decimal(0))
    tax = sum((line.tax for line in lines), Decimal(0))
    return Billing(
        goal=goal,
        order_id=ORDER,
        company="main",
        customer="C-1",
        sales_order="SO-1",
        purchase_order="PO 7",
        document_id="S/1",
        currency="USD",
        payment_terms="NET30",
        lines=lines,
        freight=Decimal("5.00"),
        subtotal=subtotal,
        tax=tax,
        total=subtotal + tax + Decimal("5.00"),
    )


def release(goal: Goal) -> WarehouseRelease:
    lines = tuple(
        PickLine(line=line, item=f"I-{line}", quantity=quantity, unit="EA")
        for line, quantity in goal.items()
    )
    return WarehouseRelease(
        goal=goal,
        order_id=ORDER,
        fulfilment_id="ful-1",
        warehouse="EAST",
        ship_to=THERE,
        lines=lines,
    )


def booking(goal: Goal, ship_to: Address = THERE) -> TransportBooking:
    return TransportBooking(
        goal=goal,
        order_id=ORDER,
        fulfilment_id="ful-1",
        warehouse="EAST",
        ship_from=HERE,
        ship_to=ship_to,
        weight=Decimal("12.345"),
    )


def tax_document(goal: Goal, code: str, ship_to: Address | None = THERE) -> TaxDocument:
    lines = tuple(
        TaxedLine(line=line, item=f"I-{line}", quantity=quantity, amount=_net(quantity))
        for line, quantity in goal.items()
    )
    return TaxDocument(
        goal=goal,
        order_id=ORDER,
        code=code,
        company="main & sons",
        customer="C-1",
        currency="USD",
        date=date(2026, 3, 1),
        ship_from=HERE,
        ship_to=ship_to,
        lines=lines,
    )


def authorisation(goal: Goal, token: str = "pm_card_visa") -> PaymentAuthorisation:
    return PaymentAuthorisation(
        goal=goal, order_id=ORDER, customer="C-1", currency="USD", token=token
    )


def _net(quantity: Decimal) -> Decimal:
    return (quantity * PRICE).quantize(Decimal("0.01"))


def _sold(line: str, quantity: Decimal) -> dict[str, Any]:
    about = {"line": line, "item": f"I-{line}", "unit": "EA", "price_unit": "EA", "price": PRICE}
    return {**about, "quantity": quantity, "amount": _net(quantity)}


class ErpContract(StandingContract):
    @pytest.fixture
    @abc.abstractmethod
    def erp(self, *args: Any) -> Erp: ...

    @pytest.fixture(params=["orders", "shipments", "invoices", "credits"])
    def case(self, request: pytest.FixtureRequest, erp: Erp) -> Case:
        kinds = {
            "orders": Case(erp.orders, sales_order, GOAL, LESS, "erp_refused"),
            "shipments": Case(
                erp.shipments, goods_issue, GOAL, LESS, "erp_refused", takes_back=False
            ),
            "invoices": Case(erp.invoices, billing, GOAL, LESS, "erp_refused"),
            "credits": Case(erp.credits, billing, GOAL, LESS, "erp_refused"),
        }
        return kinds[request.param]


class WmsContract(StandingContract):
    @pytest.fixture
    @abc.abstractmethod
    def wms(self, *args: Any) -> Wms: ...

    @pytest.fixture
    def case(self, wms: Wms) -> Case:
        return Case(wms.releases, release, GOAL, LESS, "warehouse_refused")

    @pytest.mark.parametrize("goal", [{}, LESS])
    async def test_what_is_picked_can_no_longer_be_called_back(
        self, wms: Wms, control: Control, key: str, goal: Goal
    ) -> None:
        await wms.releases.make_stand(key, release(GOAL))
        await control.fix(key)

        refused = await wms.releases.make_stand(key, release(goal))

        assert isinstance(refused, Refused)
        assert refused.reason == "recall_refused"
        assert refused.standing == GOAL


class TmsContract(StandingContract):
    @pytest.fixture
    @abc.abstractmethod
    def tms(self, *args: Any) -> Tms: ...

    @pytest.fixture
    def case(self, tms: Tms) -> Case:
        return Case(tms.bookings, booking, GOAL, LESS, "address_undeliverable")

    async def test_the_reference_names_carrier_and_tracking(self, tms: Tms, key: str) -> None:
        booked = await tms.bookings.make_stand(key, booking(GOAL))

        assert isinstance(booked, Done)
        carrier, _, tracking = booked.ref.partition("/")
        assert carrier
        assert tracking


class TaxContract(StandingContract):
    @pytest.fixture
    @abc.abstractmethod
    def tax(self, *args: Any) -> Tax: ...

    @pytest.fixture
    def case(self, tax: Tax, key: str) -> Case:
        return Case(
            tax.documents,
            lambda goal: tax_document(goal, code=f"T {key}"),
            GOAL,
            LESS,
            "tax_refused",
        )

    async def test_every_line_has_its_tax_to_the_cent(self, tax: Tax, key: str) -> None:
        taxed = await tax.documents.make_stand(key, tax_document(GOAL, code=key))

        assert isinstance(taxed, Done)
        assert taxed.amounts.keys() == GOAL.keys()
        assert all(amount == amount.quantize(Decimal("0.01")) for amount in taxed.amounts.values())
        assert sum(taxed.amounts.values()) > 0

    async def test_a_return_gives_back_the_tax_of_its_sale(self, tax: Tax, key: str) -> None:
        sale = tax_document(GOAL, code=key)
        back = sale.model_copy(
            update={
                "code": f"{key} back",
                "is_return": True,
                "lines": tuple(
                    line.model_copy(update={"amount": -line.amount}) for line in sale.lines
                ),
            }
        )

        sold = await tax.documents.make_stand(key, sale)
        returned = await tax.documents.make_stand(f"{key}r", back)

        assert isinstance(sold, Done)
        assert isinstance(returned, Done)
        assert returned.standing == GOAL
        assert returned.amounts == {line: -amount for line, amount in sold.amounts.items()}

    async def test_a_return_gives_back_the_tax_that_is_named(self, tax: Tax, key: str) -> None:
        sale = tax_document(GOAL, code=key)
        lines = tuple(
            line.model_copy(
                update={"amount": -line.amount, "sold_on": sale.date, "tax": Decimal("-0.01")}
            )
            for line in sale.lines
        )
        back = sale.model_copy(update={"is_return": True, "lines": lines})

        returned = await tax.documents.make_stand(key, back)

        assert isinstance(returned, Done)
        assert returned.amounts == dict.fromkeys(GOAL, Decimal("-0.01"))

    async def test_who_is_exempt_pays_none(self, tax: Tax, key: str) -> None:
        exempt = tax_document(GOAL, code=key).model_copy(update={"exempt": True})

        taxed = await tax.documents.make_stand(key, exempt)

        assert isinstance(taxed, Done)
        assert not any(taxed.amounts.values())


class PaymentContract(StandingContract):
    @pytest.fixture
    @abc.abstractmethod
    def payment(self, *args: Any) -> Payment: ...

    @pytest.fixture(params=["authorisations", "captures", "refunds"])
    async def case(self, request: pytest.FixtureRequest, payment: Payment, key: str) -> Case:
        goal, other = {"amount": Decimal("80.05")}, {"amount": Decimal("30.40")}
        if request.param == "authorisations":
            return Case(payment.authorisations, authorisation, goal, other, "payment_declined")
        claimed = await _claim(payment, f"{key} claim", Decimal(200))
        if request.param == "captures":
            return Case(
                payment.captures,
                lambda goal: PaymentCapture(
                    goal=goal,
                    order_id=ORDER,
                    authorisation=claimed,
                    document_id="INV-1",
                    currency="USD",
                ),
                goal,
                other,
                "payment_refused",
                takes_back=False,
                amends=False,
            )
        captured = await _capture(payment, f"{key} capture", claimed, Decimal(150))
        return Case(
            payment.refunds,
            lambda goal: PaymentRefund(
                goal=goal, order_id=ORDER, captured=captured, document_id="CN-1", currency="USD"
            ),
            goal,
            other,
            "payment_refused",
            takes_back=False,
            amends=False,
        )

    async def test_a_claim_is_captured_in_parts(self, payment: Payment, key: str) -> None:
        claimed = await _claim(payment, f"{key} claim", Decimal(100))

        for part in ("1", "2"):
            await _capture(payment, f"{key} {part}", claimed, Decimal("40.00"))

        for part in ("1", "2"):
            found = await payment.captures.find(f"{key} {part}")
            assert found
            assert found.standing == {"amount": Decimal("40.00")}

    @pytest.mark.parametrize("whole", ["40.00", "75.50", "130.00"])
    async def test_a_claim_changes_while_part_of_it_is_taken(
        self, payment: Payment, key: str, whole: str
    ) -> None:
        claimed = await _claim(payment, f"{key} claim", Decimal(100))
        await _capture(payment, f"{key} 1", claimed, Decimal(40))
        goal = {"amount": Decimal(whole)}

        changed = await payment.authorisations.make_stand(f"{key} claim", authorisation(goal))

        assert isinstance(changed, Done)
        assert changed.standing == goal
        assert await payment.authorisations.find(f"{key} claim") == changed
        if rest := Decimal(whole) - 40:
            await _capture(payment, f"{key} 2", changed.ref, rest)


async def _claim(payment: Payment, key: str, amount: Decimal) -> str:
    claimed = await payment.authorisations.make_stand(key, authorisation({"amount": amount}))
    assert isinstance(claimed, Done)
    return claimed.ref


async def _capture(payment: Payment, key: str, claimed: str, amount: Decimal) -> str:
    captured = await payment.captures.make_stand(
        key,
        PaymentCapture(
            goal={"amount": amount},
            order_id=ORDER,
            authorisation=claimed,
            document_id="INV-1",
            currency="USD",
        ),
    )
    assert isinstance(captured, Done)
    return captured.ref

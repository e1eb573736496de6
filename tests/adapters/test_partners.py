"""Every implementation of every port keeps its contract."""

import importlib
import json
import pkgutil
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from types import ModuleType
from typing import Any

import httpx
import pytest

from adapters import erp as erp_package
from adapters import payment as payment_package
from adapters import tax as tax_package
from adapters import tms as tms_package
from adapters import wms as wms_package
from adapters.erp.memory import MemoryErp
from adapters.erp.northwind import Northwind
from adapters.erp.port import Erp
from adapters.http import SystemClient, open_system
from adapters.payment.memory import MemoryPayment
from adapters.payment.port import Payment
from adapters.payment.stripe import Stripe
from adapters.port import Standing
from adapters.tax.avatax import AvaTax
from adapters.tax.memory import MemoryTax
from adapters.tax.port import Tax
from adapters.tms.easypost import EasyPost
from adapters.tms.memory import MemoryTms
from adapters.tms.port import Tms
from adapters.wms.memory import MemoryWms
from adapters.wms.port import Wms
from adapters.wms.stockyard import Stockyard
from domain.answer import Done, Refused
from domain.base import Goal
from domain.documents import Document
from domain.errors import UnexpectedAnswer
from tests.adapters.port_contracts import (
    GOAL,
    THERE,
    ErpContract,
    PaymentContract,
    TaxContract,
    TmsContract,
    WmsContract,
    authorisation,
    billing,
    booking,
    goods_issue,
    release,
    sales_order,
    tax_document,
)
from tests.adapters.standing_contract import MemoryControl, SimulatorControl

Url = Callable[[str], str]
ControlOf = Callable[[str], SimulatorControl]


class TestMemoryErp(ErpContract):
    @pytest.fixture
    def erp(self) -> MemoryErp:
        return MemoryErp()

    @pytest.fixture
    def control(self, erp: MemoryErp) -> MemoryControl:
        return MemoryControl(erp.partner)


class TestNorthwind(ErpContract):
    @pytest.fixture
    async def erp(self, simulator_url: Url) -> AsyncIterator[Northwind]:
        async with open_system("erp", simulator_url("erp")) as client:
            yield Northwind(client)

    @pytest.fixture
    def control(self, control_of: ControlOf) -> SimulatorControl:
        return control_of("erp")

    async def test_an_invoice_whose_totals_do_not_add_up_is_refused(
        self, erp: Northwind, key: str
    ) -> None:
        wrong = billing(GOAL)
        wrong = wrong.model_copy(update={"total": wrong.total + Decimal("0.01")})

        refused = await erp.invoices.make_stand(key, wrong)

        assert isinstance(refused, Refused)
        assert refused.reason == "erp_refused"


class TestMemoryWms(WmsContract):
    @pytest.fixture
    def wms(self) -> MemoryWms:
        return MemoryWms()

    @pytest.fixture
    def control(self, wms: MemoryWms) -> MemoryControl:
        return MemoryControl(wms.partner)


class TestStockyard(WmsContract):
    @pytest.fixture
    async def wms(self, simulator_url: Url) -> AsyncIterator[Stockyard]:
        async with open_system("wms-east", simulator_url("wms-east")) as client:
            yield Stockyard(client)

    @pytest.fixture
    def control(self, control_of: ControlOf) -> SimulatorControl:
        return control_of("wms-east")


class TestMemoryTms(TmsContract):
    @pytest.fixture
    def tms(self) -> MemoryTms:
        return MemoryTms()

    @pytest.fixture
    def control(self, tms: MemoryTms) -> MemoryControl:
        return MemoryControl(tms.partner)


class TestEasyPost(TmsContract):
    @pytest.fixture
    async def tms(self, simulator_url: Url) -> AsyncIterator[EasyPost]:
        async with open_system("tms-1", simulator_url("tms-1")) as client:
            yield EasyPost(client)

    @pytest.fixture
    def control(self, control_of: ControlOf) -> SimulatorControl:
        return control_of("tms-1")

    async def test_an_address_nobody_can_find_is_refused(self, tms: EasyPost, key: str) -> None:
        nowhere = THERE.model_copy(update={"postal_code": "00000"})

        refused = await tms.bookings.make_stand(key, booking(GOAL, nowhere))

        assert isinstance(refused, Refused)
        assert refused.reason == "address_undeliverable"

    async def test_the_service_asked_for_is_bought(
        self, tms: EasyPost, control: SimulatorControl, key: str
    ) -> None:
        express = booking(GOAL).model_copy(update={"ship_method": "nextday"})

        booked = await tms.bookings.make_stand(key, express)

        assert isinstance(booked, Done)
        assert booked.ref.startswith("AIRLINK/")


class TestMemoryTax(TaxContract):
    @pytest.fixture
    def tax(self) -> MemoryTax:
        return MemoryTax()

    @pytest.fixture
    def control(self, tax: MemoryTax) -> MemoryControl:
        return MemoryControl(tax.partner)


class TestAvaTax(TaxContract):
    @pytest.fixture
    async def tax(self, simulator_url: Url) -> AsyncIterator[AvaTax]:
        async with open_system("tax", simulator_url("tax")) as client:
            yield AvaTax(client)

    @pytest.fixture
    def control(self, control_of: ControlOf) -> SimulatorControl:
        return control_of("tax")

    async def test_without_an_address_there_is_no_tax(self, tax: AvaTax, key: str) -> None:
        refused = await tax.documents.make_stand(key, tax_document(GOAL, key, ship_to=None))

        assert isinstance(refused, Refused)
        assert refused.reason == "invalid_address"

    async def test_an_estimate_is_worked_out_and_files_nothing(
        self, tax: AvaTax, control: SimulatorControl, key: str
    ) -> None:
        answer = await tax.estimates.make_stand(key, tax_document(GOAL, key))

        assert isinstance(answer, Done)
        assert answer.standing == GOAL
        assert set(answer.amounts) == set(GOAL)
        assert all(amount > 0 for amount in answer.amounts.values())
        assert await tax.estimates.find(key) is None
        assert await control.effects(key) == 0
        assert await tax.estimates.make_stand(key, tax_document({}, key)) == Done(standing={})

    async def test_an_address_nobody_finds_is_a_matter_of_the_address(
        self, tax: AvaTax, key: str
    ) -> None:
        refused = await tax.estimates.make_stand(key, tax_document(GOAL, key, ship_to=None))

        assert isinstance(refused, Refused)
        assert refused.reason == "invalid_address"


async def test_avatax_is_told_where_and_when_what_comes_back_was_sold() -> None:
    asked: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content)["createTransactionModel"])
        return httpx.Response(201, json={"code": "T", "status": "Committed", "lines": []})

    sale = tax_document(GOAL, "T")
    first, *others = (line.model_copy(update={"sold_on": sale.date}) for line in sale.lines)
    first = first.model_copy(update={"ship_from": THERE, "tax": Decimal("-0.25")})
    back = sale.model_copy(update={"is_return": True, "lines": (first, *others)})

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(base_url="http://tax", transport=transport) as http:
        await AvaTax(SystemClient("tax", http)).documents.make_stand("k", back)

    ((one, other),) = (told["lines"] for told in asked)
    day = {"taxDate": "2026-03-01", "reason": "Return"}
    assert one["taxOverride"] == {"type": "TaxAmount", "taxAmount": -0.25, **day}
    assert one["addresses"]["shipFrom"]["postalCode"] == THERE.postal_code
    assert other["taxOverride"] == {"type": "TaxDate", **day}
    assert "addresses" not in other, "the document's"


class TestMemoryPayment(PaymentContract):
    @pytest.fixture
    def payment(self) -> MemoryPayment:
        return MemoryPayment()

    @pytest.fixture
    def control(self, payment: MemoryPayment) -> MemoryControl:
        return MemoryControl(payment.partner)


class TestStripe(PaymentContract):
    @pytest.fixture
    async def payment(self, simulator_url: Url) -> AsyncIterator[Stripe]:
        async with open_system("payment", simulator_url("payment")) as client:
            yield Stripe(client)

    @pytest.fixture
    def control(self, control_of: ControlOf) -> SimulatorControl:
        return control_of("payment")

    async def test_a_declined_card_is_refused(self, payment: Stripe, key: str) -> None:
        declined = authorisation({"amount": Decimal(5)}, token="pm_card_chargeDeclined")

        refused = await payment.authorisations.make_stand(key, declined)

        assert isinstance(refused, Refused)
        assert refused.reason == "payment_declined"


@pytest.mark.parametrize(
    ("system", "speak", "tell"),
    [
        ("erp", lambda client: Northwind(client).orders, sales_order),
        ("erp", lambda client: Northwind(client).shipments, goods_issue),
        ("wms-east", lambda client: Stockyard(client).releases, release),
        ("tms-1", lambda client: EasyPost(client).bookings, booking),
        ("tax", lambda client: AvaTax(client).documents, lambda goal: tax_document(goal, "T")),
        ("payment", lambda client: Stripe(client).authorisations, authorisation),
    ],
)
async def test_a_wrong_address_is_not_taken_for_an_empty_book(
    simulator_url: Url,
    system: str,
    speak: Callable[[SystemClient], Standing[Document]],
    tell: Callable[[Goal], Document],
) -> None:
    async with open_system(system, f"{simulator_url(system)}/elsewhere") as client:
        standing = speak(client)

        with pytest.raises(UnexpectedAnswer):
            await standing.find("k")
        with pytest.raises(UnexpectedAnswer):
            await standing.make_stand("k", tell({}))


@pytest.mark.parametrize(
    ("package", "port", "contract"),
    [
        (erp_package, Erp, ErpContract),
        (wms_package, Wms, WmsContract),
        (tms_package, Tms, TmsContract),
        (tax_package, Tax, TaxContract),
        (payment_package, Payment, PaymentContract),
    ],
)
def test_every_implementation_is_held_to_its_contract(
    package: ModuleType, port: type[object], contract: type[object]
) -> None:
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")

    implementations = [found for found in port.__subclasses__() if found.__module__[:5] != "tests"]

    assert len(implementations) >= 2
    assert len(contract.__subclasses__()) == len(implementations)

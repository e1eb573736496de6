"""AvaTax REST v2: one committed transaction per company and code, found by its reference code."""

from decimal import Decimal

from adapters.http import Reply, SystemClient, VendorAnswer
from adapters.port import Standing
from adapters.tax.port import Tax
from domain.answer import Answer, Done, Pending, Refused
from domain.base import Goal, tidy
from domain.documents import TaxDocument, TaxedLine
from domain.errors import UnexpectedAnswer
from domain.party import Address

REFUSED = "tax_refused"
INVALID_ADDRESS = "invalid_address"
_OF_THE_ADDRESS = {"InvalidAddress", "AddressIncomplete", "AddressRangeError", "PostalCodeError"}
VOIDED = {"Cancelled", "Voided"}
Body = dict[str, object]


class AvaTax(Tax):
    def __init__(self, client: SystemClient) -> None:
        self._documents = _Documents(client)
        self._estimates = _Estimates(client)

    @property
    def estimates(self) -> Standing[TaxDocument]:
        return self._estimates

    @property
    def documents(self) -> Standing[TaxDocument]:
        return self._documents


class _Line(VendorAnswer):
    lineNumber: str
    quantity: Decimal
    tax: Decimal


class _Transaction(VendorAnswer):
    code: str
    status: str
    lines: tuple[_Line, ...]

    def done(self) -> Done:
        if self.status in VOIDED:
            return Done(standing={}, ref=self.code)
        return Done(
            standing=tidy({line.lineNumber: line.quantity for line in self.lines}),
            ref=self.code,
            amounts={line.lineNumber: line.tax for line in self.lines},
        )


class _Transactions(VendorAnswer):
    value: tuple[_Transaction, ...]


class _Company(VendorAnswer):
    companyCode: str


class _Companies(VendorAnswer):
    value: tuple[_Company, ...]


class _Trouble(VendorAnswer):
    code: str
    message: str


class _Refusal(VendorAnswer):
    error: _Trouble

    def refused(self) -> Refused:
        wrong_address = self.error.code in _OF_THE_ADDRESS
        reason = INVALID_ADDRESS if wrong_address else REFUSED
        return Refused(reason=reason, detail=f"{self.error.code}: {self.error.message}")


class _Estimates(Standing[TaxDocument]):
    """A transaction of type SalesOrder is worked out and not kept."""

    def __init__(self, client: SystemClient) -> None:
        self._client = client

    async def make_stand(self, key: str, document: TaxDocument) -> Answer:
        goal = tidy(document.goal)
        if not goal:
            return Done(standing={})
        reply = await self._client.ask(
            "POST",
            *("api", "v2", "transactions", "create"),
            known=(200, 201, 202, 400),
            query={"$include": "Lines"},
            body=_model(key, document, goal, estimate=True),
        )
        return _answer(reply)

    async def find(self, key: str) -> Done | None:
        """Nothing is kept: asking again costs nothing but the question."""
        return None


class _Documents(Standing[TaxDocument]):
    def __init__(self, client: SystemClient) -> None:
        self._client = client

    async def make_stand(self, key: str, document: TaxDocument) -> Answer:
        goal = tidy(document.goal)
        if not goal:
            return await self._void(document)
        reply = await self._client.ask(
            "POST",
            *("api", "v2", "transactions", "createoradjust"),
            known=(200, 201, 202, 400),
            query={"$include": "Lines"},
            body={"createTransactionModel": _model(key, document, goal)},
        )
        return _answer(reply)

    async def find(self, key: str) -> Done | None:
        # A reference is looked for company by company, and the key does not say whose it is.
        reply = await self._client.ask("GET", "api", "v2", "companies", known=(200,))
        for company in reply.read(_Companies).value:
            if found := await self._found(company.companyCode, key):
                return found
        return None

    async def _found(self, company: str, key: str) -> Done | None:
        reference = key.replace("'", "''")
        reply = await self._client.ask(
            "GET",
            *("api", "v2", "companies", company, "transactions"),
            known=(200,),
            query={"$filter": f"referenceCode eq '{reference}'", "$include": "Lines"},
        )
        found = reply.read(_Transactions).value
        return found[-1].done() if found else None

    async def _void(self, document: TaxDocument) -> Answer:
        reply = await self._client.ask(
            "POST",
            *("api", "v2", "companies", document.company, "transactions", document.code, "void"),
            known=(200, 202, 400, 404),
            body={"code": "DocVoided"},
        )
        return Done(standing={}) if _absent(reply) else _answer(reply)


def _absent(reply: Reply) -> bool:
    """Whether the vendor itself says that there is nothing; any other 404 is no answer of its."""
    if reply.status != 404:
        return False
    if reply.read(_Refusal).error.code != "EntityNotFoundError":
        raise UnexpectedAnswer(f"{reply.asked}: status 404")
    return True


def _answer(reply: Reply) -> Answer:
    if reply.status == 202:
        return Pending()
    if reply.status == 400:
        return reply.read(_Refusal).refused()
    return reply.read(_Transaction).done()


def _model(key: str, document: TaxDocument, goal: Goal, *, estimate: bool = False) -> Body:
    lines = [_line(document, line, goal[line.line]) for line in document.lines if line.line in goal]
    kind = "SalesOrder" if estimate else "ReturnInvoice" if document.is_return else "SalesInvoice"
    return {
        "type": kind,
        "code": document.code,
        "referenceCode": key,
        "companyCode": document.company,
        "customerCode": document.customer,
        "currencyCode": document.currency,
        "date": document.date.isoformat(),
        "commit": not estimate,
        "exemptionNo": "EXEMPT" if document.exempt else None,
        "addresses": {
            "shipFrom": _address(document.ship_from),
            "shipTo": _address(document.ship_to),
        },
        "lines": lines,
    }


def _line(document: TaxDocument, line: TaxedLine, quantity: Decimal) -> Body:
    """What comes back is taxed as it was when it was sold: at that place and day, at those rates,
    or by the amount itself.
    """
    body: Body = {
        "number": line.line,
        "quantity": quantity,
        "amount": line.amount,
        "itemCode": line.item,
        "taxCode": line.tax_code,
    }
    if line.ship_from is not None and line.ship_from != document.ship_from:
        body["addresses"] = {
            "shipFrom": _address(line.ship_from),
            "shipTo": _address(document.ship_to),
        }
    if line.sold_on is not None:
        override: Body = {"type": "TaxDate", "taxDate": line.sold_on.isoformat()}
        if line.tax is not None:
            override |= {"type": "TaxAmount", "taxAmount": line.tax}
        body["taxOverride"] = {**override, "reason": "Return"}
    return body


def _address(address: Address | None) -> Body | None:
    if address is None:
        return None
    return {
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "region": address.region,
        "postalCode": address.postal_code,
        "country": address.country,
    }

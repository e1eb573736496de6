"""AvaTax REST v2, as far as committed documents go.

    POST /api/v2/transactions/createoradjust                     one document per company and code
    POST /api/v2/transactions/create                             an estimate: worked out, not kept
    POST /api/v2/companies/{company}/transactions/{code}/void
    GET  /api/v2/companies/{company}/transactions?$filter=referenceCode eq '…'
    GET  /api/v2/companies

The caller's key is the document's referenceCode. Rates are made up, one per region.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from stack.simulators.book import Json, now_text
from stack.simulators.vendor import Call, Operation, Outcome, Reply, Vendor, exact, plain

RATES = {
    "CA": "0.0725", "CO": "0.029", "FL": "0.06", "IL": "0.0625", "NJ": "0.06625", "NY": "0.08875",
    "OH": "0.0575", "PA": "0.06", "TX": "0.0825", "WA": "0.065",
    "AK": "0", "DE": "0", "MT": "0", "NH": "0", "OR": "0",
}  # fmt: skip
OTHER_RATE = "0.05"
NOT_TAXED = "NT"
DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "BHD": 3, "JOD": 3, "KWD": 3, "OMR": 3}
_BY_REFERENCE = re.compile(r"referenceCode eq '((?:[^']|'')*)'")


class AvaTax(Vendor):
    def operations(self) -> Sequence[Operation]:
        documents = "/api/v2/companies/{company}/transactions"
        return [
            Operation(
                "commit_tax",
                "POST",
                "/api/v2/transactions/createoradjust",
                lambda call: str(_model(call).get("referenceCode", "")),
                self._create,
            ),
            Operation(
                "estimate_tax",
                "POST",
                "/api/v2/transactions/create",
                lambda call: str(_model(call).get("referenceCode", "")),
                self._estimate,
            ),
            Operation("void_tax", "POST", f"{documents}/{{code}}/void", self._key_of, self._void),
            Operation("find_tax", "GET", documents, _reference, self._list, changes=False),
            Operation(
                "list_companies",
                "GET",
                "/api/v2/companies",
                lambda call: "",
                self._companies,
                changes=False,
            ),
        ]

    def refusal(self, operation: Operation, call: Call) -> Reply:
        return _error(400, "InvalidParameterValue", "The document was not accepted.")

    def deferral(self, operation: Operation, call: Call) -> Reply:
        model = _model(call)
        if model:
            name = _name(str(model.get("companyCode")), str(model.get("code")))
            self.book.keep("asked", name, {"key": operation.key(call)}, key="")
        return Reply(202, {"status": "PendingApproval"})

    def outcome(self, reply: Reply) -> Outcome:
        taxes = {line["lineNumber"]: plain(line["tax"]) for line in reply.body["lines"]}
        return Outcome(reference=reply.body["code"], amounts=taxes)

    def _estimate(self, call: Call) -> Reply:
        worked_out = self._worked_out(_model(call))
        if isinstance(worked_out, Reply):
            return worked_out
        document = {"id": "0", "version": 1, "status": "Temporary", **worked_out}
        return Reply(201, _told(document))

    def _worked_out(self, model: Json) -> Json | Reply:
        """The document's parts, or why there can be none."""
        try:
            rate = _rate(model)
            lines = [_taxed(line, rate, model["currencyCode"]) for line in model["lines"]]
            key = model["referenceCode"]
            _name(model["companyCode"], model["code"])
        except (KeyError, TypeError, ValueError) as wrong:
            return _error(400, "ValueRequiredError", f"Not understood: {wrong!r}.")
        if rate is None:
            return _error(400, "InvalidAddress", "The address value was incomplete.")
        return {"key": key, "model": model, "lines": lines}

    def _create(self, call: Call) -> Reply:
        worked_out = self._worked_out(_model(call))
        if isinstance(worked_out, Reply):
            return worked_out
        model, lines, key = worked_out["model"], worked_out["lines"], worked_out["key"]
        name = _name(model["companyCode"], model["code"])
        before = self.book.thing("document", name)
        said = {"model": model, "lines": lines, "status": "Committed"}
        if before and all(before[part] == _kept(value) for part, value in said.items()):
            return Reply(201, _told(before))
        version = before["version"] + 1 if before else 1
        number = before["id"] if before else self.book.next_number("document")
        document = {"id": number, "version": version, "key": key, **said}
        self.book.keep("document", name, document, key=key)
        self.book.keep("company", model["companyCode"], {"code": model["companyCode"]}, key="")
        standing = before is not None and before["status"] == "Committed"
        self._record("adjust_tax" if standing else "commit_tax", document)
        return Reply(201, _told(document))

    def _void(self, call: Call) -> Reply:
        name = _name(call.path["company"], call.path["code"])
        document = self.book.thing("document", name)
        if document is None:
            return _error(404, "EntityNotFoundError", "Document not found.")
        if document["status"] == "Committed":
            document["status"] = "Cancelled"
            self.book.keep("document", name, document, key=document["key"])
            self._record("void_tax", document)
        return Reply(200, _told(document))

    def _list(self, call: Call) -> Reply:
        found = [
            _told(document)
            for document in self.book.things("document", key=_reference(call))
            if document["model"]["companyCode"] == call.path["company"]
        ]
        return Reply(200, {"@recordsetCount": len(found), "value": found})

    def _companies(self, call: Call) -> Reply:
        codes = [company["code"] for company in self.book.things("company")]
        value = [{"id": n, "companyCode": code} for n, code in enumerate(codes, start=1)]
        return Reply(200, {"@recordsetCount": len(value), "value": value})

    def _key_of(self, call: Call) -> str:
        """Of the document; of the one that was asked for, when there is none yet."""
        name = _name(call.path["company"], call.path["code"])
        found = self.book.thing("document", name) or self.book.thing("asked", name)
        return str(found["key"]) if found else ""

    def _record(self, operation: str, document: Json) -> None:
        told = _told(document)
        stands = document["status"] == "Committed"
        lines = {line["lineNumber"]: plain(line["quantity"]) for line in told["lines"]}
        self.book.record(
            document["key"],
            operation,
            amount=plain(told["totalTax"]) if stands else "0",
            currency=told["currencyCode"],
            lines=lines if stands else {},
            reference=told["code"],
        )


def _model(call: Call) -> Json:
    """Wrapped where a document may be adjusted, plain where it is only worked out."""
    model: Any = call.body.get("createTransactionModel", call.body)
    return model if isinstance(model, dict) else {}


def _reference(call: Call) -> str:
    found = _BY_REFERENCE.fullmatch(call.query.get("$filter", ""))
    return found[1].replace("''", "'") if found else ""


def _name(company: str, code: str) -> str:
    return f"{company}\n{code}"


def _rate(model: Json) -> Decimal | None:
    """`None` for an address nobody could find."""
    address = model.get("addresses", {}).get("shipTo") or {}
    if not (address.get("country") and address.get("postalCode")):
        return None
    taxed = not model.get("exemptionNo") and address["country"] == "US"
    return exact(RATES.get(str(address.get("region")), OTHER_RATE)) if taxed else Decimal(0)


def _taxed(line: Json, rate: Decimal | None, currency: str) -> Json:
    amount = exact(line["amount"])
    smallest = Decimal(1).scaleb(-DIGITS.get(currency, 2))
    due = Decimal(0) if line.get("taxCode") == NOT_TAXED else amount * (rate or 0)
    override = line.get("taxOverride") or {}
    if override.get("type") == "TaxAmount":
        due = exact(override["taxAmount"])
    return {
        "number": line["number"],
        "quantity": exact(line["quantity"]),
        "amount": amount,
        "tax": due.quantize(smallest, rounding=ROUND_HALF_UP),
    }


def _kept(value: Any) -> Any:
    """As it looks when it comes back from the book: decimals as text."""
    match value:
        case Decimal():
            return format(value, "f")
        case dict():
            return {name: _kept(inner) for name, inner in value.items()}
        case list():
            return [_kept(inner) for inner in value]
    return value


def _told(document: Json) -> Json:
    model = document["model"]
    lines = [
        {
            "lineNumber": line["number"],
            "quantity": exact(line["quantity"]),
            "lineAmount": exact(line["amount"]),
            "tax": exact(line["tax"]),
        }
        for line in document["lines"]
    ]
    return {
        "id": document["id"],
        "code": model["code"],
        "status": document["status"],
        "type": model["type"],
        "date": model["date"],
        "currencyCode": model["currencyCode"],
        "customerCode": model["customerCode"],
        "referenceCode": document["key"],
        "totalAmount": sum((line["lineAmount"] for line in lines), Decimal(0)),
        "totalTax": sum((line["tax"] for line in lines), Decimal(0)),
        "version": document["version"],
        "modifiedDate": now_text(),
        "lines": lines,
    }


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"error": {"code": code, "message": message, "target": "Unknown"}})

"""Northwind ERP: sales orders, goods issues, invoices and credit notes under the caller's key.

    PUT    /sales-orders/{key}   books it, or changes what is booked; the same again changes nothing
    DELETE /sales-orders/{key}   cancels it
    GET    /sales-orders/{key}   what is booked; 404 when the key was never heard of

and so for /goods-issues (no DELETE), /invoices and /credit-notes. The answer is `{"number",
"external_key", "status": "open|cancelled", "lines": [{"line", "quantity"}]}`; a refusal is 422 with
`{"error": {"code", "message"}}`. Quantities and amounts are decimal text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from stack.simulators.book import Json
from stack.simulators.vendor import Call, Operation, Outcome, Reply, Vendor, exact, plain, total


@dataclass(frozen=True)
class Ledger:
    """One kind of document."""

    path: str
    noun: str
    prefix: str
    cancels: bool = True
    billed: bool = False


LEDGERS = (
    Ledger("sales-orders", "order", "SO"),
    Ledger("goods-issues", "goods_issue", "GI", cancels=False),
    Ledger("invoices", "invoice", "INV", billed=True),
    Ledger("credit-notes", "credit_note", "CN", billed=True),
)


class Northwind(Vendor):
    def operations(self) -> Sequence[Operation]:
        return [operation for ledger in LEDGERS for operation in self._operations(ledger)]

    def refusal(self, operation: Operation, call: Call) -> Reply:
        return _no("unknown_customer", "This customer is not in the books.")

    def outcome(self, reply: Reply) -> Outcome:
        return Outcome(reference=reply.body["number"])

    def _operations(self, ledger: Ledger) -> list[Operation]:
        path = f"/{ledger.path}/{{key}}"
        found = [
            Operation(f"post_{ledger.noun}", "PUT", path, _key, partial(self._put, ledger)),
            Operation(
                f"find_{ledger.noun}", "GET", path, _key, partial(self._get, ledger), changes=False
            ),
        ]
        if ledger.cancels:
            cancel = partial(self._delete, ledger)
            found.append(Operation(f"cancel_{ledger.noun}", "DELETE", path, _key, cancel))
        return found

    def _put(self, ledger: Ledger, call: Call) -> Reply:
        try:
            wrong = _wrong(ledger, call.body)
        except (KeyError, TypeError, ValueError) as unread:
            return Reply(400, {"error": {"code": "bad_request", "message": repr(unread)}})
        if wrong:
            return wrong
        key = _key(call)
        before = self.book.thing(ledger.path, key)
        if before and before["status"] == "open" and before["content"] == call.body:
            return Reply(200, _told(before))
        fresh = before is None or before["status"] == "cancelled"
        number = f"{ledger.prefix}-{self.book.next_number(ledger.path):06d}"
        document = {
            "number": number if before is None or fresh else before["number"],
            "external_key": key,
            "status": "open",
            "content": call.body,
        }
        self.book.keep(ledger.path, key, document, key=key)
        self._record(ledger, f"{'post' if fresh else 'amend'}_{ledger.noun}", document)
        return Reply(201 if fresh else 200, _told(document))

    def _get(self, ledger: Ledger, call: Call) -> Reply:
        found = self.book.thing(ledger.path, _key(call))
        return Reply(200, _told(found)) if found else _unknown()

    def _delete(self, ledger: Ledger, call: Call) -> Reply:
        found = self.book.thing(ledger.path, _key(call))
        if found is None:
            return _unknown()
        if found["status"] == "open":
            found["status"] = "cancelled"
            self.book.keep(ledger.path, _key(call), found, key=_key(call))
            self._record(ledger, f"cancel_{ledger.noun}", found)
        return Reply(200, _told(found))

    def _record(self, ledger: Ledger, operation: str, document: Json) -> None:
        """Quantity or amount is what stands under the key from now on."""
        stands = document["status"] == "open"
        content = document["content"]
        lines = {line["line"]: line["quantity"] for line in content["lines"]} if stands else {}
        much = {"amount": content["total"] if stands else "0"} if ledger.billed else {}
        self.book.record(
            document["external_key"],
            operation,
            **(much or {"quantity": total(lines)}),
            lines=lines,
            reference=document["number"],
        )


def _key(call: Call) -> str:
    return call.path["key"]


def _told(document: Json) -> Json:
    lines = [
        {"line": line["line"], "quantity": line["quantity"]}
        for line in document["content"]["lines"]
    ]
    told = {name: document[name] for name in ("number", "external_key", "status")}
    return {**told, "lines": lines}


def _wrong(ledger: Ledger, content: Json) -> Reply | None:
    """What an accountant would not book. Raises what reading a bad body raises."""
    lines = content["lines"]
    if not lines or any(exact(line["quantity"]) <= 0 for line in lines):
        return _no("nothing_to_book", "A document needs lines, each of more than nothing.")
    if not ledger.billed:
        return None
    net = sum((exact(line["amount"]) for line in lines), Decimal(0))
    tax = sum((exact(line["tax"]) for line in lines), Decimal(0))
    rest = exact(content["freight"]) - exact(content.get("restocking", 0))
    sums = (net, tax, net + tax + rest)
    said = tuple(exact(content[name]) for name in ("subtotal", "tax", "total"))
    if sums != said:
        told = ", ".join(plain(amount) for amount in sums)
        return _no("totals_do_not_add_up", f"The lines make {told}.")
    return None


def _no(code: str, message: str) -> Reply:
    return Reply(422, {"error": {"code": code, "message": message}})


def _unknown() -> Reply:
    return Reply(404, {"error": {"code": "unknown_key", "message": "Nothing under this key."}})

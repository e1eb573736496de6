"""Stripe API v1, as far as cards held and charged later go; requests are forms.

    POST /v1/payment_intents                  metadata[key] is the caller's key
    POST /v1/payment_intents/{id}/capture     a part, as often as the claim lasts
    POST /v1/payment_intents/{id}/cancel
    GET  /v1/payment_intents/search?query=
    POST /v1/charges/{id}                     metadata
    GET  /v1/charges/search?query=
    POST /v1/refunds · GET /v1/refunds?charge=

The same Idempotency-Key is the same request: its first answer is given again. Amounts are integers
of the currency's smallest unit.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from stack.simulators.book import Json
from stack.simulators.vendor import BadRequest, Call, Operation, Outcome, Reply, Vendor, plain

DECLINED = "pm_card_chargeDeclined"
"""The vendor's own name for a card that has no money."""
DIGITS = {"jpy": 0, "krw": 0, "clp": 0, "vnd": 0, "bhd": 3, "jod": 3, "kwd": 3, "omr": 3, "tnd": 3}
_EQUALS = re.compile(r"metadata\['(\w+)'\]:'((?:[^'\\]|\\.)*)'")
_PRESENT = re.compile(r"-metadata\['(\w+)'\]:null")
_METADATA = re.compile(r"metadata\[(\w+)\]")


class Stripe(Vendor):
    def operations(self) -> Sequence[Operation]:
        intents, charges = "/v1/payment_intents", "/v1/charges"
        return [
            _post("authorise", intents, _metadata_key, self._once(self._create)),
            _post("capture", f"{intents}/{{id}}/capture", _idempotency, self._once(self._capture)),
            _post("void", f"{intents}/{{id}}/cancel", self._intent_key, self._cancel),
            _look("find_authorisation", f"{intents}/search", _asked_key, self._search("intent")),
            Operation(
                "mark_charge",
                "POST",
                f"{charges}/{{id}}",
                lambda call: "",
                self._mark,
                changes=False,
            ),
            _look("find_charge", f"{charges}/search", _asked_key, self._search("charge")),
            _post("refund", "/v1/refunds", _metadata_key, self._once(self._refund)),
            _look("find_refund", "/v1/refunds", lambda call: "", self._refunds),
        ]

    def refusal(self, operation: Operation, call: Call) -> Reply:
        if operation.name == "authorise":
            return _declined()
        return _error("payment_intent_unexpected_state", "It cannot be done any more.")

    def deferral(self, operation: Operation, call: Call) -> Reply:
        if operation.name == "refund":
            return Reply(200, {"object": "refund", "status": "pending"})
        if operation.name != "authorise":
            return Reply(200, {"object": "payment_intent", "status": "processing"})
        intent = self._undecided(call) or self._intent(call, "processing")
        return Reply(200, intent)

    def outcome(self, reply: Reply) -> Outcome:
        captured = reply.body.get("amount_received")
        return Outcome(reference=reply.body["latest_charge" if captured else "id"])

    def _create(self, call: Call) -> Reply:
        if call.body.get("payment_method") == DECLINED:
            return _declined()
        undecided = self._undecided(call)
        name = str(undecided["id"]) if undecided else None
        intent = self._intent(call, "requires_capture", name)
        self._record(_metadata_key(call), "authorise", intent, intent["amount"])
        return Reply(200, intent)

    def _undecided(self, call: Call) -> Json | None:
        """The claim under this key that was asked for and not decided."""
        slot = _slot("intent", "key", _metadata_key(call))
        names = [found["id"] for found in self.book.things("metadata", key=slot)]
        intents = [self.book.thing("intent", name) for name in names]
        return next((i for i in intents if i and i["status"] == "processing"), None)

    def _intent(self, call: Call, status: str, name: str | None = None) -> Json:
        form = call.body
        amount = _whole(form, "amount")
        if name is None:
            name = f"pi_{self.book.id}{self.book.next_number('intent'):06d}"
        charge: Json = {
            "id": name.replace("pi_", "ch_", 1),
            "object": "charge",
            "payment_intent": name,
            "amount_refunded": 0,
            "metadata": {},
        }
        intent: Json = {
            "id": name,
            "object": "payment_intent",
            "status": status,
            "amount": amount,
            "amount_capturable": amount if status == "requires_capture" else 0,
            "amount_received": 0,
            "currency": form.get("currency", "usd"),
            "latest_charge": charge["id"],
            "metadata": _metadata(form),
        }
        self._keep("charge", charge)
        self._keep("intent", intent)
        return intent

    def _capture(self, call: Call) -> Reply:
        intent = self.book.thing("intent", call.path["id"])
        if intent is None:
            return _missing()
        wanted = _whole(call.body, "amount_to_capture")
        if intent["status"] != "requires_capture":
            return _error("payment_intent_unexpected_state", f"It is {intent['status']}.")
        if wanted > intent["amount_capturable"]:
            return _error("amount_too_large", "More than is left of the claim.")
        intent["amount_received"] += wanted
        intent["amount_capturable"] -= wanted
        intent["metadata"] |= _metadata(call.body)
        if call.body.get("final_capture") != "false" or not intent["amount_capturable"]:
            intent["amount_capturable"] = 0
            intent["status"] = "succeeded"
        self._keep("intent", intent)
        self._record(call.idempotency_key, "capture", intent, wanted)
        return Reply(200, intent)

    def _cancel(self, call: Call) -> Reply:
        intent = self.book.thing("intent", call.path["id"])
        if intent is None:
            return _missing()
        if intent["status"] == "succeeded":
            return _error("payment_intent_unexpected_state", "It has succeeded.")
        was, intent["status"] = intent["status"], "canceled"
        intent["amount_capturable"] = 0
        self._keep("intent", intent)
        if was == "requires_capture":
            self._record(self._intent_key(call), "void", intent, 0)
        return Reply(200, intent)

    def _mark(self, call: Call) -> Reply:
        charge = self.book.thing("charge", call.path["id"])
        if charge is None:
            return _missing()
        charge["metadata"] |= _metadata(call.body)
        self._keep("charge", charge)
        return Reply(200, charge)

    def _refund(self, call: Call) -> Reply:
        charge = self.book.thing("charge", call.body.get("charge", ""))
        intent = self.book.thing("intent", charge["payment_intent"]) if charge else None
        if charge is None or intent is None:
            return _missing()
        amount = _whole(call.body, "amount")
        charge["amount_refunded"] += amount
        if charge["amount_refunded"] > intent["amount_received"]:
            return _error("charge_already_refunded", "More than was taken.")
        self._keep("charge", charge)
        number = f"{self.book.id}{self.book.next_number('refund'):06d}"
        refund = {
            "id": f"re_{number}",
            "object": "refund",
            "status": "succeeded",
            "amount": amount,
            "currency": intent["currency"],
            "charge": charge["id"],
            "metadata": _metadata(call.body),
        }
        self.book.keep("refund", refund["id"], refund, key=charge["id"])
        self._record(_metadata_key(call), "refund", refund, amount)
        return Reply(200, refund)

    def _refunds(self, call: Call) -> Reply:
        found = self.book.things("refund", key=call.query.get("charge", "-"))
        return Reply(200, {"object": "list", "data": found[::-1], "has_more": False})

    def _search(self, kind: str) -> Callable[[Call], Reply]:
        def search(call: Call) -> Reply:
            query = call.query.get("query", "")
            if equals := _EQUALS.fullmatch(query):
                slot = _slot(kind, equals[1], re.sub(r"\\(.)", r"\1", equals[2]))
            elif present := _PRESENT.fullmatch(query):
                slot = _slot(kind, present[1])
            else:
                return _error("parameter_invalid", "This query is not understood.")
            names = [found["id"] for found in self.book.things("metadata", key=slot)]
            found = [thing for name in names if (thing := self.book.thing(kind, name))]
            return Reply(200, {"object": "search_result", "data": found[::-1], "has_more": False})

        return search

    def _once(self, handle: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        """The same Idempotency-Key is the same request."""

        def once(call: Call) -> Reply:
            if not call.idempotency_key:
                return handle(call)
            request = {"path": dict(call.path), "body": dict(call.body)}
            before = self.book.thing("request", call.idempotency_key)
            if before is None:
                reply = handle(call)
                kept = {"request": request, "status": reply.status, "body": reply.body}
                self.book.keep("request", call.idempotency_key, kept, key="")
                return reply
            if before["request"] != request:
                return _error("idempotency_key_in_use", "The key was used for another request.")
            return Reply(before["status"], before["body"])

        return once

    def _keep(self, kind: str, thing: Json) -> None:
        self.book.keep(kind, thing["id"], thing, key="")
        for name, value in thing["metadata"].items():
            for slot in (_slot(kind, name), _slot(kind, name, value)):
                self.book.keep("metadata", f"{slot}\n{thing['id']}", {"id": thing["id"]}, key=slot)

    def _intent_key(self, call: Call) -> str:
        intent = self.book.thing("intent", call.path["id"])
        return str(intent["metadata"].get("key", "")) if intent else ""

    def _record(self, key: str, operation: str, thing: Json, amount: int) -> None:
        digits = DIGITS.get(thing["currency"], 2)
        self.book.record(
            key,
            operation,
            amount=plain(Decimal(amount).scaleb(-digits)),
            currency=thing["currency"].upper(),
            reference=thing["id"],
        )


def _post(
    name: str, path: str, key: Callable[[Call], str], handle: Callable[[Call], Reply]
) -> Operation:
    return Operation(name, "POST", path, key, handle)


def _look(
    name: str, path: str, key: Callable[[Call], str], handle: Callable[[Call], Reply]
) -> Operation:
    return Operation(name, "GET", path, key, handle, changes=False)


def _whole(form: Json, name: str) -> int:
    text = form.get(name, "")
    if not (text.isascii() and text.isdigit()):
        raise BadRequest(f"{name} is a whole number of the smallest unit")
    return int(text)


def _metadata(form: Json) -> dict[str, str]:
    return {found[1]: form[name] for name in form if (found := _METADATA.fullmatch(name))}


def _metadata_key(call: Call) -> str:
    return str(call.body.get("metadata[key]", ""))


def _idempotency(call: Call) -> str:
    return call.idempotency_key


def _asked_key(call: Call) -> str:
    found = _EQUALS.fullmatch(call.query.get("query", ""))
    return found[2] if found and found[1] == "key" else ""


def _slot(kind: str, name: str, *value: str) -> str:
    return "\n".join((kind, name, *value))


def _declined() -> Reply:
    words = {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}
    return Reply(402, {"error": words})


def _missing() -> Reply:
    words = {"type": "invalid_request_error", "code": "resource_missing", "message": "Not here."}
    return Reply(404, {"error": words})


def _error(code: str, message: str) -> Reply:
    words = {"type": "invalid_request_error", "code": code, "message": message}
    return Reply(400, {"error": words})

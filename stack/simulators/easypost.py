"""EasyPost API v2, as far as buying and refunding labels goes.

    POST /v2/shipments                 a shipment with rates; asked twice, there are two
    GET  /v2/shipments/{id}            by id, or by the caller's reference: the newest one
    POST /v2/shipments/{id}/buy        buys a label; once per shipment
    POST /v2/shipments/{id}/refund
    GET  /v2/trackers/{id}

The caller's key is the shipment's reference.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from stack.simulators.book import Json, now_text
from stack.simulators.vendor import Call, Operation, Outcome, Reply, Vendor, exact, plain, total

SERVICES = (
    ("ROADLINE", "Ground", "6.40", "0.03"),
    ("ROADLINE", "Express", "14.90", "0.07"),
    ("AIRLINK", "NextDay", "31.00", "0.12"),
)
"""Carrier, service, and what it costs: so much, and so much per ounce."""
NOWHERE = "00000"
"""The postal code of addresses nobody can find."""
HANDED_OVER = {"submitted", "refunded"}


class EasyPost(Vendor):
    def operations(self) -> Sequence[Operation]:
        one = "/v2/shipments/{id}"
        return [
            Operation(
                "create_shipment",
                "POST",
                "/v2/shipments",
                lambda call: str(_wanted(call).get("reference") or ""),
                self._create,
                changes=False,
            ),
            Operation("find_shipment", "GET", one, self._key, self._get, changes=False),
            Operation("buy_transport", "POST", f"{one}/buy", self._key, self._buy),
            Operation("refund_transport", "POST", f"{one}/refund", self._key, self._refund),
            Operation(
                "find_tracker",
                "GET",
                "/v2/trackers/{id}",
                lambda call: "",
                self._tracker,
                changes=False,
            ),
        ]

    def refusal(self, operation: Operation, call: Call) -> Reply:
        if operation.name == "refund_transport":
            return _error("SHIPMENT.REFUND.UNAVAILABLE", "The label was used already.")
        return _error("ADDRESS.VERIFY.FAILURE", "Unable to verify address.")

    def outcome(self, reply: Reply) -> Outcome:
        carrier = (reply.body["selected_rate"] or {}).get("carrier", "")
        return Outcome(reference=f"{carrier}/{reply.body['tracking_code']}")

    def _create(self, call: Call) -> Reply:
        wanted = _wanted(call)
        try:
            weight = exact(wanted["parcel"]["weight"])
            items = wanted["customs_info"]["customs_items"]
            lines = {item["code"]: plain(exact(item["quantity"])) for item in items}
            to, reference = wanted["to_address"], str(wanted["reference"])
            found = to["street1"] and to["zip"] and to["zip"] != NOWHERE
        except (KeyError, TypeError, ValueError) as wrong:
            return _error("SHIPMENT.INVALID_PARAMS", f"Not understood: {wrong!r}.")
        if not found:
            return _error("ADDRESS.VERIFY.FAILURE", "Unable to verify address.")
        number = f"{self.book.id.lower()}{self.book.next_number('shipment'):06d}"
        shipment = {
            "id": f"shp_{number}",
            "object": "Shipment",
            "mode": "test",
            "created_at": now_text(),
            "reference": reference,
            "status": "unknown",
            "tracking_code": None,
            "refund_status": None,
            "selected_rate": None,
            "tracker": None,
            "to_address": to,
            "from_address": wanted.get("from_address"),
            "parcel": {"weight": plain(weight)},
            "lines": lines,
            "rates": _rates(number, weight),
        }
        self.book.keep("shipment", shipment["id"], shipment, key=reference)
        return Reply(201, _told(shipment))

    def _get(self, call: Call) -> Reply:
        shipment = self._found(call)
        return Reply(200, _told(shipment)) if shipment else _not_found()

    def _buy(self, call: Call) -> Reply:
        shipment = self._found(call)
        if shipment is None:
            return _not_found()
        if shipment["tracking_code"]:
            return _error("SHIPMENT.POSTAGE.EXISTS", "Postage already exists for this shipment.")
        wanted: Any = call.body.get("rate") or {}
        rate = next((r for r in shipment["rates"] if r["id"] == wanted.get("id")), None)
        if rate is None:
            return _error("SHIPMENT.RATE.NOT_FOUND", "No such rate.")
        number = shipment["id"].removeprefix("shp_")
        shipment["selected_rate"] = rate
        shipment["tracking_code"] = f"{rate['carrier'][:2]}{number}".upper()
        shipment["tracker"] = {
            "id": f"trk_{number}",
            "object": "Tracker",
            "tracking_code": shipment["tracking_code"],
            "status": "pre_transit",
            "carrier": rate["carrier"],
            "shipment_id": shipment["id"],
        }
        self._keep(shipment)
        self.book.record(
            shipment["reference"],
            "buy_transport",
            quantity=total(shipment["lines"]),
            lines=shipment["lines"],
            reference=f"{rate['carrier']}/{shipment['tracking_code']}",
        )
        return Reply(200, _told(shipment))

    def _refund(self, call: Call) -> Reply:
        shipment = self._found(call)
        if shipment is None:
            return _not_found()
        if not shipment["tracking_code"]:
            return _error("SHIPMENT.REFUND.UNAVAILABLE", "There is no postage to refund.")
        if shipment["refund_status"] not in HANDED_OVER:
            shipment["refund_status"] = "submitted"
            self._keep(shipment)
            carrier = shipment["selected_rate"]["carrier"]
            self.book.record(
                shipment["reference"],
                "refund_transport",
                quantity="0",
                lines={},
                reference=f"{carrier}/{shipment['tracking_code']}",
            )
        return Reply(200, _told(shipment))

    def _tracker(self, call: Call) -> Reply:
        shipment = self.book.thing("shipment", call.path["id"].replace("trk_", "shp_", 1))
        tracker = shipment["tracker"] if shipment else None
        return Reply(200, tracker) if tracker else _not_found()

    def _found(self, call: Call) -> Json | None:
        name = call.path["id"]
        if found := self.book.thing("shipment", name):
            return found
        referred = self.book.things("shipment", key=name)
        return referred[-1] if referred else None

    def _key(self, call: Call) -> str:
        shipment = self._found(call)
        return str(shipment["reference"]) if shipment else call.path["id"]

    def _keep(self, shipment: Json) -> None:
        self.book.keep("shipment", shipment["id"], shipment, key=shipment["reference"])


def _wanted(call: Call) -> Json:
    wanted: Any = call.body.get("shipment")
    return wanted if isinstance(wanted, dict) else {}


def _rates(number: str, weight: Decimal) -> list[Json]:
    cent = Decimal("0.01")
    return [
        {
            "id": f"rate_{number}{place}",
            "object": "Rate",
            "carrier": carrier,
            "service": service,
            "rate": plain((exact(flat) + weight * exact(per_ounce)).quantize(cent)),
            "currency": "USD",
        }
        for place, (carrier, service, flat, per_ounce) in enumerate(SERVICES)
    ]


def _told(shipment: Json) -> Json:
    told = {name: value for name, value in shipment.items() if name != "lines"}
    items = [
        {"object": "CustomsItem", "code": line, "quantity": exact(quantity)}
        for line, quantity in shipment["lines"].items()
    ]
    return {**told, "customs_info": {"object": "CustomsInfo", "customs_items": items}}


def _error(code: str, message: str) -> Reply:
    return Reply(422, {"error": {"code": code, "message": message, "errors": []}})


def _not_found() -> Reply:
    words = {"code": "NOT_FOUND", "message": "The requested resource could not be found."}
    return Reply(404, {"error": {**words, "errors": []}})

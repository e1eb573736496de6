"""Stockyard WMS: releases under the caller's key, worked on until they are delivered.

    PUT    /releases/{key}   pick and ship these lines, or these instead, until they are picked
    DELETE /releases/{key}   recalls it; 409 once it is picked
    GET    /releases/{key}   404 when the key was never heard of

The answer is `{"number", "external_key", "status", "lines": [{"line", "quantity"}]}`, a 409 has
that as `release` beside `{"error": {"code", "message"}}`. Quantities are decimal text. In automatic
mode it works through a release by itself, one step every SIM_PACE_SECONDS, and posts a milestone to
the warehouse's route at each; what it has posted is a fact, whoever heard it.
"""

import os
import time
from collections.abc import Sequence

from stack.simulators.book import Json, now_text
from stack.simulators.vendor import Call, Operation, Outcome, Reply, Vendor, exact, total

STEPS = ("accepted", "picking", "picked", "packed", "shipped", "delivered")
"""What happens to goods, in this order, by itself."""
GONE = {"recalled", "rejected", "given_up"}
WITH_LINES = {"picked", "packed", "shipped", "delivered", "return_received", "return_inspected"}
OTHERS = {"rejected", "delivery_exception", "cancel_accepted", "cancel_refused"}
BY_HAND = {*STEPS, *WITH_LINES, *OTHERS}


class Stockyard(Vendor):
    def operations(self) -> Sequence[Operation]:
        path = "/releases/{key}"
        return [
            Operation("release", "PUT", path, _key, self._put),
            Operation("recall", "DELETE", path, _key, self._delete),
            Operation("find_release", "GET", path, _key, self._get, changes=False),
        ]

    def refusal(self, operation: Operation, call: Call) -> Reply:
        if operation.name == "release":
            return Reply(422, _error("item_not_handled", "This item is not stored here."))
        found = self.book.thing("release", _key(call))
        return _too_late(found) if found else _unknown()

    def outcome(self, reply: Reply) -> Outcome:
        return Outcome(reference=reply.body["number"])

    def advance(self, now: float) -> float | None:
        if self.book.setting("auto") == "no":
            return None
        for release in self.book.due_things("release", now):
            step = STEPS[len(release["steps"])]
            if step == "picked" and release.get("found"):
                self._happen(release, step, _found(release), final=True)
            else:
                self._happen(release, step, release["lines"])
        return self.book.next_due("release")

    def play(self, wanted: Json) -> Reply:
        """`{"key", "kind", "lines"?: {line: quantity}, "final"?}`: this milestone, now."""
        release = self.book.thing("release", str(wanted.get("key")))
        if release is None:
            return _unknown()
        if wanted.get("kind") not in BY_HAND:
            return Reply(422, _error("unknown_kind", f"One of {', '.join(sorted(BY_HAND))}."))
        lines = wanted["lines"] if "lines" in wanted else release["lines"]
        extra = {"final": True} if wanted.get("final") else {}
        return Reply(201, self._happen(release, wanted["kind"], lines, **extra))

    def _put(self, call: Call) -> Reply:
        key, body = _key(call), call.body
        try:
            lines = {line["line"]: line["quantity"] for line in body["lines"]}
            about = {name: body[name] for name in ("order_id", "fulfilment_id", "warehouse")}
            nothing = not lines or any(exact(quantity) <= 0 for quantity in lines.values())
        except (KeyError, TypeError, ValueError) as wrong:
            return Reply(400, _error("bad_request", repr(wrong)))
        if nothing:
            return Reply(422, _error("nothing_to_pick", "A release needs something to pick."))
        before = self.book.thing("release", key)
        if before is None or before["status"] in GONE:
            number = f"{about['warehouse']}-{self.book.next_number('release'):06d}"
            started = {"key": key, "number": number, "status": "new", "steps": [], **about}
            return self._change({**started, "lines": lines}, "release", call, 201)
        if before["lines"] == lines:
            return Reply(200, _told(before))
        if _picked(before):
            return _too_late(before)
        return self._change({**before, "lines": lines}, "amend_release", call, 200)

    def _delete(self, call: Call) -> Reply:
        release = self.book.thing("release", _key(call))
        if release is None:
            return _unknown()
        if release["status"] in GONE:
            return Reply(200, _told(release))
        if _picked(release):
            return _too_late(release)
        return self._change({**release, "status": "recalled"}, "recall", call, 200)

    def _get(self, call: Call) -> Reply:
        release = self.book.thing("release", _key(call))
        return Reply(200, _told(release)) if release else _unknown()

    def _change(self, release: Json, operation: str, call: Call, status: int) -> Reply:
        release["twice"] = release.get("twice", False) or call.twice
        if call.later:
            release["found"] = call.later.found
            release["lost"] = call.later.fault == "lost_parcel"
        self._keep(release)
        self._record(release, operation)
        return Reply(status, _told(release))

    def _record(self, release: Json, operation: str) -> None:
        lines = _standing(release)
        self.book.record(
            release["key"],
            operation,
            quantity=total(lines),
            lines=lines,
            reference=release["number"],
        )

    def _keep(self, release: Json) -> None:
        over = release["status"] in GONE or len(release["steps"]) == len(STEPS)
        over = over or (release.get("lost", False) and "shipped" in release["steps"])
        due = None if over else time.time() + _pace()
        self.book.keep("release", release["key"], release, key=release["key"], due=due)

    def _happen(self, release: Json, kind: str, lines: dict[str, str], **extra: object) -> Json:
        """Make a step so and tell of it: one document per step, known by its number for ever."""
        if kind in STEPS:
            release["status"] = kind
            release["steps"] = list(STEPS[: STEPS.index(kind) + 1])
        elif kind == "rejected":
            release["status"] = kind
        if kind == "picked" and extra.get("final") and lines != release["lines"]:
            release["lines"] = lines  # it lets go of the rest
            release["status"] = kind if lines else "given_up"
            self._record(release, "short_pick")
        number = self.book.next_number("milestone")
        name = f"{self.system}-{self.book.id}-{number:06d}"
        milestone: Json = {
            "milestone_id": f"{name}-{kind}",
            "order_id": release["order_id"],
            "fulfilment_id": release["fulfilment_id"],
            "kind": kind,
            "document": name,
            "occurred_at": now_text(),
            **extra,
        }
        if kind == "shipped":
            release["shipment"] = {
                "shipment_id": f"S-{name}",
                "carrier": "ROADLINE",
                "tracking": f"RL{self.book.id}{number:06d}",
            }
        if kind in ("shipped", "delivered", "delivery_exception"):
            milestone |= release.get("shipment", {})
        if kind in WITH_LINES:
            told = [{"line": line, "quantity": quantity} for line, quantity in lines.items()]
            milestone["lines"] = told
        self._keep(release)
        self.outbox.put(
            f"/v1/warehouses/{release['warehouse']}/milestones",
            milestone,
            topic=release["key"],
            times=2 if release.get("twice") else 1,
        )
        return milestone


def _pace() -> float:
    """Seconds from one step to the next."""
    return float(os.environ.get("SIM_PACE_SECONDS", "0.3"))


def _key(call: Call) -> str:
    return call.path["key"]


def _picked(release: Json) -> bool:
    return "picked" in release["steps"]


def _found(release: Json) -> dict[str, str]:
    found = {line: release["found"].get(line, q) for line, q in release["lines"].items()}
    return {line: quantity for line, quantity in found.items() if exact(quantity) > 0}


def _standing(release: Json) -> dict[str, str]:
    lines: dict[str, str] = {} if release["status"] in GONE else release["lines"]
    return lines


def _told(release: Json) -> Json:
    lines = [{"line": line, "quantity": q} for line, q in _standing(release).items()]
    return {
        "number": release["number"],
        "external_key": release["key"],
        "status": release["status"],
        "lines": lines,
    }


def _too_late(release: Json) -> Reply:
    words = _error("already_picked", f"This release is {release['status']}.")
    return Reply(409, {**words, "release": _told(release)})


def _unknown() -> Reply:
    return Reply(404, _error("unknown_key", "Nothing under this key."))


def _error(code: str, message: str) -> Json:
    return {"error": {"code": code, "message": message}}

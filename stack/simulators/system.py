"""One simulated system: takes requests to its vendor's operations, with faults in between."""

import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, unquote

from adapters.exact_json import from_json
from stack.simulators.book import Book, Json, parts
from stack.simulators.deferrals import Deferral, Deferrals, Request
from stack.simulators.faults import Fault, Faults, Occasion
from stack.simulators.outbox import Outbox
from stack.simulators.vendor import BadRequest, Call, Operation, Reply, Vendor

NONSENSE = "<html><body>It works!</body></html>"


class System:
    """`handle` answers a request; `keep_time` does what becomes due."""

    def __init__(self, vendor: Vendor, book: Book, outbox: Outbox) -> None:
        self.vendor = vendor
        self.book = book
        self.outbox = outbox
        self.faults = Faults(book)
        self.deferrals = Deferrals(book)
        self._routes = [(_pattern(o.path), o) for o in vendor.operations()]
        self._wake = asyncio.Event()

    async def handle(self, request: Request) -> Reply | None:
        """The answer, or `None` when the connection is to be dropped."""
        try:
            return await self._handle(request)
        except BadRequest as wrong:
            return Reply(400, {"error": {"code": "bad_request", "message": str(wrong)}})

    async def _handle(self, request: Request) -> Reply | None:
        found = self._find(request)
        if found is None:
            return Reply(404, {"error": {"code": "no_such_resource", "message": request.path}})
        operation, call = found
        with self.book.transaction():
            key = operation.key(call)
            self.book.note_call(operation.name, key, changes=operation.changes)
            fault = self.faults.strike(_occasion(operation, call, key))
        if fault and fault.fault == "latency":
            await asyncio.sleep(fault.delay_seconds)
        return self._struck(fault) if _befalls_all(fault) else self._answer(found, request, fault)

    def settle(self, key: str, *, refused: str | None = None) -> bool:
        """Give the answer a pending call waits for; `False` when none waits under this key."""
        with self.book.transaction():
            deferral = self.deferrals.waiting(key)
            if deferral:
                self._settle(deferral, refused)
        return deferral is not None

    def wake(self) -> None:
        """Something may be due sooner than was thought."""
        self._wake.set()

    async def keep_time(self) -> None:
        """For ever: answer what was deferred, and let the vendor do what it does by itself."""
        while True:
            self._wake.clear()
            now = time.time()
            with self.book.transaction():
                for deferral in self.deferrals.due(now):
                    self._settle(deferral, None)
                dues = (self.vendor.advance(now), self.deferrals.next_due())
            due = min((moment for moment in dues if moment is not None), default=None)
            try:
                async with asyncio.timeout(None if due is None else max(0.0, due - time.time())):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _find(self, request: Request) -> tuple[Operation, Call] | None:
        for pattern, operation in self._routes:
            matched = pattern.fullmatch(request.path)
            if matched and operation.method == request.method:
                path = {name: unquote(value) for name, value in matched.groupdict().items()}
                return operation, _call(path, request)
        return None

    def _struck(self, fault: Fault | None) -> Reply | None:
        assert fault
        if fault.fault == "throttle":
            return Reply(
                429, {"error": "too many requests"}, {"Retry-After": str(fault.retry_after)}
            )
        return Reply(200, NONSENSE) if fault.fault == "malformed" else None

    def _answer(
        self, found: tuple[Operation, Call], request: Request, fault: Fault | None
    ) -> Reply | None:
        operation, call = found
        struck = fault.fault if fault else ""
        with self.book.transaction():
            key = operation.key(call)
            if operation.changes and (waiting := self.deferrals.waiting(key)):
                if waiting.request == request:
                    return self.vendor.deferral(operation, call)
                self.deferrals.remove(key)  # another wish withdraws the one that waits
            if struck == "refuse":
                return self.vendor.refusal(operation, call)
            if fault and struck == "pending":
                self.deferrals.add(key, operation.name, request, fault.answer_after_seconds)
                reply = self.vendor.deferral(operation, call)
            else:
                reply = self._do(operation, replace(call, twice=struck == "duplicate"))
        self.wake()
        return None if struck == "timeout_after_success" else reply

    def _do(self, operation: Operation, call: Call) -> Reply:
        later = self.faults.plan(_occasion(operation, call, operation.key(call)))
        return operation.handle(replace(call, later=later))

    def _settle(self, deferral: Deferral, refused: str | None) -> None:
        found = self._find(deferral.request)
        assert found, "it was an operation when it came in"
        operation, call = found
        self.deferrals.remove(deferral.key)
        answer: Json = {
            "answer_id": f"{self.vendor.system}-{self.book.id}-{deferral.number}",
            "key": deferral.key,
        }
        reply = self._do(operation, call) if refused is None else None
        if reply and reply.status < 400:
            outcome = self.vendor.outcome(reply)
            answer |= {"outcome": "done", "reference": outcome.reference}
            answer |= {"amounts": dict(outcome.amounts)} if outcome.amounts else {}
        else:
            detail = "refused by hand" if reply is None else json.dumps(reply.body)[:300]
            answer |= {"outcome": "refused", "detail": detail}
            answer |= {"reason": refused} if refused else {}
        path = f"/v1/systems/{self.vendor.system}/answers"
        self.outbox.put(path, answer, topic=deferral.key)


def _befalls_all(fault: Fault | None) -> bool:
    return fault is not None and fault.fault in ("outage", "throttle", "malformed")


def _occasion(operation: Operation, call: Call, key: str) -> Occasion:
    order_id, subject = parts(key)
    body = dict(_texts(call.body))
    facts = {**body, **call.path, "key": key, "order_id": order_id, "order": order_id}
    return Occasion(operation.name, operation.changes, {"subject": subject, **facts})


def _texts(body: Json, within: str = "") -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        if isinstance(value, str):
            yield f"{within}{name}", value
        elif isinstance(value, dict):
            yield from _texts(value, f"{within}{name}.")


def _pattern(path: str) -> re.Pattern[str]:
    """`/releases/{key}`: each name stands for one segment, quoted as it came."""
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)))


def _call(path: Mapping[str, str], request: Request) -> Call:
    return Call(
        path=path,
        query=dict(parse_qsl(request.query, keep_blank_values=True)),
        body=_body(request),
        idempotency_key=unquote(request.headers.get("idempotency-key", "")),
    )


def _body(request: Request) -> Json:
    if not request.body:
        return {}
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.body, keep_blank_values=True))
    try:
        body = from_json(request.body)
    except ValueError as wrong:
        raise BadRequest(str(wrong)) from None
    if not isinstance(body, dict):
        raise BadRequest("a JSON object is expected")
    return body

"""HTTP around a simulated system: its vendor's operations, and `/_sim` for testers."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, ValidationError

from adapters.exact_json import to_json
from stack.simulators.deferrals import Request
from stack.simulators.faults import Fault
from stack.simulators.system import System
from stack.simulators.vendor import Reply

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

KEPT_HEADERS = ("content-type", "idempotency-key")


class AnswerIn(BaseModel):
    """The outcome of a call that is pending."""

    model_config = ConfigDict(extra="forbid")

    key: str
    outcome: str
    reason: str = ""


class ModeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    auto: bool


class App:
    """An ASGI application. `scope["drop"]` ends the connection without an answer."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await _received(scope, receive)
        if request.path.startswith("/_sim/"):
            reply: Reply | None = self._control(request)
        else:
            reply = await self._system.handle(request)
        if reply is not None:
            await _answer(reply, send)
            return
        scope["drop"]()
        while (await receive())["type"] != "http.disconnect":
            pass  # only now does the server know that no answer is missing

    def _control(self, request: Request) -> Reply:
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        system, book = self._system, self._system.book
        try:
            match request.method, request.path.removeprefix("/_sim/"):
                case "GET", "effects":
                    return Reply(200, book.effects(query.get("key", ""), query.get("order", "")))
                case "GET", "calls":
                    return Reply(200, book.calls(query.get("key", "")))
                case "GET", "outbox":
                    return Reply(200, system.outbox.messages())
                case "GET", "faults":
                    return Reply(200, system.faults.active())
                case "POST", "faults":
                    system.faults.add(Fault.model_validate_json(request.body))
                    return Reply(201, system.faults.active())
                case "DELETE", "faults":
                    system.faults.clear()
                    return Reply(200, [])
                case "GET", "mode":
                    return Reply(200, {"auto": book.setting("auto") != "no"})
                case "POST", "mode":
                    return self._set_mode(ModeIn.model_validate_json(request.body))
                case "POST", "answers":
                    return self._settle(AnswerIn.model_validate_json(request.body))
                case "POST", "milestones":
                    return self._play(request)
        except ValidationError as wrong:
            return Reply(422, {"error": str(wrong)})
        except ValueError as wrong:
            return Reply(400, {"error": str(wrong)})
        return Reply(404, {"error": f"no {request.method} {request.path}"})

    def _set_mode(self, mode: ModeIn) -> Reply:
        self._system.book.set("auto", "yes" if mode.auto else "no")
        self._system.wake()
        return Reply(200, {"auto": mode.auto})

    def _settle(self, answer: AnswerIn) -> Reply:
        if answer.outcome not in ("done", "refused"):
            return Reply(422, {"error": "outcome is done or refused"})
        refused = None if answer.outcome == "done" else answer.reason
        if not self._system.settle(answer.key, refused=refused):
            return Reply(404, {"error": f"nothing is pending under {answer.key}"})
        self._system.wake()
        return Reply(200, {"key": answer.key, "outcome": answer.outcome})

    def _play(self, request: Request) -> Reply:
        with self._system.book.transaction():
            reply = self._system.vendor.play(json.loads(request.body))
        self._system.wake()
        return reply


async def _received(scope: Scope, receive: Receive) -> Request:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers={name: sent[name] for name in KEPT_HEADERS if name in sent},
        body=body.decode("utf-8", errors="replace"),
    )


async def _answer(reply: Reply, send: Send) -> None:
    told = reply.body.encode() if isinstance(reply.body, str) else to_json(reply.body)
    headers = {"content-type": "application/json", **reply.headers}
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": told})

"""The outermost layer: correlation ids, security headers, metrics, and no traceback to anybody."""

import logging
import re
import time
from contextvars import ContextVar
from uuid import uuid4

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, respond

log = logging.getLogger(__name__)

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
"""The id under which everything that follows from this request is found."""

_WELL_FORMED = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000"),
    (b"cache-control", b"no-store"),
)


class Edge:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            *("throughline_http_requests", "Requests answered."),
            labelnames=("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            *("throughline_http_request_seconds", "Time to the start of the answer."),
            labelnames=("method", "route"),
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-correlation-id", "")
        ours = given if _WELL_FORMED.fullmatch(given) else uuid4().hex
        token = correlation_id.set(ours)
        began, status, took = time.perf_counter(), 0, 0.0

        async def answer(message: Message) -> None:
            nonlocal status, took
            if message["type"] == "http.response.start":
                status, took = message["status"], time.perf_counter() - began
                said = {name.lower() for name, _ in message["headers"]}
                more = [each for each in _SECURITY if each[0] not in said]
                named = (b"x-correlation-id", ours.encode())
                message["headers"] = [*message["headers"], *more, named]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            log.info("the client went away: %s %s", scope["method"], scope["path"])
        except Exception:  # the last frame of a request: told in the log, not to the client
            log.exception("answered 500: %s %s", scope["method"], scope["path"])
            if not status:
                await respond(Problem(500, "bug"))(scope, receive, answer)
        finally:
            self._measure(scope, status, took)
            correlation_id.reset(token)

    def _measure(self, scope: Scope, status: int, took: float) -> None:
        # The route's template, never the path: ids would make a series each.
        route = getattr(scope.get("route"), "path", "none")
        self._requests.labels(scope["method"], route, status).inc()
        self._seconds.labels(scope["method"], route).observe(took)


class Correlated(logging.Filter):
    """Gives every log record the correlation id of the request it belongs to."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.correlation_id = correlation_id.get() or "-"
        return True

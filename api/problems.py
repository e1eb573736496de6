"""How everything that goes wrong is told: problem+json (RFC 9457), one table, no try in routes."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg import OperationalError
from psycopg.errors import UndefinedColumn, UndefinedFunction, UndefinedTable
from psycopg_pool import PoolTimeout
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from domain.errors import Unavailable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 2
"""Seconds after which it is worth asking again when something of ours is away."""
_MOST_ERRORS = 100
_LONGEST_STEP = 128


class Broken(BaseModel):
    """One rule that was broken. `pointer` is a JSON pointer into the body.

    What is wrong with a parameter names it in `parameter` instead.
    """

    pointer: str = ""
    rule: str
    detail: str | None = None
    parameter: str | None = None


class ProblemDocument(BaseModel):
    """RFC 9457, with the rules that were broken."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[Broken]


class Problem(HTTPException):
    """A refusal that a route or its guard raises; `rule` says which rule was broken."""

    def __init__(
        self,
        status: int,
        rule: str,
        detail: str = "",
        *,
        pointer: str = "",
        errors: Sequence[Broken] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(status, detail, headers=headers)
        self.rule = rule
        self.errors = list(errors) or [Broken(pointer=pointer, rule=rule)]
        self.extra = dict(extra or {})


def missing(what: str, id: str) -> Problem:
    """404: there is no such thing, or it is none of the caller's business."""
    return Problem(404, f"unknown_{what}", f"There is no {what} {id!r}.")


def away() -> Problem:
    """503: something of ours does not answer now."""
    headers = {"Retry-After": str(RETRY_AFTER)}
    return Problem(503, "unavailable", "Please try again shortly.", headers=headers)


def respond(problem: Problem) -> Response:
    document = {
        "type": f"urn:throughline:problem:{problem.rule}",
        "title": HTTPStatus(problem.status_code).phrase,
        "status": problem.status_code,
        **({"detail": problem.detail} if problem.detail else {}),
        "errors": [broken.model_dump(exclude_none=True) for broken in problem.errors],
        **problem.extra,
    }
    return Response(
        json.dumps(document, ensure_ascii=True),
        problem.status_code,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def broken_rules(errors: Sequence[Any]) -> list[Broken]:
    """Pydantic's errors in our words: of each place the first rule it broke."""
    found: dict[tuple[str, str | None], Broken] = {}
    for error in errors[:_MOST_ERRORS]:
        broken = _broken(error)
        found.setdefault((broken.pointer, broken.parameter), broken)
    # A list is also called too short when what is in it was wrong: no second matter.
    return [
        broken
        for broken in found.values()
        if broken.rule != "too_short"
        or not any(pointer.startswith(f"{broken.pointer}/") for pointer, _ in found)
    ]


def install(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    for kind in (
        *(OperationalError, PoolTimeout, Unavailable),
        *(UndefinedTable, UndefinedColumn, UndefinedFunction),
    ):
        app.add_exception_handler(kind, _away)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if not isinstance(error, Problem):
        rule = HTTPStatus(error.status_code).name.lower()
        error = Problem(error.status_code, rule, headers=error.headers)
    return respond(error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = broken_rules(error.errors())
    return respond(Problem(422, "invalid", _summary(errors), errors=errors))


async def _away(request: Request, error: Exception) -> Response:
    # The cause goes to the log: what the driver says names hosts and statements.
    log.warning("answered 503: %s: %s", type(error).__name__, error)
    return respond(away())


def _broken(error: Mapping[str, Any]) -> Broken:
    where, *path = (*error["loc"],) or ("body",)
    detail = str(error["msg"])
    rule = str(error["type"])
    if rule == "value_error":
        detail = detail.removeprefix("Value error, ")
        rule = re.sub(r"[^a-z0-9]+", "_", detail.partition(":")[0].lower()).strip("_")
    if where in {"query", "path", "header"}:
        return Broken(rule=rule, detail=detail, parameter=".".join(map(str, path)))
    # Pydantic adds this when it is the name itself that is wrong.
    path = [step for step in path if step != "[key]"]
    steps = path if where == "body" else [where, *path]
    return Broken(pointer="".join(map(_step, steps)), rule=rule, detail=detail)


def _step(name: object) -> str:
    # Also a name nobody knows is told where it stands, but not repeated in all its length.
    return "/" + str(name)[:_LONGEST_STEP].replace("~", "~0").replace("/", "~1")


def _summary(errors: Sequence[Broken]) -> str:
    first = errors[0]
    place = first.parameter or first.pointer or "the document"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{place}: {first.detail}{more}"

"""What every route may answer, said once; and that no /v1 route is open by mistake."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE, ProblemDocument
from api.routing import KEY, SIGNATURE

TITLE = "Throughline"
VERSION = "1"
_ANYWHERE = {
    "400": "The request cannot be parsed.",
    "401": "No key, or one that is not known.",
    "403": "The key has not the scope, or is bound to somebody else's business.",
    "413": "The body is too large.",
    "422": "A rule is broken; `errors` says which and where.",
    "429": "The key asks more often than it may; `Retry-After` says when to go on.",
    "503": "Something of ours does not answer now; `Retry-After` says when to try again.",
}
_SOMEWHERE = {
    "404": "There is no such thing.",
    "412": "`If-Match` names a revision that is not the current one, or is about to be changed.",
}
_SCHEMES = {
    KEY: {"type": "http", "scheme": "bearer", "description": "An API key with the scope named."},
    SIGNATURE: {
        "type": "apiKey",
        "in": "header",
        "name": "X-Signature",
        "description": "The vendor's own signature over the body, under the vendor's own header.",
    },
}


def install(app: FastAPI) -> None:
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(_made(app))
        return made

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to change it


def _made(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=TITLE, version=VERSION, routes=app.routes)
    parts = document.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    parts["securitySchemes"] = _SCHEMES
    for path, operation in _operations(document):
        answers = dict(_ANYWHERE) if "security" in operation else {"503": _ANYWHERE["503"]}
        if "{" in path:
            answers["404"] = _SOMEWHERE["404"]
        if any(p["name"].lower() == "if-match" for p in operation.get("parameters", ())):
            answers["412"] = _SOMEWHERE["412"]
        for status, description in answers.items():
            operation["responses"][status] = _answer(description)
        if path.startswith("/v1/") and "security" not in operation:
            raise AssertionError(f"{path} does not say which scope it needs")
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def _answer(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}

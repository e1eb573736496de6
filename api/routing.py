"""What all our routes share: who may use them, how their bodies are read, what they may answer."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from adapters.postgres.access import Access
from api.body import ApiRequest
from api.problems import Problem

KEY = "key"
SIGNATURE = "signature"


def needs(scope: str) -> dict[str, Any]:
    """`openapi_extra` of a route that takes a key with this scope; the guard reads it there."""
    return {"security": [{KEY: [scope]}]}


def needs_or_signature(scope: str) -> dict[str, Any]:
    """The same for a route that also takes a vendor's signature over the body."""
    return {"security": [{KEY: [scope]}, {SIGNATURE: []}]}


class Route(APIRoute):
    """Asks who it is before it reads the body, and reads the body as `ApiRequest` does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        security = (self.openapi_extra or {}).get("security", [])
        scope = next((entry[KEY][0] for entry in security if KEY in entry), None)
        signed = any(SIGNATURE in entry for entry in security)

        async def guarded(plain: Request) -> Response:
            request = ApiRequest(_as_json(plain.scope), plain.receive)
            if scope is not None:
                try:
                    await _admit(request, scope, signed)
                except Problem:
                    await request.drain()
                    raise
            return await handle(request)

        return guarded


def _as_json(scope: Scope) -> Scope:
    """The request as one whose body is JSON: many clients do not say so, and we take nothing else.

    No browser can be made to send one on somebody's behalf: it would have to know the key.
    """
    headers = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
    return {**scope, "headers": [*headers, (b"content-type", b"application/json")]}


async def _admit(request: ApiRequest, scope: str, signed: bool) -> None:
    state = request.app.state
    authorization = request.headers.get("authorization")
    if signed and authorization is None:
        name = request.path_params["channel"]
        channel = state.channels.get(name)
        if channel is not None and channel.is_signed(await request.body(), request.headers):
            request.state.access = Access(
                id=f"channel/{name}", name=name, scopes=frozenset({scope}), channel=name
            )
            return
    request.state.access = await state.guard.admit(authorization, scope)


def router(prefix: str, tag: str) -> APIRouter:
    return APIRouter(prefix=f"/v1{prefix}", tags=[tag], route_class=Route)

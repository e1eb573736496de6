"""The contract as published: every route does what it says, whatever it is sent."""

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
from fastapi import FastAPI

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
EACH = 3
"""Generated requests per route: all routes get some."""
PATIENCE = 120
STRANGE = (
    *(b"a\0b", b"\xed\xa0\x80\xff", "\U0001f600\u202e\u0301".encode(), b"x" * 20_000),
    *(b"9" * 400, b"1e400", b"", b"'\"\\% \r\n\t\x7f"),
)
"""What no parameter expects, before it is quoted."""
CURSORS = (b"Ilx1ZDgwMCI", b"WyJcdWQ4MDAiLCAiIl0", b"WyIiLCAiXHVkODAwIiwgIjAiXQ")
"""Cursors that name places no text can be: half characters."""


async def test_nothing_sent_to_any_route_surprises(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{client.base_url}/openapi.json"),
        *("--header", f"Authorization: {client.headers['authorization']}"),
        *("--checks", ",".join(CHECKS), "--phases", "fuzzing"),
        *("--max-examples", str(EACH), "--seed", "1", "--workers", "1"),
        *("--generation-allow-x00", "true", "--generation-codec", "utf-8"),
        *("--suppress-health-check", "all", "--warnings", "off", "--no-color"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)

    assert process.returncode == 0, output.decode()[-6000:]


async def test_no_parameter_is_too_strange(app: FastAPI, client: httpx.AsyncClient) -> None:
    """One at a time, which the few generated requests of each route above seldom do."""
    answers: dict[str, int] = {}
    for method, path, where, name in _parameters(app):
        for strange in (*STRANGE, *(CURSORS if name == "cursor" else ())):
            value = quote(strange, safe="")
            place = path.replace(f"{{{name}}}", value)
            place = re.sub(r"{[^}]+}", "x", place)
            if where == "path" and not value:
                continue
            url = f"{place}?{name}={value}" if where == "query" else place
            # A header is what HTTP lets through: the client refuses the rest itself.
            plain = re.sub(rb"[^\x21-\xff]", b"", strange)[:8000]
            headers = {name.encode(): plain} if where == "header" else {}
            body = None if method == "get" else b"{}"
            answer = await client.request(method, url, headers=headers, content=body)
            answers[f"{method} {place[:80]} {where} {name} {strange[:20]!r}"] = answer.status_code

    assert len(answers) > 500
    assert {sent: status for sent, status in answers.items() if status >= 500} == {}


def _parameters(app: FastAPI) -> Iterator[tuple[str, str, str, str]]:
    """Method, path, place and name of every parameter there is."""
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", ()):
                yield method, path, parameter["in"], parameter["name"]


def test_every_v1_route_names_its_scope_and_is_described(app: FastAPI) -> None:
    document = app.openapi()

    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1/"):
                assert operation["security"], (method, path)
                assert {"401", "403", "413", "422"} <= operation["responses"].keys()
            assert operation["summary"], (method, path)

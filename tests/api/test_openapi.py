"""The contract as published: every route does what it says, whatever it is sent."""

import asyncio
import sys
from pathlib import Path

import httpx
from fastapi import FastAPI

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
EACH = 6
"""Generated requests per route: all routes get some."""
PATIENCE = 120


async def test_nothing_sent_to_any_route_surprises(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{client.base_url}/openapi.json"),
        *("--header", f"Authorization: {client.headers['authorization']}"),
        *("--checks", ",".join(CHECKS), "--phases", "fuzzing"),
        *("--max-examples", str(EACH), "--seed", "1", "--workers", "1"),
        *("--suppress-health-check", "all", "--warnings", "off", "--no-color"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)

    assert process.returncode == 0, output.decode()[-6000:]


def test_every_v1_route_names_its_scope_and_is_described(app: FastAPI) -> None:
    document = app.openapi()

    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1/"):
                assert operation["security"], (method, path)
                assert {"401", "403", "413", "422"} <= operation["responses"].keys()
            assert operation["summary"], (method, path)

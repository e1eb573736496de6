"""`throughline import`, typed against an API that runs."""

import asyncio
import json
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from stack import run_file
from tests.adapters.test_csv_orders import FIRST, LATER, a_file
from tests.stack.days import throughline

Typed = Callable[..., Awaitable[subprocess.CompletedProcess[str]]]


@pytest.fixture
def typed(url: str, client: httpx.AsyncClient, tmp_path: Path) -> Typed:
    """Runs the command on a file of that content."""
    key = client.headers["authorization"].removeprefix("Bearer ")
    info = {"api": url, "api_key": key, "supervisor": os.getpid()}
    (tmp_path / run_file.NAME).write_text(json.dumps(info))

    async def run(content: bytes, *words: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "orders.csv"
        file.write_bytes(content)
        return await asyncio.to_thread(throughline, tmp_path, "import", str(file), *words)

    return run


async def test_a_file_is_looked_at_and_then_placed(typed: Typed, client: httpx.AsyncClient) -> None:
    content = a_file(FIRST, LATER)

    looked = await typed(content)
    none = (await client.get("/v1/orders")).json()["items"]
    placed = await typed(content, "--commit", "--channel", "phone", "--json")

    assert (looked.returncode, placed.returncode) == (0, 0), looked.stderr + placed.stderr
    assert none == []
    assert "PHONE-1" in looked.stdout
    assert "unknown_item" in looked.stdout
    assert "--commit" in looked.stderr
    (order,) = json.loads(placed.stdout)["orders"]
    (kept,) = (await client.get("/v1/orders")).json()["items"]
    assert (kept["id"], kept["channel"]) == (order["order_id"], "phone")


async def test_what_is_wrong_is_shown_and_is_the_status(typed: Typed) -> None:
    wrong = await typed(a_file(FIRST | {"quantity": "[bold]"}))
    no_header = await typed(b"colour,item\n")

    assert (wrong.returncode, no_header.returncode) == (1, 1)
    assert "not_a_decimal_number" in wrong.stdout
    assert "'colour'" in no_header.stderr
    assert "'reference'" in no_header.stderr

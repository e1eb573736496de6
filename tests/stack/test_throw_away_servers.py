"""The servers of a test session: shared by the processes of a run, gone with the last of them."""

import asyncio
import sys
from pathlib import Path

import pytest
from temporalio.client import Client

from adapters.search_attributes import SEARCH_ATTRIBUTES, register
from stack.places import ROOT
from stack.testing import postgres_answers, temporal_for_tests

USER = """
import sys
from stack.testing import postgres_for_tests
with postgres_for_tests() as url:
    print(url, flush=True)
    sys.stdin.readline()
"""


async def _user(run: str) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", USER),
        cwd=ROOT,
        env=_environment(run),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    return process, (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()


async def test_the_one_that_started_a_server_keeps_it_until_all_have_finished(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, url = await _user(run := f"run-{tmp_path.name}")
    second, same = await _user(run)
    assert same == url

    assert first.stdin
    assert second.stdin
    first.stdin.write(b"\n")
    await first.stdin.drain()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(first.wait(), 0.5)
    assert postgres_answers(url)

    second.stdin.write(b"\n")
    await second.stdin.drain()
    assert await asyncio.wait_for(second.wait(), 10) == 0
    assert await asyncio.wait_for(first.wait(), 10) == 0
    assert not postgres_answers(url)


async def test_a_server_in_memory_knows_our_search_attributes_from_the_start() -> None:
    with temporal_for_tests(own=True) as address:
        client = await Client.connect(address)

        assert await register(client) == []


async def test_registering_again_after_an_attribute_went_missing_brings_it_back() -> None:
    from temporalio.api.operatorservice.v1 import RemoveSearchAttributesRequest

    with temporal_for_tests(own=True) as address:
        client = await Client.connect(address)
        await client.operator_service.remove_search_attributes(
            RemoveSearchAttributesRequest(namespace="default", search_attributes=["Company"])
        )

        assert await register(client) == ["Company"]
        assert await register(client) == []
    assert "Company" in SEARCH_ATTRIBUTES


def _environment(run: str) -> dict[str, str]:
    import os

    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return {**kept, "PYTEST_XDIST_TESTRUNUID": run}

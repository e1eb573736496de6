"""Ways to see that a service works, or never will again."""

from types import SimpleNamespace

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from stack.readiness import lost_its_tables
from stack.testing import temporal_for_tests


@pytest.mark.parametrize(
    ("failure", "lost"),
    [
        ("GetNamespace operation failed. Error interrupted (9)", True),
        ("context deadline exceeded", False),
    ],
)
async def test_only_tables_that_are_lost_need_another_server(
    monkeypatch: pytest.MonkeyPatch, failure: str, lost: bool
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise RPCError(failure, RPCStatusCode.UNAVAILABLE, b"")

    async def connect(_: str) -> object:
        return SimpleNamespace(workflow_service=SimpleNamespace(describe_namespace=fails))

    monkeypatch.setattr(Client, "connect", connect)

    assert await lost_its_tables("127.0.0.1:1")() == (failure if lost else None)


async def test_a_server_that_works_has_its_tables() -> None:
    with temporal_for_tests() as address:
        assert await lost_its_tables(address)() is None


async def test_a_server_that_is_not_there_may_come() -> None:
    assert await lost_its_tables("127.0.0.1:1")() is None

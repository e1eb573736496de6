"""Where orders are rebuilt: on the workers' own task queue, in their namespace."""

import json
from pathlib import Path
from unittest.mock import ANY

import pytest
from psycopg_pool import AsyncConnectionPool
from temporalio.client import Client
from temporalio.service import RPCError

from adapters.config import Settings
from domain.order import workflow_id
from stack.rebuild import rebuild_into
from stack.running import Setup, place_in_temporal
from stack.testing import temporal_for_tests
from tests.postgres.books import Books
from tests.stack.days import run_of, throughline


async def test_orders_are_rebuilt_where_the_workers_look_for_them(
    pool: AsyncConnectionPool, database: str
) -> None:
    await Books(pool).accept("A-REBUILT")
    with temporal_for_tests() as address:
        settings = Settings(
            database_url=database, temporal_address=address, task_queue="orders-of-mine"
        )

        assert await rebuild_into(settings, print) == 1

        order = (await Client.connect(address)).get_workflow_handle(workflow_id("A-REBUILT"))
        assert (await order.describe()).task_queue == "orders-of-mine"
        await order.terminate()

        nowhere = settings.model_copy(update={"temporal_namespace": "nowhere"})
        with pytest.raises(RPCError, match="nowhere"):
            await rebuild_into(nowhere, print)


def test_the_command_takes_both_from_the_stack_that_runs(day: Path) -> None:
    info = run_of(day)
    assert (info["temporal_namespace"], info["task_queue"]) == ("default", "orders")

    done = throughline(day, "rebuild", "--json")

    # Other tests of that day may have left orders open.
    assert json.loads(done.stdout) == {"orders": ANY, "temporal": info["temporal"]}


def test_a_fresh_stack_on_a_server_that_is_given_has_a_queue_nobody_else_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept, fresh = Setup(), Setup(fresh=True)
    monkeypatch.setenv("TASK_QUEUE", "orders-north")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "north")
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    assert place_in_temporal(kept) == place_in_temporal(fresh) == ("default", "orders-north")

    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal:7233")
    assert place_in_temporal(kept) == ("north", "orders-north")
    namespace, queue = place_in_temporal(fresh)
    assert namespace == "north"
    assert queue.startswith("orders-north-")
    assert queue != place_in_temporal(fresh)[1]

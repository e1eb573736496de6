"""The simulated systems: their faults, their books over kills, and what they tell by themselves."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from stack.services import SIMULATORS
from stack.simulators.registry import VENDORS
from stack.testing import running
from tests.adapters.simulator import Listener, Simulator
from tests.stack.conftest import eventually
from tests.stack.simulated import ALL_STEPS, Json, effects, fail, post_order, release


def test_every_system_of_the_stack_has_a_vendor() -> None:
    assert set(VENDORS) == set(SIMULATORS)


async def test_a_warehouse_plays_the_milestones_of_a_release_in_order(
    web: httpx.AsyncClient, start: Callable[..., Simulator], listener: Listener
) -> None:
    east = start("wms-east")

    await release(web, east, "ord-1", "2.500")
    await eventually(lambda: len(listener.heard("ord-1")) == len(ALL_STEPS), 10)

    told = listener.heard("ord-1")
    assert [milestone["kind"] for milestone in told] == ALL_STEPS
    assert {(path, key) for path, key, _ in listener.posts} == {
        ("/v1/warehouses/EAST/milestones", "Bearer k-1")
    }
    assert len({milestone["milestone_id"] for milestone in told}) == len(ALL_STEPS)
    shipped, delivered = told[4:]
    assert shipped["lines"] == [{"line": "1", "quantity": "2.500"}]
    assert shipped["document"]
    assert shipped["carrier"]
    assert shipped["tracking"]
    assert delivered["shipment_id"] == shipped["shipment_id"]


async def test_a_warehouse_that_waits_for_the_tester_plays_nothing(
    web: httpx.AsyncClient, start: Callable[..., Simulator], listener: Listener
) -> None:
    east = start("wms-east")
    await web.post(f"{east.url}/_sim/mode", json={"auto": False})
    key = await release(web, east, "ord-1")

    await web.post(
        f"{east.url}/_sim/milestones",
        json={"key": key, "kind": "picked", "lines": {"1": "2"}, "final": True},
    )
    await eventually(lambda: bool(listener.posts), 10)

    (picked,) = listener.heard("ord-1")
    assert picked["kind"] == "picked"
    assert picked["final"] is True
    assert picked["lines"] == [{"line": "1", "quantity": "2"}]
    await web.post(f"{east.url}/_sim/mode", json={"auto": True})
    await eventually(lambda: len(listener.posts) == 4, 10)
    assert [body["kind"] for body in listener.heard("ord-1")] == ALL_STEPS[2:]


async def test_what_a_warehouse_has_to_tell_survives_an_absent_api_and_a_kill(
    web: httpx.AsyncClient, tmp_path: Path, listener: Listener
) -> None:
    env = {"SIM_API_URL": listener.url, "SIM_PACE_SECONDS": "0.01"}
    east = Simulator("wms-east", tmp_path, env)
    listener.status = 503
    with running(east.program(), east.answers) as process:
        await release(web, east, "ord-1")
        await eventually(lambda: bool(listener.posts), 10)
        # The program is started by a launcher that becomes it, so this is the simulator.
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    listener.status = 202
    listener.posts.clear()

    with running(east.program(), east.answers):
        await eventually(lambda: len(listener.heard("ord-1")) >= len(ALL_STEPS), 20)
        assert [body["kind"] for body in listener.heard("ord-1")] == ALL_STEPS
        assert [effect["operation"] for effect in await effects(web, east, key="")] == ["release"]


async def test_a_refused_milestone_is_not_sent_again(
    web: httpx.AsyncClient, start: Callable[..., Simulator], listener: Listener
) -> None:
    listener.status = 409
    east = start("wms-east")

    await release(web, east, "ord-1")
    await eventually(lambda: len(listener.posts) == len(ALL_STEPS), 10)

    async def all_rejected() -> bool:
        outbox = (await web.get(f"{east.url}/_sim/outbox")).json()
        return {message["state"] for message in outbox} == {"rejected"}

    await eventually(all_rejected, 10)


async def test_a_recalled_release_is_not_worked_on(
    web: httpx.AsyncClient, start: Callable[..., Simulator], listener: Listener
) -> None:
    east = start("wms-east", pace="0.3")
    key = await release(web, east, "ord-1")

    recalled = await web.delete(f"{east.url}/releases/{key.replace('/', '%2F')}")
    await release(web, east, "ord-2")
    await eventually(lambda: len(listener.heard("ord-2")) == len(ALL_STEPS), 10)

    assert recalled.json()["lines"] == []
    assert listener.heard("ord-1") == []
    told = await effects(web, east, order="ord-1")
    assert [(e["operation"], e["quantity"]) for e in told] == [("release", "3"), ("recall", "0")]


async def test_a_duplicate_tells_everything_twice_and_does_it_once(
    web: httpx.AsyncClient, start: Callable[..., Simulator], listener: Listener
) -> None:
    east = start("wms-east")
    await fail(web, east, "duplicate", count=1)

    key = await release(web, east, "ord-1")
    await eventually(lambda: len(listener.posts) == 2 * len(ALL_STEPS), 10)

    told = [milestone["milestone_id"] for milestone in listener.heard("ord-1")]
    assert told[::2] == told[1::2]
    assert len(await effects(web, east, key=key)) == 1


@pytest.mark.parametrize("by_itself", [True, False])
async def test_a_pending_call_is_answered_by_a_message(
    web: httpx.AsyncClient,
    start: Callable[..., Simulator],
    listener: Listener,
    by_itself: bool,
) -> None:
    erp, key = start("erp"), "ord-1/order/main/1"
    after = {"answer_after_seconds": 0.05} if by_itself else {}
    await fail(web, erp, "pending", count=1, **after)

    assert (await post_order(web, erp, key)).status_code == 202
    if not by_itself:
        assert (await post_order(web, erp, key)).status_code == 202
        assert (await web.get(f"{erp.url}/sales-orders/{key.replace('/', '%2F')}")).is_error
        answered = {"key": key, "outcome": "done"}
        assert (await web.post(f"{erp.url}/_sim/answers", json=answered)).is_success
    await eventually(lambda: bool(listener.posts), 10)

    path, authorisation, answer = listener.posts[0]
    assert path == "/v1/systems/erp/answers"
    assert authorisation == "Bearer k-1"
    assert answer["key"] == key
    assert answer["outcome"] == "done"
    assert answer["reference"] == "SO-000001"
    assert answer["answer_id"]
    assert len(await effects(web, erp, key=key)) == 1


async def test_a_pending_call_is_refused_with_its_reason(
    web: httpx.AsyncClient, start: Callable[..., Simulator], listener: Listener
) -> None:
    erp, key = start("erp"), "ord-1/order/main/1"
    await fail(web, erp, "pending", count=1)
    await post_order(web, erp, key)

    answered = {"key": key, "outcome": "refused", "reason": "erp_refused"}
    await web.post(f"{erp.url}/_sim/answers", json=answered)
    await eventually(lambda: bool(listener.posts), 10)

    answer = listener.posts[0][2]
    assert (answer["outcome"], answer["reason"]) == ("refused", "erp_refused")
    assert await effects(web, erp, key=key) == []


async def test_a_withdrawn_call_is_never_answered(
    web: httpx.AsyncClient, start: Callable[..., Simulator], listener: Listener
) -> None:
    erp, key = start("erp"), "ord-1/order/main/1"
    await fail(web, erp, "pending", count=1)
    await post_order(web, erp, key)

    await web.delete(f"{erp.url}/sales-orders/{key.replace('/', '%2F')}")
    answer = await web.post(f"{erp.url}/_sim/answers", json={"key": key, "outcome": "done"})

    assert answer.status_code == 404
    assert await effects(web, erp, key=key) == []


async def test_faults_befall_the_calls_they_match_as_often_as_they_say(
    web: httpx.AsyncClient, start: Callable[..., Simulator]
) -> None:
    erp = start("erp")
    await fail(web, erp, "refuse", match={"order_id": "ord-2"}, count=2)

    statuses = [
        (await post_order(web, erp, f"{order}/order/main/1")).status_code
        for order in ("ord-1", "ord-2", "ord-2", "ord-2")
    ]

    assert statuses == [201, 422, 422, 201]


async def test_a_fault_without_an_end_lasts_until_it_is_taken_away(
    web: httpx.AsyncClient, start: Callable[..., Simulator]
) -> None:
    erp, key = start("erp"), "ord-1/order/main/1"
    await fail(web, erp, "outage", operation="post_*")
    for _ in range(3):
        with pytest.raises(httpx.RemoteProtocolError):
            await post_order(web, erp, key)

    await web.delete(f"{erp.url}/_sim/faults")

    assert (await post_order(web, erp, key)).status_code == 201


async def test_a_fault_of_some_seconds_passes(
    web: httpx.AsyncClient, start: Callable[..., Simulator]
) -> None:
    erp = start("erp")
    await fail(web, erp, "throttle", seconds=0.3, retry_after=7)
    throttled = await post_order(web, erp, "ord-1/order/main/1")

    async def passed() -> bool:
        return (await post_order(web, erp, "ord-1/order/main/1")).is_success

    assert throttled.status_code == 429
    assert throttled.headers["retry-after"] == "7"
    await eventually(passed, 5)


async def test_latency_delays_and_then_does_it(
    web: httpx.AsyncClient, start: Callable[..., Simulator]
) -> None:
    erp = start("erp")
    await fail(web, erp, "latency", count=1, delay_seconds=0.3)
    began = time.monotonic()

    answer = await post_order(web, erp, "ord-1/order/main/1")

    assert answer.status_code == 201
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    "wrong", [{"fault": "explosion"}, {"fault": "outage", "count": 0}, {"fault": "outage", "x": 1}]
)
async def test_an_unknown_fault_is_refused(
    web: httpx.AsyncClient, start: Callable[..., Simulator], wrong: Json
) -> None:
    erp = start("erp")

    assert (await web.post(f"{erp.url}/_sim/faults", json=wrong)).status_code == 422


async def test_effects_say_what_when_and_at_which_attempt(
    web: httpx.AsyncClient, start: Callable[..., Simulator]
) -> None:
    erp, key = start("erp"), "ord-1/order/main/1"
    await fail(web, erp, "outage", count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await post_order(web, erp, key)
    await post_order(web, erp, key)
    await post_order(web, erp, "ord-10/order/main/1")

    (effect,) = await effects(web, erp, order="ord-1")

    assert effect["key"] == key
    assert effect["operation"] == "post_order"
    assert effect["subject"] == "main"
    assert effect["quantity"] == "3"
    assert effect["attempt"] == 2
    assert effect["at"]
    calls = (await web.get(f"{erp.url}/_sim/calls", params={"key": key})).json()
    assert calls == {"post_order": 2}


async def test_an_unreadable_request_is_the_callers_fault(
    web: httpx.AsyncClient, start: Callable[..., Simulator]
) -> None:
    erp = start("erp")

    for content in ("{", "[]", "{}", '{"lines": [{"line": "1", "quantity": "NaN"}]}'):
        response = await web.put(f"{erp.url}/sales-orders/k", content=content)
        assert response.status_code == 400, content

    assert await effects(web, erp, key="") == []


async def test_a_simulator_that_is_told_to_stop_ends_well(tmp_path: Path) -> None:
    erp = Simulator("erp", tmp_path)
    with running(erp.program(), erp.answers) as process:
        process.terminate()
        assert process.wait(10) == 0

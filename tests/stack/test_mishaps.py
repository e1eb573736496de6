"""What goes wrong at a simulated warehouse after it has said yes."""

from collections.abc import Callable

import httpx

from tests.adapters.simulator import Listener, Simulator
from tests.stack.conftest import eventually
from tests.stack.simulated import ALL_STEPS, effects, fail, release

HERE = {"ship_to.name": "Site 7"}


async def test_a_short_pick_lets_go_of_what_was_not_found(
    web: httpx.AsyncClient, start: Callable[..., Simulator], listener: Listener
) -> None:
    east = start("wms-east")
    await fail(web, east, "short_pick", match=HERE, found={"1": "2"})
    await fail(web, east, "duplicate", match=HERE)  # whatever befalls the call itself

    key = await release(web, east, "ord-1", "3", to="Site 7")
    await eventually(lambda: "delivered" in kinds(listener, "ord-1"), 10)

    picked, shipped = (of_kind(listener, "ord-1", kind) for kind in ("picked", "shipped"))
    assert picked["final"] is True
    assert picked["lines"] == shipped["lines"] == [{"line": "1", "quantity": "2"}]
    told = [(each["operation"], each["lines"]) for each in await effects(web, east, key=key)]
    assert told == [("release", {"1": "3"}), ("short_pick", {"1": "2"})]


async def test_where_nothing_is_found_nothing_is_sent(
    web: httpx.AsyncClient, start: Callable[..., Simulator], listener: Listener
) -> None:
    east = start("wms-east")
    await fail(web, east, "short_pick", match=HERE, found={"1": "0"})

    key = await release(web, east, "ord-1", "3", to="Site 7")
    await eventually(lambda: "picked" in kinds(listener, "ord-1"), 10)
    await release(web, east, "ord-2")
    await eventually(lambda: kinds(listener, "ord-2") == ALL_STEPS, 10)

    assert kinds(listener, "ord-1") == ALL_STEPS[:3]
    assert (await effects(web, east, key=key))[-1]["lines"] == {}


async def test_a_lost_parcel_leaves_and_never_arrives(
    web: httpx.AsyncClient, start: Callable[..., Simulator], listener: Listener
) -> None:
    east = start("wms-east")
    await fail(web, east, "lost_parcel", match=HERE)

    await release(web, east, "ord-1", to="Site 7")
    await eventually(lambda: "shipped" in kinds(listener, "ord-1"), 10)
    await release(web, east, "ord-2", to="Site 8")
    await eventually(lambda: kinds(listener, "ord-2") == ALL_STEPS, 10)

    assert kinds(listener, "ord-1") == ALL_STEPS[:-1]


def kinds(listener: Listener, order: str) -> list[str]:
    return [milestone["kind"] for milestone in listener.heard(order)]


def of_kind(listener: Listener, order: str, kind: str) -> dict[str, object]:
    return next(each for each in listener.heard(order) if each["kind"] == kind)

"""What support asks for by a signal from Temporal's own pages."""

from typing import Any

import pytest

from domain.status import order_status
from tests.workflows.world import World


async def ask(world: World, **request: Any) -> None:
    await world.handle.signal("ask", request)


async def test_a_hold_is_released_with_an_edit_by_whoever_says_who_he_is(running: World) -> None:
    await running.place()
    await running.settles("released")
    await running.hold()
    hold = await running.held("manual")

    await ask(running, kind="hold_release", hold=hold, edit={"lines": {"1": "4"}}, by="sam")

    order = await running.settles("released")
    assert order.line("1").ordered == 4
    assert order.holds[-1].released_by == "sam"
    kept = await running.sql(
        "select kind, source, outcome ->> 'status' from inbox where source = 'temporal-ui'"
    )
    assert kept == [("hold_release", "temporal-ui", "done")]


async def test_what_the_order_refuses_is_refused_from_there_too(running: World) -> None:
    await running.place()
    await running.settles("released")

    await ask(running, kind="amend", lines={"9": "4"}, by="sam")
    await ask(running, kind="cancel", by="sam")

    order = await running.ends("cancelled")
    assert order_status(order) == "cancelled"
    outcomes = await running.sql(
        "select outcome ->> 'reason' from inbox where source = 'temporal-ui' order by n"
    )
    assert outcomes == [("unknown_line",), ("",)]


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"kind": "cancel"}, "by: say who you are"),
        ({"kind": "credit", "by": "sam"}, "credit"),
        ({"kind": "milestone", "by": "sam"}, "milestone"),
        ({"kind": "amend", "lines": {"1": "-1"}, "by": "sam"}, "amend/lines/1"),
        ("cancel it", "a JSON object"),
        (None, "a JSON object"),
    ],
)
async def test_what_is_no_command_is_a_dead_letter_and_changes_nothing(
    running: World, request_: Any, why: str
) -> None:
    await running.place()
    before = await running.settles("released")

    await running.handle.signal("ask", request_)

    rows: list[Any] = []
    while not rows:
        rows = await running.sql("select source, reason, detail ->> 'detail' from dead_letter")
    ((source, reason, detail),) = rows
    assert (source, reason) == ("temporal-ui", "not_understood")
    assert why in detail
    assert await running.known() == before

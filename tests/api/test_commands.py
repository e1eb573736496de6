"""Returns, credit, payments, repairs, amendments and releases: at the door, and what orders make
of them.
"""

from typing import Any

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from tests.api.conftest import Client
from tests.api.played import play, shipped
from tests.api.test_http import rules
from tests.api.test_master_data import ADDRESS
from tests.api.test_orders import placed

FIVE = [{"line": "1", "quantity": "5"}]


async def test_a_return_is_authorised_and_shown(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await shipped(client, pool)

    said = await order.say(
        "returns",
        {"lines": FIVE, "reason": "wrong size", "restocking_percent": 10, "expires": "2030-02-01"},
    )

    assert said == f"done authorised as {order.id}-R1"


async def test_credit_without_goods(client: httpx.AsyncClient, pool: AsyncConnectionPool) -> None:
    order = await shipped(client, pool)

    damaged = await order.say(
        "credits",
        {
            "reason": "damaged",
            "lines": [{"line": "1", "quantity": 2}],
            "shipment_id": f"S-{order.id}",
        },
    )
    allowed = await order.say(
        "credits",
        {"reason": "allowance", "lines": [{"line": "1", "quantity": 4, "per_unit": "0.25"}]},
    )

    assert damaged == f"done damaged 2 of line 1: {order.id}-C1"
    assert allowed == f"done allowance 4 of line 1: {order.id}-C2"


async def test_payments_of_a_prepaid_order(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await play(client, pool, payment={"method": "prepaid", "paid": "5"})
    money = {"receipt_id": "R-1", "amount": "20.50", "currency": "USD"}

    assert await order.say("payments", money) == "done"
    assert await order.say("payments", money) == "refused known_receipt R-1 is counted already"
    back = money | {"receipt_id": "R-2", "amount": "-3.5"}
    assert await order.say("payments", back) == "done"
    too_much = money | {"receipt_id": "R-3", "amount": "-99"}
    assert await order.say("payments", too_much) == "refused more_than_paid 22.00 was paid"


async def test_operators_try_again_and_plan_anew(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await play(client, pool)

    assert await order.say("retry") == "refused nothing_to_retry"
    assert await order.say("retry", {"effect": "erp/"}) == "refused nothing_to_retry"
    assert await order.say("replan") == "done"
    assert await order.say("replan", {}) == "done"


async def test_an_amendment_of_everything(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await play(client, pool, stock=0)
    there = ADDRESS | {"line1": "9 Dock Street"}

    said = await order.say(
        "amendments",
        {
            "lines": FIVE,
            "add": [{"item": "NUT", "quantity": "3"}],
            "ship_to": there,
            "ship_not_before": "2030-02-01",
            "cancel_after": "2030-03-01",
        },
    )

    assert said == "done amended 5 of line 1, 3 of line 2"
    shown = await order.shown()
    assert [line["item"] for line in shown["lines"]] == ["BOLT", "NUT"]
    assert shown["ship_to"]["line1"] == "9 Dock Street"


async def test_a_release_edits_first(client: httpx.AsyncClient, pool: AsyncConnectionPool) -> None:
    order = await play(client, pool)
    await order.say("holds", {"reason": "look", "until": "2030-05-01T00:00:00Z"})
    (hold,) = (await order.shown())["holds"]
    path = f"/v1/holds/{hold['id']}/release"

    unknown = {"edit": {"lines": [{"line": "9", "quantity": 1}]}}
    assert (await order.send(path, unknown)).startswith("refused unknown_line")
    by_hand = await order.send(path, {"skip": "booked by phone"})
    assert by_hand == "refused cannot_skip only a carrier's booking can be done by hand"
    assert (await order.send(path, {"note": "agreed", "edit": {"lines": FIVE}})) == "done"
    shown = await order.shown()
    assert shown["lines"][0]["quantities"]["ordered"] == "5"
    assert shown["holds"][0]["released_by"] == "test"


async def test_a_release_sent_again_is_the_same_one(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    """Whatever the requests are called: only what they say is compared."""
    order = await play(client, pool)
    await order.say("holds", {"reason": "look"})
    (hold,) = (await order.shown())["holds"]
    body = {"edit": {"lines": FIVE}}

    first, again = [
        await client.post(
            f"/v1/holds/{hold['id']}/release",
            json=body,
            headers={"Idempotency-Key": "r-1", "X-Correlation-Id": name},
        )
        for name in ("corr-1", "corr-2")
    ]

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]


async def test_who_may_release_may_not_edit(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, client_with: Client
) -> None:
    order = await play(client, pool)
    await order.say("holds", {"reason": "look"})
    (hold,) = (await order.shown())["holds"]
    desk = await client_with("holds:write")
    path = f"/v1/holds/{hold['id']}/release"

    edited = await desk.post(path, json={"edit": {"lines": FIVE}})
    released = await desk.post(path, json={})

    assert rules(edited) == ["scope_missing"]
    assert released.status_code == 202


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("returns", "orders:write"),
        ("credits", "credits:write"),
        ("payments", "payments:write"),
        ("retry", "repair:write"),
        ("replan", "repair:write"),
    ],
)
async def test_each_command_has_its_scope(client_with: Client, path: str, scope: str) -> None:
    """Refused before what is asked is looked at; let in, and there is no such order."""
    bodies = {
        "returns": {"lines": FIVE},
        "credits": {"reason": "lost", "lines": FIVE},
        "payments": {"receipt_id": "R", "amount": 1, "currency": "USD"},
    }
    every = {"orders:write", "credits:write", "payments:write", "repair:write", "holds:write"}
    others, own = await client_with(*(every - {scope})), await client_with(scope)

    answers = [
        await who.post(f"/v1/orders/nothing/{path}", json=bodies.get(path, {}))
        for who in (others, own)
    ]

    assert [answer.status_code for answer in answers] == [403, 404]


def one(**more: Any) -> dict[str, Any]:
    return {"line": "1", "quantity": "1"} | more


MONEY = {"receipt_id": "R-1", "amount": "1.00", "currency": "USD"}


@pytest.mark.parametrize(
    ("path", "body", "rule", "pointer"),
    [
        ("amendments", {}, "nothing_to_amend", ""),
        ("amendments", {"lines": []}, "nothing_to_amend", ""),
        ("amendments", {"lines": [one(), one()]}, "repeated_line", "/lines"),
        ("amendments", {"add": [{"item": "NUT"}]}, "missing", "/add/0/quantity"),
        ("amendments", {"add": [{"item": "NUT", "line": "7", "quantity": 1}] * 2},
         "line_numbers_must_be_unique", ""),
        ("amendments", {"add": [{"item": "N", "quantity": 1}] * 501}, "too_long", "/add"),
        ("amendments", {"add": [{"item": "\U0001f600" * 128, "quantity": 1}] * 500},
         "amendment_too_large", ""),
        ("amendments", {"ship_to": ADDRESS | {"country": "Utopia"}}, "string_pattern_mismatch",
         "/ship_to/country"),
        ("amendments", {"cancel_after": "soon"}, "date_from_datetime_parsing", "/cancel_after"),
        ("returns", {}, "missing", "/lines"),
        ("returns", {"lines": []}, "too_short", "/lines"),
        ("returns", {"lines": [one(quantity=0)]}, "greater_than", "/lines/0/quantity"),
        ("returns", {"lines": [one(), one()]}, "repeated_line", "/lines"),
        ("returns", {"lines": FIVE, "restocking_percent": 101}, "less_than_equal",
         "/restocking_percent"),
        ("returns", {"lines": FIVE, "reason": "x" * 201}, "string_too_long", "/reason"),
        ("credits", {"reason": "mood", "lines": FIVE}, "enum", "/reason"),
        ("credits", {"reason": "lost", "lines": [one(per_unit=1)]}, "wrong_per_unit", ""),
        ("credits", {"reason": "allowance", "lines": FIVE}, "wrong_per_unit", ""),
        ("credits", {"reason": "allowance", "lines": [one(per_unit=0)]}, "greater_than",
         "/lines/0/per_unit"),
        ("payments", MONEY | {"amount": "0"}, "no_money", ""),
        ("payments", MONEY | {"amount": "1.005"}, "too_many_decimals", ""),
        ("payments", MONEY | {"amount": "1e12"}, "less_than", "/amount"),
        ("payments", MONEY | {"amount": "-1e12"}, "greater_than", "/amount"),
        ("payments", MONEY | {"currency": "ZZZ"}, "unknown_currency", "/currency"),
        ("payments", MONEY | {"currency": "EUR"}, "another_currency", "/currency"),
        ("retry", {"effect": "x" * 201}, "string_too_long", "/effect"),
        ("replan", {"all": True}, "extra_forbidden", "/all"),
        ("holds", {"until": "2030-01-01T00:00:00"}, "timezone_aware", "/until"),
    ],
)  # fmt: skip
async def test_a_command_that_cannot_be_is_refused_at_the_door(
    client: httpx.AsyncClient, path: str, body: Any, rule: str, pointer: str
) -> None:
    order_id = await placed(client)

    answer = await client.post(f"/v1/orders/{order_id}/{path}", json=body)

    assert answer.status_code == 422
    (broken,) = answer.json()["errors"]
    assert (broken["rule"], broken["pointer"]) == (rule, pointer)
    messages = (await client.get(f"/v1/orders/{order_id}/audit")).json()["messages"]
    assert [message["kind"] for message in messages] == ["placed"]

"""Who may send which command, and what of it is refused before any order hears of it."""

from typing import Any

import httpx
import pytest

from tests.api.conftest import Client
from tests.api.test_master_data import ADDRESS
from tests.api.test_orders import placed

FIVE = [{"line": "1", "quantity": "5"}]


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

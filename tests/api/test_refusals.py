"""What people and systems may get wrong about an order that is on its way: each has its answer,
which docs/lifecycle.md tells.
"""

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from domain.effect import Step
from domain.hold import Problem
from stack.lifecycle_doc import ANSWERS
from tests.api.orders import an_order, record
from tests.api.played import Played, play, shipped
from tests.api.test_orders import recorded
from tests.domain.build import captured
from tests.domain.ledger import LINE_TERMS

ALL = [{"line": "1", "quantity": "10"}]
FOUR = [{"line": "1", "quantity": "4"}]

Told = dict[str, str]


@pytest.fixture
def told() -> Told:
    """What docs/lifecycle.md says that is answered."""
    return {what: answer for what, answer, _ in ANSWERS}


def rule(said: str) -> str:
    """As in `refused below_shipped line 1 has shipped more than that`."""
    status, reason, *_ = said.split()
    assert status == "refused"
    return f"`{reason}`"


async def test_an_amendment_below_what_has_shipped(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, told: Told
) -> None:
    order = await shipped(client, pool, 6)

    said = await order.say("amendments", {"lines": FOUR, "cancel_after": "2030-09-01"})

    assert rule(said) in told["an amendment below what has shipped"]
    shown = await order.shown()
    assert shown["lines"][0]["quantities"]["ordered"] == "10"
    assert shown["cancel_after"] is None


@pytest.mark.parametrize(
    ("case", "line", "quantity"),
    [
        ("a return of more than was shipped", "1", "7"),
        ("a return of a line the order does not have, as of another order's", "2", "1"),
    ],
)
async def test_a_return_that_cannot_be(
    client: httpx.AsyncClient,
    pool: AsyncConnectionPool,
    told: Told,
    case: str,
    line: str,
    quantity: str,
) -> None:
    order = await shipped(client, pool, 6)

    said = await order.say("returns", {"lines": [{"line": line, "quantity": quantity}]})

    assert rule(said) in told[case]
    assert (await order.shown())["authorised_returns"] == []


async def test_a_return_twice(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, told: Told
) -> None:
    order = await shipped(client, pool)

    first = await order.say("returns", {"lines": ALL})
    second = await order.say("returns", {"lines": FOUR})

    assert first.startswith("done")
    assert rule(second) in told["a return of the same goods twice"]
    assert len((await order.shown())["authorised_returns"]) == 1


async def test_goods_returned_twice_are_credited_once(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, told: Told
) -> None:
    order = await shipped(client, pool)

    answers = [
        await order.told("return_inspected", 10, milestone_id=id, document=id)
        for id in ("RET-1", "RET-2")
    ]

    expected = told["the same goods reported as returned twice, under two ids"]
    assert ", ".join(str(answer.status_code) for answer in answers) == expected
    shown = await order.shown()
    assert [credit["return_id"] for credit in shown["credits"]] == ["RET-1"]
    assert [hold["reason"] for hold in shown["holds"]] == ["overreturned"]


async def test_credit_for_more_than_was_invoiced(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, told: Told
) -> None:
    order = await shipped(client, pool, 6)
    case = told[
        "credit for more than was invoiced, freight included, more than its price, or more than was"
        " in the shipment it names"
    ]
    dear = [{"line": "1", "quantity": "6", "per_unit": "5"}]

    units = await order.say("credits", {"reason": "shortage", "lines": ALL})
    price = await order.say("credits", {"reason": "price_protection", "lines": dear})

    one = {"reason": "lost", "lines": [{"line": "1", "quantity": "1"}]}
    freight = await order.say("credits", one | {"freight": "9.51"})
    parcel = await order.say("credits", one | {"shipment_id": f"S-{order.id}", "lines": ALL})

    assert rule(units) == rule(freight) == rule(parcel)
    assert rule(units) in case
    assert rule(price) in case
    assert (await order.shown())["credits"] == []


async def test_a_quote_accepted_after_it_has_expired(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, told: Told
) -> None:
    quote = await play(client, pool, kind="quote", valid_until="2020-02-01")
    await quote.go_on(over="valid_until")

    said = await quote.say("quote/acceptance", {})

    assert rule(said) in told["a quote accepted after it has expired"]
    assert (await quote.shown())["status"] == "expired"


async def test_a_quote_accepted_in_time_and_heard_late(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    """What counts is when it was received: now, which is before that day."""
    quote = await play(client, pool, kind="quote", valid_until="2030-02-01")
    [waits] = (await quote.shown())["waiting_for"]
    assert (waits["what"], waits["deadline"]) == ("acceptance", "2030-02-02T00:00:00Z")
    assert waits["text"] == "The customer is to accept the quote"
    await quote.go_on(over="valid_until")
    assert (await quote.shown())["status"] == "expired"

    assert await quote.say("quote/acceptance", {}) == "done"

    assert (await quote.shown())["status"] == "released"


async def test_a_hold_on_what_the_order_does_not_have(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, told: Told
) -> None:
    order = await play(client, pool)
    case = told["a hold on a line or fulfilment that the order does not have"]

    for scope in ("line/99", "fulfilment/MOON", f"fulfilment/{order.id}-MOON"):
        assert rule(await order.say("holds", {"scope": scope})) in case
    assert (await order.shown())["holds"] == []

    (fulfilment,) = (await order.shown())["fulfilments"]
    assert await order.say("holds", {"scope": f"fulfilment/{fulfilment['id']}"}) == "done"
    (hold,) = (await order.shown())["holds"]
    assert hold["scope"] == "fulfilment/EAST"


async def test_a_delivery_ahead_of_its_shipment(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, told: Told
) -> None:
    order = await play(client, pool)

    answer = await order.told("delivered", 10, shipment_id="S-1")

    expected = told["`delivered` of a shipment that nobody has told of yet"]
    assert str(answer.status_code) == expected
    shown = await order.shown()
    assert shown["lines"][0]["quantities"]["shipped"] == "0"
    assert "shipment/S-1" in [wait["what"] for wait in shown["waiting_for"]]

    await order.told("shipped", 10, shipment_id="S-1")
    assert (await order.shown())["lines"][0]["quantities"]["delivered"] == "10"


async def test_a_short_pick_of_an_order_that_is_to_leave_complete(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await play(client, pool, fulfilment="complete")

    await order.told("picked", 6, final=True)

    (hold,) = (await order.shown())["holds"]
    assert hold["reason"] == "unavailable_inventory"
    assert "EAST did not find 4 of line 1" in hold["detail"]


async def test_two_people_release_one_hold(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, told: Told
) -> None:
    order = await play(client, pool)
    await order.say("holds", {"reason": "look"})
    (hold,) = (await order.shown())["holds"]
    path = f"/v1/holds/{hold['id']}/release"

    first, second = [await order.send(path, {"note": who}) for who in ("sam", "kim")]

    assert first == "done"
    assert rule(second) in told["one hold released by two people"]
    assert second.endswith("by test")
    assert (await order.shown())["holds"][0]["released_at"] is not None


async def test_a_receipt_again(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, told: Told
) -> None:
    order = await play(client, pool, payment={"method": "prepaid", "paid": "0"})
    money = {"receipt_id": "R-1", "amount": "20", "currency": "USD"}

    first = await order.say("payments", money)
    second = await order.say("payments", money | {"amount": "21"})

    assert first == "done"
    assert rule(second) in told["a receipt of a payment again"]
    assert (await order.shown())["prepaid"]["paid"] == "20.00"


async def test_a_payment_of_an_order_by_card(
    client: httpx.AsyncClient, pool: AsyncConnectionPool, told: Told
) -> None:
    order = await play(client, pool, payment={"method": "card", "token": "tok_1"})
    money = {"receipt_id": "R-1", "amount": "20", "currency": "USD"}

    said = await order.say("payments", money)

    assert rule(said) in told["a payment noted for an order by card"]


async def test_an_invoice_confirmed_twice(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await shipped(client, pool, later={Step.INVOICE})
    assert (await order.shown())["invoices"] == []

    answers = [
        await confirmed(order, answer_id=id, reference=number)
        for id, number in (("A-1", "I-1"), ("A-1", "I-1"), ("A-2", "I-2"))
    ]

    assert [answer.status_code for answer in answers] == [202, 200, 202]
    assert answers[1].json()["outcome"] == "repeat"
    (invoice,) = (await order.shown())["invoices"]
    assert invoice["number"] == "I-1"
    assert (await client.get("/v1/dead-letters")).json()["items"] == []


async def confirmed(order: Played, **more: str) -> httpx.Response:
    return await order.answered("invoice", f"S-{order.id}", outcome="done", **more)


async def test_a_payment_declined_after_the_shipment(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await shipped(client, pool, method="card", later={Step.COLLECT})
    before = await order.shown()

    answer = await order.answered(
        "collect", f"S-{order.id}", outcome="refused", reason="payment_declined"
    )

    assert answer.status_code == 202
    after = await order.shown()
    (hold,) = after["holds"]
    assert (hold["reason"], hold["owner"]) == ("payment_declined", "credit")
    assert after["invoices"] == before["invoices"] != []
    assert after["lines"][0]["quantities"]["shipped"] == "10"
    captures = [each["state"] for each in after["payments"] if each["kind"] == "capture"]
    assert captures == ["refused"]


async def test_an_order_goes_on_without_a_line_that_nobody_knows(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    lines = [{"item": "BOLT-8", "quantity": "5"}, {"item": "GHOST", "quantity": "3"}]
    placed = await client.post("/v1/orders", json=an_order(lines=lines))
    order = await recorded(pool, placed.json()["id"])
    known, bad = {"1": LINE_TERMS["1"]}, Problem(reason="unknown_item", scope="line/2")
    captured(order, problems=(bad,), lines=known)
    await record(pool, order)
    path = f"/v1/orders/{order.id}"
    assert (await client.get(path)).json()["totals"] is None

    await client.post(f"{path}/cancellation", json={"lines": [{"line": "2", "quantity": "3"}]})
    order = await recorded(pool, order.id)
    captured(order, lines=known)
    await record(pool, order)

    shown = (await client.get(path)).json()
    assert shown["totals"]["open"] == "5.03"
    assert [hold["released_by"] for hold in shown["holds"]] == ["throughline"]

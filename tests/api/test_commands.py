"""Returns, credit, payments, repairs, amendments, releases: what orders make of them, and show."""

from datetime import timedelta
from decimal import Decimal

import httpx
from psycopg_pool import AsyncConnectionPool

from domain.answer import Captured
from domain.effect import Step
from domain.plan import plan
from domain.settling import intend, settle
from domain.terms import Part
from tests.api.conftest import Client
from tests.api.orders import NOW, record
from tests.api.played import play, shipped
from tests.api.test_http import rules
from tests.api.test_master_data import ADDRESS
from tests.api.test_orders import recorded
from tests.domain.ledger import LINE_TERMS
from tests.domain.world import order_in, terms_of

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
    shown = await order.shown()
    (agreed,) = shown["authorised_returns"]
    assert agreed.items() >= {
        "id": f"{order.id}-R1", "lines": FIVE, "received": [], "reason": "wrong size",
        "restocking_percent": "10", "expires": "2030-02-01", "expired": False, "open": True,
    }.items()  # fmt: skip
    assert f"return/{agreed['id']}" in [wait["what"] for wait in shown["waiting_for"]]
    expected = (await client.get(f"/v1/returns/{agreed['id']}")).json()
    assert (expected["authorised"], expected["received"]) == (agreed, [])
    assert expected["received_at"] is None


async def test_a_return_without_a_last_day_is_waited_for_for_ninety_days(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await shipped(client, pool)
    await order.say("returns", {"lines": FIVE})
    (agreed,) = (await order.shown())["authorised_returns"]
    assert agreed["expires"] == f"{NOW.date() + timedelta(days=90)}"


async def test_what_came_back_is_credited_but_for_restocking(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await shipped(client, pool)
    await order.say("returns", {"lines": FIVE, "restocking_percent": "10"})
    name = f"{order.id}-R1"

    await order.told("return_inspected", 5, document=name)

    shown = await order.shown()
    (back,), (credit,), (agreed,) = (
        shown["returns"], shown["credits"], shown["authorised_returns"]
    )  # fmt: skip
    assert (back["id"], back["kind"], back["restocking_percent"]) == (name, "goods", "10")
    assert back["inspected"] == agreed["received"] == FIVE
    assert back["credited"] == [{"line": "1", "quantity": "5", "per_unit": None}]
    assert not agreed["open"]
    assert (await client.get(f"/v1/returns/{name}")).json() == back
    # Of 5 at 1.005, rounded half up, a tenth is kept.
    assert (credit["kind"], credit["subtotal"], credit["restocking"]) == ("goods", "5.03", "0.50")


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
    shown = await order.shown()
    first, second = shown["returns"]
    assert (first["kind"], first["received"], first["inspected"]) == ("damaged", [], [])
    assert second["credited"] == [{"line": "1", "quantity": "4", "per_unit": "0.25"}]
    assert [credit["kind"] for credit in shown["credits"]] == ["damaged", "allowance"]
    (line,) = shown["credits"][1]["lines"]
    assert (line["price"], line["amount"]) == ("0.25", "1.00")
    assert (await client.get(f"/v1/returns/{order.id}-C2")).json() == second


async def test_a_parcel_that_is_lost_is_shown_so(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await shipped(client, pool)
    lost = {
        "reason": "lost",
        "lines": [{"line": "1", "quantity": 10}],
        "freight": "9.50",
        "shipment_id": f"S-{order.id}",
    }

    assert (await order.say("credits", lost)).startswith("done")

    found = (await client.get(f"/v1/shipments/S-{order.id}")).json()
    assert (found["lost"], found["came_back"]) == (True, False)
    shown = await order.shown()
    (credit,) = shown["credits"]
    assert credit["freight"] == shown["invoices"][0]["freight"] == "9.50"


async def test_payments_of_a_prepaid_order(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await play(client, pool, payment={"method": "prepaid", "paid": "5"})
    money = {"receipt_id": "R-1", "amount": "20.50", "currency": "USD"}
    before = await order.shown()

    assert await order.say("payments", money) == "done"
    assert await order.say("payments", money) == "refused known_receipt R-1 is counted already"
    back = money | {"receipt_id": "R-2", "amount": "-3.5"}
    assert await order.say("payments", back) == "done"
    too_much = money | {"receipt_id": "R-3", "amount": "-99"}
    assert await order.say("payments", too_much) == "refused more_than_paid 22.00 was paid"
    # 10 at 1.005 and the freight of 9.50
    assert before["prepaid"] == {"paid": "5.00", "due": "14.55", "currency": "USD"}
    assert "payment" in [wait["what"] for wait in before["waiting_for"]]
    assert (await order.shown())["prepaid"] == {"paid": "22.00", "due": "-2.45", "currency": "USD"}
    assert (await (await play(client, pool, reference="PO-2")).shown())["prepaid"] is None


async def test_payments_of_an_order_on_account(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await shipped(client, pool)
    before = (await recorded(pool, order.id)).standing(Step.CREDIT, "acme")
    money = {"receipt_id": "R-1", "amount": "4.50", "currency": "USD"}

    assert await order.say("payments", money) == "done"
    assert await order.say("payments", money) == "refused known_receipt R-1 is counted already"
    after = (await recorded(pool, order.id)).standing(Step.CREDIT, "acme")
    assert before["invoiced"] - after["invoiced"] == Decimal("4.50")


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
    assert (shown["ship_not_before"], shown["cancel_after"]) == ("2030-02-01", "2030-03-01")


async def test_a_kit_is_shown_in_parts_and_spoken_of_whole(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    sent = order_in({"1": 2}).model_dump_json(exclude_none=True)
    order_id = (await client.post("/v1/orders", content=sent)).json()["id"]
    order = await recorded(pool, order_id)
    (capture,) = plan(order)
    bolts, nuts = (
        Part(item=item, unit="EA", per_kit=Decimal(count), value=Decimal(1))
        for item, count in (("BOLT", 4), ("NUT", 8))
    )
    answer = Captured(
        standing=capture.goal,
        terms=terms_of({"1": LINE_TERMS["1"]}),
        offers={"EAST": {"BOLT": Decimal(99), "NUT": Decimal(99)}},
        kits={"1": (bolts, nuts)},
    )
    intend(order, capture, NOW)
    settle(order, capture.effect, answer, NOW)
    await record(pool, order)

    await client.post(
        f"/v1/orders/{order_id}/cancellation", json={"lines": [{"line": "1", "quantity": 1}]}
    )
    await recorded(pool, order_id)

    lines = (await client.get(f"/v1/orders/{order_id}")).json()["lines"]
    assert [(line["item"], line["kit"], line["per_kit"]) for line in lines] == [
        ("BOLT", "1", "4"),
        ("NUT", "1", "8"),
    ]
    assert [line["quantities"]["cancelled"] for line in lines] == ["4", "8"]
    cancelling = await client.get(f"/v1/orders/{order_id}/plan", params={"intent": "cancel"})
    assert [line["cancelled"] for line in cancelling.json()["lines"]] == ["4", "8"]


async def test_a_quote_is_valid_until_a_day(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    quote = await play(client, pool, kind="quote", valid_until="2030-02-01")
    order = await play(client, pool, reference="PO-2")

    assert await quote.say("amendments", {"valid_until": "2030-03-01"}) == "done amended"
    assert (await quote.shown())["valid_until"] == "2030-03-01"
    said = await order.say("amendments", {"valid_until": "2030-03-01"})
    assert said.startswith("refused not_a_quote")


async def test_a_release_edits_first(client: httpx.AsyncClient, pool: AsyncConnectionPool) -> None:
    order = await play(client, pool)
    await order.say("holds", {"reason": "look", "until": "2030-05-01T00:00:00Z"})
    (hold,) = (await order.shown())["holds"]
    path = f"/v1/holds/{hold['id']}/release"
    assert hold["until"] == "2030-05-01T00:00:00Z"

    unknown = {"edit": {"lines": [{"line": "9", "quantity": 1}]}}
    assert (await order.send(path, unknown)).startswith("refused unknown_line")
    by_hand = await order.send(path, {"skip": "booked by phone"})
    assert by_hand == "refused cannot_skip only a carrier's booking can be done by hand"
    assert (await order.send(path, {"note": "agreed", "edit": {"lines": FIVE}})) == "done"
    shown = await order.shown()
    assert shown["lines"][0]["quantities"]["ordered"] == "5"
    assert shown["holds"][0]["released_by"] == "test"


async def test_holds_of_a_cancelled_order_are_listed(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    """Its warehouse does not let go of the goods: somebody has to see to it, and find it."""
    order = await play(client, pool)
    order.later = {Step.RELEASE}
    await order.say("cancellation", {})
    await order.answered("release", "EAST", outcome="refused", reason="picked_already")

    shown, found = await order.shown(), (await client.get("/v1/holds")).json()["items"]

    assert shown["status"] == "cancelled"
    assert [hold["order_id"] for hold in found] == [order.id]


async def test_the_timeline_says_it_in_words(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await play(client, pool)
    cancellation = {"reason": "changed mind", "lines": [{"line": "1", "quantity": "4"}]}
    await order.say("cancellation", cancellation)
    await order.say("returns", {"lines": FIVE})

    entries = (await order.shown("/timeline"))["items"]

    said = [entry["text"] for entry in entries if entry["type"] == "message"]
    assert said == [
        "order placed as PO-1 by web",
        "4 of line 1 cancelled by test: changed mind",
        "5 of line 1 may come back for 90 days, agreed by test"
        " (refused: more_than_shipped, of line 1, 0 can come back)",
    ]
    happened = [entry["text"] for entry in entries if entry["type"] == "event"]
    assert "cancelled: 4 of line 1 by test: changed mind" in happened


async def test_what_cancelling_would_cost_is_shown_first(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order = await shipped(client, pool, 4)
    before = await order.shown()

    going_on = await order.shown("/plan")
    meant = await order.shown("/plan?intent=cancel")

    assert (going_on["cost"], going_on["lines"], going_on["recalls"]) == (None, None, None)
    assert meant["refused"] == ""
    assert meant["lines"] == [{"line": "1", "cancelled": "6", "stays": "4"}]
    assert meant["recalls"] == [
        {"source": "EAST", "system": "wms-east", "lines": [{"line": "1", "quantity": "6"}],
         "may_refuse": True}
    ]  # fmt: skip
    cost = meant["cost"]
    assert cost["cancelled_value"] == before["totals"]["open"] == "6.03"
    assert cost["stays_value"] == before["totals"]["invoiced"]
    assert (cost["credit_given_back"], cost["currency"]) == ("6.03", "USD")
    assert (await order.shown())["revision"] == before["revision"], "nothing was done"


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

"""Master data and prices over HTTP."""

from typing import Any

import httpx
import pytest

from tests.api.conftest import Client

ADDRESS = {
    **{"line1": "1 Mill Road", "city": "Dayton", "region": "OH"},
    **{"postal_code": "45402", "country": "US"},
}
COMPANY = {"name": "Throughline Inc", "currency": "USD"}
CUSTOMER = {
    **{"name": "Acme", "currency": "USD", "credit_limit": "5000.00", "payment_terms": "NET30"},
    **{"address": ADDRESS, "price_list": "GOLD"},
}
ITEM = {
    **{"description": "Hex bolt", "unit": "EA", "units": {"CS": "12"}},
    **{"currency": "USD", "price": "1.50", "weight": "0.02"},
}
LOCATION = {"name": "East", "kind": "warehouse", "wms": "wms-east", "address": ADDRESS}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/companies/US", COMPANY),
        ("/v1/customers/ACME", CUSTOMER),
        ("/v1/customers/A%2FB C", CUSTOMER),
        ("/v1/items/BOLT-8", ITEM),
        ("/v1/items/3%2F8 in. hex", ITEM),
        ("/v1/locations/EAST", LOCATION),
    ],
)
async def test_what_was_put_is_shown_and_listed(
    client: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    created, again = await client.put(path, json=body), await client.put(path, json=body)
    shown = await client.get(path)
    listed = await client.get(path[: path.rindex("/")])

    assert (created.status_code, again.status_code) == (201, 200)
    assert again.json() == created.json() | {"outcome": "unchanged"}
    assert {name: shown.json()[name] for name in body if name != "address"} == {
        name: value for name, value in body.items() if name != "address"
    }
    assert shown.json()["id"] == created.json()["id"]
    assert listed.json() == {"items": [shown.json()], "next": None}
    assert (await client.get(path + "-2")).status_code == 404


@pytest.mark.parametrize(
    ("path", "change", "pointer"),
    [
        ("/v1/items/X", {"price": "-1"}, "/price"),
        ("/v1/items/X", {"price": "1.0000001"}, "/price"),
        ("/v1/items/X", {"units": {"CS": "0"}}, "/units/CS"),
        ("/v1/items/X", {"units": {"EA": "2"}}, ""),
        ("/v1/items/X", {"price_unit": "PALLET"}, ""),
        ("/v1/customers/X", {"credit_limit": "1e40"}, "/credit_limit"),
        ("/v1/customers/X", {"address": {**ADDRESS, "country": "usa"}}, "/address/country"),
    ],
)
async def test_what_cannot_be_is_refused(
    client: httpx.AsyncClient, path: str, change: dict[str, Any], pointer: str
) -> None:
    body = ITEM if "items" in path else CUSTOMER

    answer = await client.put(path, json=body | change)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert (await client.get(path)).status_code == 404


async def test_lists_come_in_pages(client: httpx.AsyncClient) -> None:
    for n in range(5):
        await client.put(f"/v1/items/I{n}", json=ITEM)

    seen, cursor = [], ""
    while cursor is not None:
        after = {"cursor": cursor} if cursor else {}
        listed = (await client.get("/v1/items", params={"limit": 2, **after})).json()
        seen.append([item["id"] for item in listed["items"]])
        cursor = listed["next"]

    assert seen == [["I0", "I1"], ["I2", "I3"], ["I4"]]


async def test_many_rows_each_with_its_result(client: httpx.AsyncClient) -> None:
    rows = [
        {"kind": "company", "id": "US", **COMPANY},
        {"kind": "item", "id": "BOLT-8", **ITEM, "price": "-1"},
        {"kind": "item", "id": "NUT-8", **ITEM},
        {"kind": "supplier", "id": "FACTORY", **{**LOCATION, "kind": "supplier"}},
        {**LOCATION, "kind": "location", "id": "WEST", "location_kind": "store"},
        {"kind": "price", "item": "NUT-8", "customer": "ACME", "currency": "USD", "price": "1"},
        {"kind": "planet", "id": "X"},
        {},
    ]

    answer = await client.post("/v1/master-data", json={"rows": rows})

    results = answer.json()["rows"]
    assert answer.status_code == 200
    assert [row["row"] for row in results] == list(range(8))
    assert [row["outcome"] for row in results] == [
        *("created", "refused", "created", "created", "created", "created"),
        *("refused", "refused"),
    ]
    assert [e["pointer"] for e in results[1]["errors"]] == ["/rows/1/price"]
    assert (await client.get("/v1/locations/FACTORY")).json()["kind"] == "supplier"
    assert (await client.get("/v1/locations/WEST")).json()["kind"] == "store"


async def test_ten_thousand_rows_and_not_one_more(client: httpx.AsyncClient) -> None:
    row = {"kind": "item", "description": "x", "unit": "EA", "currency": "USD", "price": "1"}
    rows = [{**row, "id": f"I{n}"} for n in range(10_001)]

    most = await client.post("/v1/master-data", json={"rows": rows[:-1]}, timeout=60)
    more = await client.post("/v1/master-data", json={"rows": rows}, timeout=60)

    assert {result["outcome"] for result in most.json()["rows"]} == {"created"}
    assert more.status_code == 422


async def test_prices_are_put_listed_and_asked_for(client: httpx.AsyncClient) -> None:
    await client.put("/v1/items/BOLT-8", json=ITEM)
    await client.put("/v1/customers/ACME", json=CUSTOMER)
    price = {"item": "BOLT-8", "customer": "ACME", "currency": "USD", "price": "1.25"}
    put = await client.put("/v1/prices", json={"items": [price]})
    lines = [
        {"item": "BOLT-8", "quantity": "5"},
        {"item": "BOLT-8", "quantity": 2.5, "unit": "CS"},
        {"item": "NOWHERE", "quantity": "1"},
    ]

    asked = await client.post("/v1/prices", json={"customer": "ACME", "lines": lines})

    assert put.json() == {"items": [{"outcome": "created", "revision": 1}]}
    assert [p["price"] for p in (await client.get("/v1/prices")).json()["items"]] == ["1.25"]
    answers = asked.json()["items"]
    assert [a["price"] for a in answers] == ["1.25", "1.25", None]
    assert answers[0] == {
        **{"item": "BOLT-8", "price": "1.25", "unit": "EA"},
        **{"currency": "USD", "source": "contract"},
    }


async def test_a_customers_key_asks_for_its_own_prices_only(client_with: Client) -> None:
    theirs = await client_with("master:read", customer="ACME")
    lines = [{"item": "BOLT-8", "quantity": "5"}]

    own = await theirs.post("/v1/prices", json={"customer": "ACME", "lines": lines})
    others = await theirs.post("/v1/prices", json={"customer": "OTHER", "lines": lines})

    assert (own.status_code, others.status_code) == (200, 403)


@pytest.mark.parametrize("whose", [{}, {"customer": "ACME", "price_list": "GOLD"}])
async def test_a_price_is_a_customers_or_a_lists(
    client: httpx.AsyncClient, whose: dict[str, str]
) -> None:
    price = {"item": "BOLT-8", "currency": "USD", "price": "1.25", **whose}

    assert (await client.put("/v1/prices", json={"items": [price]})).status_code == 422

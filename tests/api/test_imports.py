"""Orders in a CSV file: looked at without keeping anything, placed each for itself."""

from typing import Any

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.channels.csv_orders import REQUIRED
from adapters.postgres.inbox import ACCEPT
from api.body import LIMIT
from tests.adapters.test_csv_orders import FIRST, LATER, Cells, a_file
from tests.api.conftest import Client
from tests.api.orders import an_order
from tests.api.test_http import rules
from tests.api.test_master_data import COMPANY, CUSTOMER, ITEM

PATH = "/v1/orders/imports"
SECOND = FIRST | {"reference": "PHONE-2", "quantity": "7"}
WRONG = FIRST | {"reference": "PHONE-3", "quantity": "-1", "currency": "ZZZ"}


async def send(client: httpx.AsyncClient, *rows: Cells, **params: Any) -> dict[str, Any]:
    answer = await client.post(PATH, content=a_file(*rows), params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def statuses(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(order["reference"], order["status"]) for order in found["orders"]]


def places(listed: list[dict[str, Any]], why: str = "rule") -> list[tuple[int, str | None, str]]:
    return [(each["line"], each["column"], each[why]) for each in listed]


async def kept(pool: AsyncConnectionPool) -> list[tuple[str, str]]:
    async with pool.connection() as db:
        found = await db.execute("select channel, reference from orders order by reference")
        return await found.fetchall()


@pytest.fixture
async def sold(client: httpx.AsyncClient) -> None:
    """ACME buys bolts and nuts."""
    await client.put("/v1/companies/MAIN", json=COMPANY)
    await client.put("/v1/customers/ACME", json=CUSTOMER)
    for item in ("BOLT-8", "NUT-8"):
        await client.put(f"/v1/items/{item}", json=ITEM)


@pytest.mark.usefixtures("sold")
async def test_a_preview_keeps_nothing(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    found = await send(client, FIRST, LATER, SECOND, WRONG)

    assert statuses(found) == [
        *[("PHONE-1", "ready"), ("PHONE-2", "ready")],
        ("PHONE-3", "rejected"),
    ]
    assert (found["committed"], found["channel"]) == (False, "inside-sales")
    assert found["counts"] == {"ready": 2, "rejected": 1}
    assert [order["held_for"] for order in found["orders"]] == [[], [], []]
    assert [(order["line"], order["lines"]) for order in found["orders"]] == [
        (2, 2),
        (4, 1),
        (5, 1),
    ]
    assert await kept(pool) == []
    assert (await client.get("/v1/dead-letters")).json()["items"] == []


async def test_every_error_is_told_by_line_and_column(client: httpx.AsyncClient) -> None:
    found = await send(
        client,
        WRONG | {"ship_to_country": "USA", "fulfilment": "some", "payment_method": "card"},
        LATER | {"reference": "PHONE-3", "quantity": "1,5", "unit": "a b", "price": "x"},
        LATER | {"reference": "PHONE-3", "item": "", "customer": "OTHER"},
        FIRST | {"reference": "PHONE-4", "requested_date": "03/05/2030", "line": "1"},
        LATER | {"reference": "PHONE-4", "line": "a/b"},
        FIRST | {"reference": "PHONE-5", "line": "2"},
        LATER | {"reference": "PHONE-5"},
        FIRST | {"reference": "x" * 200, "ship_not_before": "2030-02-01"},
    )

    wrong = [places(order["problems"]) for order in found["orders"]]
    assert sorted(wrong[0], key=str) == sorted(
        [
            (4, "customer", "differs_within_order"),
            (2, "currency", "unknown_currency"),
            (2, "ship_to_country", "string_pattern_mismatch"),
            (2, "payment_method", "a_card_payment_needs_the_gateway_s_token"),
            (2, "fulfilment", "literal_error"),
            (2, "quantity", "greater_than"),
            (3, "quantity", "not_a_decimal_number"),
            (3, "unit", "string_pattern_mismatch"),
            (3, "price", "not_a_decimal_number"),
            (4, "item", "missing"),
        ],
        key=str,
    )
    assert wrong[1] == [
        (5, "requested_date", "date_from_datetime_parsing"),
        (6, "line", "string_pattern_mismatch"),
    ]
    assert wrong[2] == [(8, "line", "line_numbers_must_be_unique")]
    assert wrong[3] == [(9, "reference", "string_too_long")]
    assert found["orders"][3]["reference"] == "x" * 127 + "…"
    assert {order["status"] for order in found["orders"]} == {"rejected"}


@pytest.mark.usefixtures("sold")
async def test_what_they_would_be_held_for_is_what_validation_says(
    client: httpx.AsyncClient,
) -> None:
    row = FIRST | {"customer": "NOBODY"}
    found = await send(
        *(client, row),
        LATER | {"item": "NOTHING"},
        LATER | {"unit": "PALLET"},
        SECOND | {"price": "0.01", "line": "A"},
        SECOND | {"reference": "PHONE-6", "quantity": "8", "currency": "EUR"},
    )
    address = {name[8:]: cell for name, cell in FIRST.items() if name.startswith("ship_to_")}
    lines = [
        {"item": "BOLT-8", "quantity": "5"},
        {"item": "NOTHING", "quantity": "2"},
        {"item": "NUT-8", "quantity": "2", "unit": "PALLET"},
    ]
    as_json = an_order(customer="NOBODY", ship_to=address, lines=lines)
    validated = await client.post("/v1/orders/validation", json=as_json)

    first, priced, foreign = (order["held_for"] for order in found["orders"])
    assert [
        {name: each[name] for name in ("reason", "scope", "detail")} for each in first
    ] == validated.json()["problems"]
    assert places(first, "reason") == [
        (2, "customer", "unknown_customer"),
        (3, "item", "unknown_item"),
        (4, "unit", "unknown_unit"),
    ]
    assert places(priced, "reason") == [(5, "price", "price_mismatch")]
    assert priced[0]["scope"] == "line/A"
    assert places(foreign, "reason") == [(6, "currency", "currency_mismatch")]
    assert {order["status"] for order in found["orders"]} == {"ready"}


@pytest.mark.usefixtures("sold")
async def test_what_can_be_placed_is_and_the_rest_is_told(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    found = await send(client, FIRST, WRONG, LATER, SECOND, commit=True)

    assert statuses(found) == [
        *[("PHONE-1", "placed"), ("PHONE-3", "rejected")],
        ("PHONE-2", "placed"),
    ]
    assert (found["committed"], found["counts"]) == (True, {"placed": 2, "rejected": 1})
    assert await kept(pool) == [("inside-sales", "PHONE-1"), ("inside-sales", "PHONE-2")]
    first, rejected, _ = found["orders"]
    order = (await client.get(first["link"])).json()
    assert (order["id"], order["reference"]) == (first["order_id"], "PHONE-1")
    assert [line["item"] for line in order["lines"]] == ["BOLT-8", "NUT-8"]
    assert (rejected["order_id"], rejected["link"]) == (None, None)
    assert len(rejected["problems"]) == 2


async def test_the_same_file_again_gives_the_first_orders(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    first = await send(client, FIRST, LATER, SECOND, commit=True)
    looked = await send(client, FIRST, LATER, SECOND)
    again = await send(client, FIRST, LATER, SECOND, commit=True)

    ids = [order["order_id"] for order in first["orders"]]
    for later in (looked, again):
        assert statuses(later) == [("PHONE-1", "existing"), ("PHONE-2", "existing")]
        assert [order["order_id"] for order in later["orders"]] == ids
    assert len(await kept(pool)) == 2


async def test_an_order_in_json_and_in_a_file_are_the_same_order(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    address = {name[8:]: cell for name, cell in FIRST.items() if name.startswith("ship_to_")}
    as_json = an_order(channel="phone", reference="PHONE-1", ship_to=address)
    placed = await client.post("/v1/orders", json=as_json)

    found = await send(client, FIRST, channel="phone", commit=True)

    assert [(order["status"], order["order_id"]) for order in found["orders"]] == [
        ("existing", placed.json()["id"])
    ]


async def test_another_content_under_a_reference_is_a_conflict(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    placed = await send(client, FIRST, commit=True)
    changed = FIRST | {"quantity": "6"}

    looked = await send(client, changed, SECOND)
    assert (await client.get("/v1/dead-letters")).json()["items"] == []
    committed = await send(client, changed, SECOND, commit=True)

    assert statuses(looked) == [("PHONE-1", "conflict"), ("PHONE-2", "ready")]
    assert statuses(committed) == [("PHONE-1", "conflict"), ("PHONE-2", "placed")]
    assert looked["orders"][0] == committed["orders"][0]
    assert looked["orders"][0]["order_id"] == placed["orders"][0]["order_id"]
    assert places(looked["orders"][0]["problems"]) == [(2, "reference", "conflicting_reference")]
    (letter,) = (await client.get("/v1/dead-letters")).json()["items"]
    again = await client.post(f"/v1/dead-letters/{letter['id']}/resubmission", json={})
    assert rules(again) == ["conflicting_reference"]


@pytest.mark.usefixtures("sold")
async def test_duplicates_are_suspected_before_and_found_after(client: httpx.AsyncClient) -> None:
    """Like an order of this day, or like another one of the file."""
    (before,) = (await send(client, FIRST, commit=True))["orders"]
    like_it = FIRST | {"reference": "PHONE-7"}
    like_second = SECOND | {"reference": "PHONE-8"}

    looked = await send(client, like_it, SECOND, like_second)
    committed = await send(client, like_it, SECOND, like_second, commit=True)

    assert [places(order["held_for"], "reason") for order in looked["orders"]] == [
        [(2, "reference", "suspected_duplicate")],
        [],
        [(4, "reference", "suspected_duplicate")],
    ]
    assert looked["orders"][0]["duplicate_of"] == before["order_id"]
    assert "PHONE-2" in looked["orders"][2]["held_for"][0]["detail"]
    assert [order["duplicate_of"] for order in committed["orders"]] == [
        *[before["order_id"], None],
        committed["orders"][1]["order_id"],
    ]


async def test_a_bound_key_imports_its_own_only(
    client: httpx.AsyncClient, client_with: Client, pool: AsyncConnectionPool
) -> None:
    theirs = FIRST | {"customer": "OTHER"}
    await send(client, FIRST, commit=True, channel="edi")
    await send(client, theirs | {"reference": "PHONE-9"}, commit=True, channel="edi")
    edi = await client_with("orders:write", channel="edi")
    acme = await client_with("orders:write", customer="ACME")
    reader = await client_with("orders:read")

    assert (await send(edi, SECOND))["channel"] == "edi"
    for asking, params in ((edi, {"channel": "inside-sales"}), (reader, {})):
        refused = await asking.post(PATH, content=a_file(FIRST), params=params)
        assert refused.status_code == 403
    for commit in (False, True):
        own, others, hidden = (
            await send(
                *(acme, FIRST, theirs | {"reference": "PHONE-2"}),
                FIRST | {"reference": "PHONE-9"},
                channel="edi",
                commit=commit,
            )
        )["orders"]
        assert own["status"] == "existing"
        assert others["status"] == "rejected"
        assert places(others["problems"]) == [(3, "customer", "not_your_customer")]
        assert (hidden["status"], hidden["order_id"], hidden["link"]) == ("conflict", None, None)
    assert len(await kept(pool)) == 2


REFUSED = [
    (b"", 422, "missing_column"),
    (b"," * 1_000_000, 422, "missing_column"),
    (b"{}", 422, "unknown_column"),
    (b"x," * 1_000_000, 422, "unknown_column"),
    (b"\0\xff\xed\xa0\x80" * 1000, 422, "unknown_column"),
    (",".join(REQUIRED).encode(), 422, "no_rows"),
    (a_file(*[FIRST] * 10_001), 422, "too_many_rows"),
    (a_file(FIRST).decode().encode("utf-16"), 400, "unparsable"),
    (b'"' + a_file(FIRST), 400, "unparsable"),
    (b"x" * (LIMIT + 1), 413, "too_large"),
]


@pytest.mark.parametrize("commit", [False, True])
async def test_a_file_that_cannot_be_used_is_refused_whole(
    client: httpx.AsyncClient, commit: bool
) -> None:
    for body, status, rule in REFUSED:
        answer = await client.post(PATH, content=body, params={"commit": commit})

        assert answer.status_code == status, body[:50]
        assert rules(answer)[0] == rule, body[:50]
        assert len(answer.content) < 50_000


STRANGE = [
    *("=1+1", "a\0b", "Z\udcfcrich", "x" * 100_000, "x" * 140_000, "\r", "\t", "😀" * 100),
    *("'; drop table orders; --", "9" * 400, "1e400", "Infinity", "../..", "\u202e\u0301"),
]


@pytest.mark.parametrize("commit", [False, True])
@pytest.mark.parametrize("column", ["reference", "customer", "item", "quantity", "notes"])
async def test_no_cell_is_too_strange(client: httpx.AsyncClient, column: str, commit: bool) -> None:
    content = a_file(FIRST | {column: "HERE"}, FIRST | {"reference": "OTHER"})
    for cell in STRANGE:
        strange = f'"{cell}"'.encode(errors="surrogateescape")

        answer = await client.post(
            PATH, content=content.replace(b"HERE", strange), params={"commit": commit}
        )

        unreadable = len(cell) > 131_072
        assert answer.status_code == (400 if unreadable else 200), (cell[:50], answer.text[:500])
        assert len(answer.content) < 5_000
        if not unreadable:
            first, other = statuses(answer.json())
            assert other[0] == "OTHER"
            assert other[1] in ("ready", "placed", "existing")
            assert first[1] == "rejected" or not {"\0", "\udcfc"} & {*cell}


async def test_a_file_as_large_as_may_be(client: httpx.AsyncClient) -> None:
    """Every row wrong in every way: not all is told, and how much is not."""
    nothing_right = dict.fromkeys(REQUIRED, "\u20ac" * 3) | {"quantity": "-1"}
    rows = [nothing_right | {"reference": f"R{n}"} for n in range(10_000)]

    found = await send(client, *rows, commit=True)

    assert found["counts"] == {"rejected": 10_000}
    listed = sum(len(order["problems"]) for order in found["orders"])
    assert listed == 5_000
    assert found["problems_left_out"] == 10_000 * len(found["orders"][0]["problems"]) - listed


async def test_an_order_has_500_lines_at_most(client: httpx.AsyncClient) -> None:
    found = await send(client, *[FIRST] * 501, *[SECOND] * 500)

    assert statuses(found) == [("PHONE-1", "rejected"), ("PHONE-2", "ready")]
    assert places(found["orders"][0]["problems"]) == [(2, None, "too_long")]


async def test_a_database_that_goes_away_is_told_with_what_was_placed(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    """The same file again places the rest, and nothing twice."""
    async with pool.connection() as db, db.transaction(force_rollback=True):
        # Whoever places PHONE-2 waits for this, until its lock times out.
        await db.execute(ACCEPT, _somebody_elses("PHONE-2"))
        stopped = await client.post(PATH, content=a_file(FIRST, SECOND), params={"commit": True})
    again = await send(client, FIRST, SECOND, commit=True)

    assert (stopped.status_code, rules(stopped)) == (503, ["unavailable"])
    assert stopped.headers["retry-after"]
    assert statuses(stopped.json()) == [("PHONE-1", "placed")]
    assert statuses(again) == [("PHONE-1", "existing"), ("PHONE-2", "placed")]
    assert len(await kept(pool)) == 2


def _somebody_elses(reference: str) -> tuple[Any, ...]:
    content = "another"
    return (
        *("an-id", "channel/inside-sales", reference, "inside-sales", reference, "C", "USD"),
        *(content, content, "", None, "", "{}", b"", ""),
    )


async def test_the_contract_says_what_a_file_is(client: httpx.AsyncClient) -> None:
    operation = (await client.get("/openapi.json")).json()["paths"][PATH]["post"]
    example = operation["requestBody"]["content"]["text/csv"]["example"]

    answer = await client.post(PATH, content=example)

    assert answer.status_code == 200
    assert [(o["status"], o["lines"]) for o in answer.json()["orders"]] == [("ready", 2)]
    assert {"200", "400", "413", "422", "503"} <= operation["responses"].keys()

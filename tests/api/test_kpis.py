"""Key figures over HTTP: whose, of which window, and what each of them says of itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from tests.api.conftest import Client
from tests.api.orders import an_order
from tests.api.test_http import rules
from tests.api.test_orders import placed, recorded

NO_FIGURES = {"since", "until", "channel", "company", "customer", "orders", "complete", "by_status"}


async def figures(client: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    answer = await client.get("/v1/kpis", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_every_figure_has_its_definition_and_null_where_there_is_no_case(
    client: httpx.AsyncClient,
) -> None:
    found = await figures(client)

    each = {name: figure for name, figure in found.items() if name not in NO_FIGURES}
    assert len(each) == 14
    for name, figure in each.items():
        assert figure["definition"].endswith("."), name
        assert figure["unit"] in {"seconds", "ratio", "dead letters"}, name
        assert figure["count"] == 0, name
        assert {figure.get(part) for part in ("value", "median", "p90")} == {None}, name
    assert (found["orders"], found["complete"], found["by_status"]) == (0, True, {})


async def test_orders_of_the_last_day_are_measured(
    client: httpx.AsyncClient, pool: AsyncConnectionPool
) -> None:
    order_id = await placed(client)
    await placed(client, reference="PO-2")  # the same again, under another reference
    await recorded(pool, order_id)
    await client.post("/v1/orders", json=an_order(notes="another content"))

    found = await figures(client)

    assert (found["orders"], found["by_status"]) == (2, {"received": 2})
    duplicates = {"numerator": 1, "denominator": 2, "count": 2, "value": 0.5}
    assert {name: found["duplicate_rate"][name] for name in duplicates} == duplicates
    latency = found["ingestion_latency"]
    assert latency["count"] == 1
    assert 0 < latency["median"] == latency["p90"] < 60
    failed = found["failed_transactions"]
    assert (failed["count"], failed["open"]) == (1, 1)
    assert failed["by_reason"] == [
        {"kind": "order", "reason": "conflicting_reference", "count": 1, "open": 1}
    ]
    assert found["exception_rate"]["value"] == 0


async def test_a_window_ends_before_its_end(client: httpx.AsyncClient) -> None:
    await placed(client)
    now = datetime.now(UTC)

    assert (await figures(client, since=now.isoformat()))["orders"] == 0
    before = (now - timedelta(days=2)).isoformat()
    assert (await figures(client, since=before, until=now.isoformat()))["orders"] == 1
    found = await figures(client, until=before)
    assert found["orders"] == 0
    length = datetime.fromisoformat(found["until"]) - datetime.fromisoformat(found["since"])
    assert length == timedelta(hours=24)


@pytest.mark.parametrize(
    "window",
    [
        {"since": "2026-03-02T00:00:00Z", "until": "2026-03-02T00:00:00Z"},
        {"since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"},
        {"since": "2026-01-01T00:00:00Z", "until": "2026-06-01T00:00:00Z"},
        {"until": "0001-01-01T00:00:00Z"},
        {"since": "9999-12-31T23:59:59Z"},
    ],
)
async def test_a_window_is_neither_empty_nor_too_long(
    client: httpx.AsyncClient, window: dict[str, str]
) -> None:
    answer = await client.get("/v1/kpis", params=window)

    assert (answer.status_code, rules(answer)) == (422, ["window"])


async def test_a_filter(client: httpx.AsyncClient) -> None:
    await placed(client)
    await placed(client, reference="PO-2", channel="edi", company="US")

    assert (await figures(client, channel="edi"))["orders"] == 1
    assert (await figures(client, company="US"))["orders"] == 1
    assert (await figures(client, company="US", channel="web"))["orders"] == 0


async def test_a_bound_key_measures_its_own_only(
    client: httpx.AsyncClient, client_with: Client
) -> None:
    await placed(client)
    await placed(client, reference="PO-2", channel="edi", customer="C1")
    edi = await client_with("orders:read", channel="edi")
    buyer = await client_with("orders:read", customer="C1")
    nobody = await client_with("inventory:read")

    assert (await figures(edi))["orders"] == 1
    found = await figures(buyer)
    assert (found["orders"], found["customer"]) == (1, "C1")
    assert (await edi.get("/v1/kpis", params={"channel": "web"})).status_code == 403
    assert (await nobody.get("/v1/kpis")).status_code == 403

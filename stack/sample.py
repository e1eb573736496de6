"""The sample company of docs/sample-company.md: who sells what to whom, from where.

`throughline sample load` sends it through the API, as an integration would; sending it again
changes nothing.
"""

from decimal import Decimal
from typing import Any

from stack.client import Api

Row = dict[str, Any]


def _address(line1: str, city: str, region: str, postal_code: str) -> Row:
    return {
        "line1": line1,
        "city": city,
        "region": region,
        "postal_code": postal_code,
        "country": "US",
    }


COMPANIES: list[Row] = [{"id": "KEYSTONE", "name": "Keystone Supply", "currency": "USD"}]

LOCATIONS: list[Row] = [
    {
        "id": "EAST",
        "name": "Newark distribution centre",
        "kind": "warehouse",
        "wms": "wms-east",
        "tms": "tms-1",
        "address": _address("200 Port St", "Newark", "NJ", "07114"),
    },
    {
        "id": "WEST",
        "name": "Reno distribution centre",
        "kind": "warehouse",
        "wms": "wms-west",
        "tms": "tms-2",
        "address": _address("1500 Mill St", "Reno", "NV", "89502"),
    },
    {
        "id": "LAKE",
        "name": "Lake Power Equipment",
        "kind": "supplier",
        "wms": "wms-west",
        "tms": "tms-2",
        "address": _address("40 Canal Rd", "Sparks", "NV", "89431"),
    },
]

CUSTOMERS: list[Row] = [
    {
        "id": identifier,
        "name": name,
        "currency": "USD",
        "credit_limit": limit,
        "payment_terms": terms,
        "price_list": price_list,
        "tax_exempt": exempt,
        "address": _address(line1, city, region, postal_code),
    }
    for identifier, name, limit, terms, price_list, exempt, line1, city, region, postal_code in (
        (
            *("C-ALDER", "Alder Mechanical", "250000", "NET30", "CONTRACTOR", False),
            *("12 Elm St", "Denver", "CO", "80202"),
        ),
        (
            *("C-BIRCH", "Birch Electric", "250000", "NET30", "CONTRACTOR", False),
            *("88 Lake Ave", "Chicago", "IL", "60601"),
        ),
        (
            *("C-CEDAR", "Cedar County Schools", "100000", "NET60", None, True),
            *("1 School Rd", "Boise", "ID", "83702"),
        ),
        (
            *("C-DOGWOOD", "Dogwood Repairs", "500", "NET15", None, False),
            *("7 Dock St", "Tampa", "FL", "33602"),
        ),
        (
            *("C-WEBSHOP", "Web shop", "1000000", "NET30", None, False),
            *("200 Port St", "Newark", "NJ", "07114"),
        ),
    )
]

ITEMS: list[Row] = [
    {
        "id": identifier,
        "description": description,
        "unit": "EA",
        "units": units,
        "kit": kit,
        "currency": "USD",
        "price": price,
        "tax_code": "P0000000",
        "weight": weight,
    }
    for identifier, description, units, price, weight, kit in (
        ("BOLT-M8", "Hex bolt M8x40, zinc", {"BX": "100"}, "0.18", "0.021", {}),
        ("NUT-M8", "Hex nut M8, zinc", {"BX": "200"}, "0.06", "0.006", {}),
        ("WASHER-M8", "Flat washer M8", {"BX": "500"}, "0.03", "0.002", {}),
        ("DRILL-18V", "Cordless drill 18 V", {"CS": "4"}, "129.00", "1.9", {}),
        ("BATTERY-18V", "Battery pack 18 V 5 Ah", {"CS": "6"}, "74.50", "0.7", {}),
        ("GLOVE-L", "Work gloves, large", {"PK": "12"}, "6.40", "0.09", {}),
        ("TAPE-25", "Measuring tape 25 ft", {"CS": "24"}, "11.75", "0.3", {}),
        ("LADDER-8", "Step ladder 8 ft", {}, "164.00", "12.5", {}),
        ("VALVE-1", "Ball valve 1 in, brass", {"CS": "10"}, "18.90", "0.45", {}),
        ("HOSE-50", "Garden hose 50 ft", {}, "38.00", "4.1", {}),
        ("PUMP-SUMP", "Sump pump 1/2 hp", {}, "212.00", "8.6", {}),
        ("COMPRESSOR-6", "Air compressor 6 gal", {}, "189.00", "15.2", {}),
        ("GENERATOR-5K", "Portable generator 5 kW", {}, "640.00", "78", {}),
        (
            *("SET-18V", "Drill and two batteries", {}, "249.99", "3.3"),
            {"DRILL-18V": "1", "BATTERY-18V": "2"},
        ),
    )
]
SCARCE, ALSO_SCARCE = "PUMP-SUMP", "COMPRESSOR-6"
"""There are only a few of these: orders for more wait for a receipt."""
DROP_SHIPPED = "GENERATOR-5K"
"""Only the supplier has these, and sends them to our customers."""
KIT = "SET-18V"
"""In stock as its parts."""

STOCK: dict[str, dict[str, str]] = {
    "EAST": {
        "BOLT-M8": "200000", "NUT-M8": "200000", "WASHER-M8": "400000", "DRILL-18V": "4000",
        "BATTERY-18V": "4000", "GLOVE-L": "20000", "TAPE-25": "20000", "HOSE-50": "2000",
        SCARCE: "4",
    },
    "WEST": {
        "BOLT-M8": "100000", "NUT-M8": "100000", "GLOVE-L": "20000", "LADDER-8": "2000",
        "VALVE-1": "20000", "TAPE-25": "10000", "HOSE-50": "2000", ALSO_SCARCE: "2",
    },
    "LAKE": {DROP_SHIPPED: "800"},
}  # fmt: skip
"""What is on hand at first. Ladders and valves are only in the west, drills only in the east."""

PRICES: list[Row] = [
    {"item": "BOLT-M8", "price_list": "CONTRACTOR", "currency": "USD", "price": "0.15"},
    {
        "item": "BOLT-M8",
        "price_list": "CONTRACTOR",
        "currency": "USD",
        "price": "0.12",
        "min_quantity": "1000",
    },
    {"item": "DRILL-18V", "customer": "C-ALDER", "currency": "USD", "price": "119.00"},
    {"item": "VALVE-1", "customer": "C-BIRCH", "currency": "USD", "price": "17.25"},
]

OPENING = "2026-01-02T08:00:00Z"
"""When the opening stock was counted; part of its movements' ids, so loading again is nothing."""


async def load(api: Api) -> int:
    """Send all of it; the number of rows. Raises `StackError` when a row is refused."""
    rows = [
        *({"kind": "company", **row} for row in COMPANIES),
        *({"kind": "location", **row} for row in LOCATIONS),
        *({"kind": "customer", **_given(row)} for row in CUSTOMERS),
        *({"kind": "item", **row} for row in ITEMS),
        *({"kind": "price", **row} for row in PRICES),
    ]
    await api.post("/master-data", {"rows": rows}, expect=(200, 201, 202))
    for location, items in STOCK.items():
        for item, quantity in items.items():
            await receive(api, item, location, Decimal(quantity), f"opening/{location}/{item}")
    return len(rows)


async def receive(
    api: Api, item: str, location: str, quantity: Decimal, movement_id: str, at: str = OPENING
) -> None:
    """Book a receipt, once per movement id."""
    await api.post(
        "/inventory/movements",
        {
            "movement_id": movement_id,
            "kind": "receipt",
            "item": item,
            "location": location,
            "quantity": f"{quantity:f}",
            "occurred_at": at,
        },
        expect=(200, 201, 202),
    )


def _given(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}

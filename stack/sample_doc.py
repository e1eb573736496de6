"""docs/sample-company.md, from what stack/sample.py sends."""

from collections.abc import Iterable, Iterator
from typing import Any

from stack import sample
from stack.places import ROOT
from stack.sample import Row

PAGE = ROOT / "docs" / "sample-company.md"

INTRODUCTION = """# The sample company

What `make up` and `throughline sample load` send to the API, as an integration would; loading it
again changes nothing. Generated from `stack/sample.py` by `throughline sample describe --write`.
"""
STOCK_NOTE = f"""
Counted {sample.OPENING}, in stock units. Each is a receipt whose `movement_id` is
`opening/LOCATION/ITEM`. {sample.SCARCE} and {sample.ALSO_SCARCE} are scarce: orders for more wait
for a receipt. Only the supplier has {sample.DROP_SHIPPED}. A kit is in stock as its parts.
"""
PRICES_NOTE = """
Where none of these fits, an item's own price is right. The narrowest price that fits wins: the
customer's own before its price list's, the largest minimum quantity that is reached.
"""


def page() -> str:
    """All of docs/sample-company.md."""
    return "\n".join(_parts())


def _parts() -> Iterator[str]:
    yield INTRODUCTION
    yield from _section("Companies", ("id", "name", "currency"), map(_plain, sample.COMPANIES))
    yield from _section(
        "Customers",
        (
            *("id", "name", "credit limit", "payment terms", "price list", "tax", "currency"),
            "address",
        ),
        map(_customer, sample.CUSTOMERS),
    )
    yield from _section(
        "Items",
        (
            *("id", "description", "stock unit", "other units", "kit of", "price", "tax code"),
            "weight (kg)",
        ),
        map(_item, sample.ITEMS),
    )
    yield from _section(
        "Locations",
        ("id", "name", "kind", "warehouse system", "transport system", "address"),
        map(_location, sample.LOCATIONS),
    )
    places = tuple(sample.STOCK)
    yield from _section("Opening stock", ("item", *places), _stock(places), note=STOCK_NOTE)
    yield from _section(
        "Prices", ("item", "for", "from quantity", "price"), map(_price, sample.PRICES), PRICES_NOTE
    )


def _section(
    title: str, columns: Iterable[str], rows: Iterable[Iterable[object]], note: str = ""
) -> Iterator[str]:
    names = list(columns)
    yield f"## {title}\n{note}"
    yield _line(names)
    yield _line("---" for _ in names)
    yield from map(_line, rows)
    yield ""


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _plain(row: Row) -> Iterable[object]:
    return row.values()


def _customer(row: Row) -> Iterable[object]:
    tax = "exempt" if row["tax_exempt"] else "taxed"
    return (
        *(row["id"], row["name"], row["credit_limit"], row["payment_terms"]),
        *(row["price_list"] or "", tax, row["currency"], _address(row["address"])),
    )


def _item(row: Row) -> Iterable[object]:
    units = ", ".join(f"{unit} = {count} {row['unit']}" for unit, count in row["units"].items())
    kit = ", ".join(f"{count} {item}" for item, count in row["kit"].items())
    price = f"{row['price']} {row['currency']}"
    return (
        *(row["id"], row["description"], row["unit"], units, kit, price, row["tax_code"]),
        row["weight"],
    )


def _location(row: Row) -> Iterable[object]:
    return (
        *(row["id"], row["name"], row["kind"], f"`{row['wms']}`", f"`{row['tms']}`"),
        _address(row["address"]),
    )


def _stock(places: Iterable[str]) -> Iterator[Iterable[object]]:
    for item in sample.ITEMS:
        held = (sample.STOCK[place].get(item["id"]) for place in places)
        yield item["id"], *(quantity or "" for quantity in held)


def _price(row: Row) -> Iterable[object]:
    whom = row["customer"] if "customer" in row else f"price list {row['price_list']}"
    return row["item"], whom, row.get("min_quantity", "1"), f"{row['price']} {row['currency']}"


def _address(address: dict[str, Any]) -> str:
    return "{line1}, {city}, {region} {postal_code}, {country}".format(**address)

"""docs/channels.md: its file is one the API takes, its table has every column there is."""

import re
from typing import get_args

from adapters.channels.csv_orders import COLUMNS, REQUIRED, read_orders
from api.imports import ImportedOrder
from domain.order_in import OrderIn
from stack.places import ROOT
from stack.sample import CUSTOMERS, ITEMS
from tests.docs.pages import blocks

PAGE = ROOT / "docs" / "channels.md"
SECTION = PAGE.read_text().partition("## CSV files")[2].partition("\n## ")[0]


def listed(*said: str) -> list[str]:
    """The names in those rows of a table of which one of these is said."""
    rows = [row.strip("|").split("|") for row in SECTION.splitlines() if row.startswith("| `")]
    cells = [first for first, second in rows if second.strip() in said]
    return re.findall(r"`(\w+)`", " ".join(cells))


def test_the_example_is_of_orders_without_an_error() -> None:
    (example,) = blocks(PAGE, "csv")

    drafts = read_orders(example.encode())

    assert [draft.wrong for draft in drafts] == [[], []]
    orders = [OrderIn.model_validate(draft.document("inside-sales")) for draft in drafts]
    assert [(order.reference, len(order.lines)) for order in orders] == [
        ("PHONE-1041", 2),
        ("PHONE-1042", 1),
    ]
    assert {order.customer for order in orders} <= {each["id"] for each in CUSTOMERS}
    assert {line.item for order in orders for line in order.lines} <= {each["id"] for each in ITEMS}


def test_every_column_is_in_the_table() -> None:
    must = listed("the order; must be there", "the line; must be there")
    others = listed("the order", "the line")

    assert sorted(must) == sorted(REQUIRED)
    assert sorted(must + others) == sorted(COLUMNS)


def test_every_status_is_in_the_table() -> None:
    statuses = re.findall(r"^\| `(\w+)` \| [^|]+ \|$", SECTION.partition("| status |")[2], re.M)

    assert statuses == [*get_args(ImportedOrder.model_fields["status"].annotation)]

"""Orders in a CSV file: a row per line, and the rows of one order share its reference.

Pure: it reads what came, and stores nothing. UTF-8, with or without a byte order mark; commas or
semicolons, whichever the header has; quoted as RFC 4180 says. Cells are text and stay text: blanks
around them go, and an empty one says nothing.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_ROWS = 10_000
LONGEST_SHOWN = 128
"""Characters of a cell that are shown again."""

ORDER: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("reference", "customer", "purchase_order", "currency")},
    **{
        f"ship_to_{name}": ("ship_to", name)
        for name in ("name", "line1", "line2", "city", "region", "postal_code", "country")
    },
    **{name: (name,) for name in ("requested_date", "ship_not_before", "cancel_after")},
    "fulfilment": ("fulfilment",),
    "payment_method": ("payment", "method"),
    "notes": ("notes",),
}
"""The columns that are the order's, and where in an order as JSON they go."""
LINE = ("line", "item", "customer_item", "quantity", "unit", "price", "price_unit", "discount")
"""The columns that are a line's, which has them by the same names."""
COLUMNS = (*ORDER, *LINE)
REQUIRED = (
    *("reference", "customer", "currency", "ship_to_line1", "ship_to_city", "ship_to_country"),
    *("item", "quantity"),
)
"""Without these there is no order. A place may have no region and no postal code."""

_COLUMN_AT = {"/" + "/".join(path): column for column, path in ORDER.items()} | {
    "/payment": "payment_method"
}
_COLUMN_OF_RULE = {
    "line_numbers_must_be_unique": "line",
    "cancel_after_lies_before_ship_not_before": "cancel_after",
}
_MOST_WRONG = 100
"""Of a header's, where it is no header at all."""
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Wrong:
    """A rule that a cell, a row or the whole file breaks. The header is in line 1."""

    line: int
    column: str | None
    rule: str
    detail: str


class Unreadable(Exception):
    """Nothing in the file can be used: why."""

    def __init__(self, *wrong: Wrong) -> None:
        super().__init__(wrong[0].detail)
        self.wrong = wrong


@dataclass(frozen=True)
class Row:
    """`line` is where it begins in the file; `cells` are those that say something."""

    line: int
    cells: Mapping[str, str]


@dataclass
class Draft:
    """What the rows of one reference say; without a reference it is no order."""

    reference: str
    rows: list[Row] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)

    def document(self, channel: str) -> dict[str, Any]:
        """The order as JSON would say it, unchecked: every value is text."""
        first = self.rows[0].cells
        document: dict[str, Any] = {
            "channel": channel,
            "ship_to": {"region": "", "postal_code": ""},
        }
        for column, (name, *inner) in ORDER.items():
            if column in first and inner:
                document.setdefault(name, {})[inner[0]] = first[column]
            elif column in first:
                document[name] = first[column]
        document["lines"] = [
            {name: row.cells[name] for name in LINE if name in row.cells} for row in self.rows
        ]
        return document

    def place(self, pointer: str, rule: str = "") -> tuple[int, str | None]:
        """Line and column of what a JSON pointer into `document` names, or a rule is about."""
        _, *steps = pointer.split("/")
        if steps[:1] == ["lines"] and len(steps) > 1:
            return self.rows[int(steps[1])].line, steps[2] if len(steps) > 2 else None
        column = _COLUMN_AT.get(pointer) or _COLUMN_OF_RULE.get(rule)
        return self._repeated() if column == "line" else self.rows[0].line, column

    def line_of(self, number: str) -> int:
        """Where in the file the order's line of that number is."""
        numbers = (row.cells.get("line") or str(n) for n, row in enumerate(self.rows, 1))
        return self.rows[list(numbers).index(number)].line

    def _repeated(self) -> int:
        """Where a line number comes for the second time."""
        seen: set[str] = set()
        for n, row in enumerate(self.rows, 1):
            number = row.cells.get("line") or str(n)
            if number in seen:
                return row.line
            seen.add(number)
        return self.rows[0].line


def read_orders(raw: bytes) -> list[Draft]:
    """The orders of a file, in its order. Raises `Unreadable`."""
    if raw.startswith(_UTF_16):
        raise Unreadable(Wrong(1, None, "unparsable", "The file is UTF-16: save it as UTF-8."))
    # What is no UTF-8 stays visible in its own cell: the others can be used.
    text = raw.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    records = _records(text)
    _, names = next(records, (1, []))
    columns = _columns(names)
    drafts: dict[str, Draft] = {}
    for count, (line, cells) in enumerate(records, 1):
        if count > MOST_ROWS:
            detail = f"The file has more than {MOST_ROWS} rows."
            raise Unreadable(Wrong(line, None, "too_many_rows", detail))
        row, wrong = _row(line, columns, cells)
        reference = row.cells.get("reference", "")
        draft = drafts.setdefault(reference, Draft(reference))
        draft.wrong += wrong
        if not reference:
            draft.wrong.append(Wrong(line, "reference", "missing", "It is no order's row."))
        elif draft.rows:
            draft.wrong += _differing(draft.rows[0], row)
        draft.rows.append(row)
    if not drafts:
        raise Unreadable(Wrong(1, None, "no_rows", "There is no row below the header."))
    return list(drafts.values())


def shown(text: str) -> str:
    """As much of a cell as may be told again."""
    text = _NO_TEXT.sub("\ufffd", text)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Where each record begins, and its cells. Those that say nothing at all are left out."""
    header = text.lstrip("\r\n").partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as why:
        # Where a quote is missing nobody knows what the rest of the file means.
        detail = f"The record that begins in line {line} cannot be read: {why}"
        raise Unreadable(Wrong(line, None, "unparsable", detail)) from None


def _columns(names: Sequence[str]) -> list[str]:
    """The header, checked. Raises `Unreadable`."""
    columns = [name.strip() for name in names]
    wrong = [
        Wrong(1, shown(name), "unknown_column", f"There is no column {shown(name)!r}.")
        for name in dict.fromkeys(columns)
        if name not in COLUMNS
    ]
    wrong += [
        Wrong(1, name, "duplicate_column", f"The column {name!r} is there more than once.")
        for name in COLUMNS
        if columns.count(name) > 1
    ]
    wrong += [
        Wrong(1, name, "missing_column", f"The column {name!r} is missing.")
        for name in REQUIRED
        if name not in columns
    ]
    if wrong:
        raise Unreadable(*wrong[:_MOST_WRONG])
    return columns


def _row(line: int, columns: Sequence[str], cells: Sequence[str]) -> tuple[Row, list[Wrong]]:
    wrong = []
    if len(cells) != len(columns):
        detail = f"The row has {len(cells)} cells, the header {len(columns)}."
        wrong.append(Wrong(line, None, "ragged_row", detail))
    said = {}
    for column, cell in zip(columns, cells, strict=False):
        text = _NO_TEXT.sub("\ufffd", cell).strip()
        if text:
            said[column] = text
        if _NO_TEXT.search(cell):
            wrong.append(Wrong(line, column, "text", "There is a NUL, or what is no UTF-8."))
    return Row(line, said), wrong


def _differing(first: Row, row: Row) -> Iterator[Wrong]:
    """What a later row says otherwise of the order than its first."""
    for column in ORDER:
        if row.cells.get(column, first.cells.get(column)) != first.cells.get(column):
            detail = f"Line {first.line} says otherwise of the same order."
            yield Wrong(row.line, column, "differs_within_order", detail)

"""Orders in a CSV file: what its rows say, and what is wrong with them and where."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import pytest

from adapters.channels.csv_orders import (
    COLUMNS,
    LONGEST_SHOWN,
    MOST_ROWS,
    REQUIRED,
    Draft,
    Unreadable,
    Wrong,
    read_orders,
    shown,
)
from domain.order_in import OrderIn

Cells = Mapping[str, str]
FIRST = {
    **{"reference": "PHONE-1", "customer": "ACME", "currency": "USD"},
    **{"ship_to_line1": "1 Mill Road", "ship_to_city": "Dayton", "ship_to_region": "OH"},
    **{"ship_to_postal_code": "45402", "ship_to_country": "US", "item": "BOLT-8", "quantity": "5"},
}
LATER = {"reference": "PHONE-1", "item": "NUT-8", "quantity": "2"}


def a_file(*rows: Cells, columns: tuple[str, ...] = COLUMNS, **how: Any) -> bytes:
    text = io.StringIO(newline="")
    written = csv.DictWriter(text, columns, restval="", **how)
    written.writeheader()
    written.writerows(rows)
    return text.getvalue().encode()


def only(raw: bytes) -> Draft:
    (draft,) = read_orders(raw)
    return draft


def refused(raw: bytes) -> list[tuple[int, str | None, str]]:
    with pytest.raises(Unreadable) as why:
        read_orders(raw)
    return told(why.value.wrong)


def told(wrong: Any) -> list[tuple[int, str | None, str]]:
    return [(each.line, each.column, each.rule) for each in wrong]


def test_the_rows_of_a_reference_are_one_order() -> None:
    other = FIRST | {"reference": "PHONE-2", "item": "WASHER"}

    first, second = read_orders(a_file(FIRST, other, LATER))

    order = OrderIn.model_validate(first.document("inside-sales"))
    assert [(line.item, str(line.quantity)) for line in order.lines] == [
        ("BOLT-8", "5"),
        ("NUT-8", "2"),
    ]
    assert (order.channel, order.reference, order.ship_to.city) == (
        *("inside-sales", "PHONE-1"),
        "Dayton",
    )
    assert (first.wrong, [row.line for row in first.rows]) == ([], [2, 4])
    assert (second.reference, [row.line for row in second.rows]) == ("PHONE-2", [3])


def test_every_column_has_its_place() -> None:
    everything = FIRST | {
        **{"purchase_order": "4711", "ship_to_name": "Dock 4", "ship_to_line2": "Rear"},
        **{"requested_date": "2030-03-05", "ship_not_before": "2030-03-01"},
        **{"cancel_after": "2030-04-01", "fulfilment": "complete", "payment_method": "prepaid"},
        **{"notes": "call first", "line": "10", "customer_item": "C-8", "unit": "CS"},
        **{"price": "1.25", "price_unit": "EA", "discount": "5"},
    }
    assert everything.keys() == {*COLUMNS}

    document = only(a_file(everything)).document("phone")

    assert OrderIn.model_validate(document).model_dump(mode="json", exclude_defaults=True) == {
        **{"channel": "phone", "reference": "PHONE-1", "customer": "ACME", "currency": "USD"},
        **{"purchase_order": "4711", "fulfilment": "complete", "notes": "call first"},
        "ship_to": {
            **{"name": "Dock 4", "line1": "1 Mill Road", "line2": "Rear", "city": "Dayton"},
            **{"region": "OH", "postal_code": "45402", "country": "US"},
        },
        **{"requested_date": "2030-03-05", "ship_not_before": "2030-03-01"},
        **{"cancel_after": "2030-04-01", "payment": {"method": "prepaid"}},
        "lines": [
            {
                **{"line": "10", "item": "BOLT-8", "customer_item": "C-8", "quantity": "5"},
                **{"unit": "CS", "price": "1.25", "price_unit": "EA", "discount": "5"},
            }
        ],
    }


@pytest.mark.parametrize(
    "raw",
    [
        a_file(FIRST, LATER),
        b"\xef\xbb\xbf" + a_file(FIRST, LATER),
        a_file(FIRST, LATER, delimiter=";"),
        a_file(FIRST, LATER, lineterminator="\n"),
        a_file(FIRST, LATER, lineterminator="\r"),
        a_file(FIRST, LATER, quoting=csv.QUOTE_ALL),
        a_file(FIRST, LATER, columns=COLUMNS[::-1]),
        a_file(FIRST, LATER, columns=tuple(FIRST)),
        a_file(FIRST, LATER).rstrip(),
        b"\r\n" + a_file(FIRST, {}, LATER) + b" , ,\r\n\r\n",
        a_file({name: f" {cell}\t" for name, cell in FIRST.items()}, LATER),
    ],
    ids=[
        *("as it is", "BOM", "semicolons", "LF", "CR", "quoted", "backwards", "few columns"),
        *("no last line end", "blank lines", "blanks"),
    ],
)
def test_however_it_is_written_it_is_the_same(raw: bytes) -> None:
    draft = only(raw)

    assert draft.document("x") == only(a_file(FIRST, LATER)).document("x")
    assert draft.wrong == []


def test_a_quoted_cell_has_what_it_has() -> None:
    notes = 'two\r\nlines, a ";" and "quotes"'
    draft = only(a_file(FIRST | {"notes": notes}, LATER))

    assert draft.document("x")["notes"] == notes
    assert [row.line for row in draft.rows] == [2, 4]


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+1", "-1", "=HYPERLINK(A1)", "007", "1E5"])
def test_a_cell_is_text_whatever_it_looks_like(text: str) -> None:
    draft = only(a_file(FIRST | {"item": text, "notes": text}))

    assert draft.document("x")["lines"][0]["item"] == text
    assert draft.document("x")["notes"] == text


@pytest.mark.parametrize(
    ("header", "wrong"),
    [
        (",".join(REQUIRED), [(1, None, "no_rows")]),
        (",".join((*REQUIRED, "colour")), [(1, "colour", "unknown_column")]),
        (",".join((*REQUIRED, "")), [(1, "", "unknown_column")]),
        (",".join((*REQUIRED, "notes", "item", "item")), [(1, "item", "duplicate_column")]),
        (",".join(REQUIRED[1:]), [(1, "reference", "missing_column")]),
        ("", [(1, name, "missing_column") for name in COLUMNS if name in REQUIRED]),
        ('{"channel": "web"}', [(1, '{"channel": "web"}', "unknown_column")]),
        ('"reference', [(1, None, "unparsable")]),
        ('"reference"x', [(1, None, "unparsable")]),
    ],
)
def test_a_header_that_is_none_says_why(header: str, wrong: list[tuple[int, str, str]]) -> None:
    assert refused(header.encode())[: len(wrong)] == wrong


def test_a_file_of_another_kind_says_so() -> None:
    assert refused(a_file(FIRST).decode().encode("utf-16")) == [(1, None, "unparsable")]
    assert {rule for _, _, rule in refused(b"PK\x03\x04\0\xff" * 50)} == {
        *("unknown_column", "missing_column"),
    }
    assert len(refused(",".join(f"c{n}" for n in range(5000)).encode())) == 100


def test_a_missing_quote_says_where_it_began() -> None:
    raw = a_file(FIRST, LATER) + b'PHONE-3,"ACME\r\nPHONE-4,ACME\r\n'

    assert refused(raw) == [(4, None, "unparsable")]


def test_as_many_rows_as_may_be() -> None:
    def many(count: int) -> bytes:
        rows = (f"R{n},ACME,USD,1 Mill Road,Dayton,US,BOLT-8,5" for n in range(count))
        return "\n".join((",".join(REQUIRED), *rows)).encode()

    assert len(read_orders(many(MOST_ROWS))) == MOST_ROWS
    assert refused(many(MOST_ROWS + 1)) == [(MOST_ROWS + 2, None, "too_many_rows")]


def test_a_later_row_may_say_the_same_or_nothing() -> None:
    same = FIRST | LATER
    differing = LATER | {"customer": "OTHER", "notes": "unsaid before"}

    assert only(a_file(FIRST, same, LATER)).wrong == []
    assert told(only(a_file(FIRST, LATER, differing)).wrong) == [
        (4, "customer", "differs_within_order"),
        (4, "notes", "differs_within_order"),
    ]


def test_rows_without_a_reference_are_no_order() -> None:
    nobodys = {name: cell for name, cell in FIRST.items() if name != "reference"}

    first, lost = read_orders(a_file(FIRST, nobodys, nobodys | {"customer": "OTHER"}))

    assert (first.wrong, lost.reference) == ([], "")
    assert told(lost.wrong) == [(3, "reference", "missing"), (4, "reference", "missing")]


@pytest.mark.parametrize("row", ["PHONE-1,ACME", "PHONE-1," + "x," * 40])
def test_a_ragged_row_is_its_orders_matter(row: str) -> None:
    other = FIRST | {"reference": "PHONE-2"}

    first, second = read_orders(a_file(FIRST, other) + row.encode())

    assert told(first.wrong)[0] == (4, None, "ragged_row")
    assert second.wrong == []


@pytest.mark.parametrize("cell", [b"a\0b", b"Z\xfcrich", b"\xed\xa0\x80", b"\xff\xfe"])
def test_what_is_no_text_is_told_of_its_cell(cell: bytes) -> None:
    raw = a_file(FIRST | {"ship_to_city": "HERE"}, FIRST | {"reference": "PHONE-2"})

    first, second = read_orders(raw.replace(b"HERE", cell))

    assert told(first.wrong) == [(2, "ship_to_city", "text")]
    assert first.document("x")["ship_to"]["city"].encode()  # no half character is left in it
    assert second.wrong == []


def test_a_pointer_is_a_line_and_a_column() -> None:
    draft = only(a_file(FIRST | {"line": "2"}, LATER, LATER | {"line": "5"}))

    assert draft.place("/ship_to/city") == (2, "ship_to_city")
    assert draft.place("/payment/method") == draft.place("/payment") == (2, "payment_method")
    assert draft.place("/lines/2/quantity") == (4, "quantity")
    assert draft.place("/lines") == draft.place("") == (2, None)
    assert draft.place("", "line_numbers_must_be_unique") == (3, "line")
    assert draft.place("", "cancel_after_lies_before_ship_not_before") == (2, "cancel_after")
    assert draft.line_of("5") == 4


def test_no_more_of_a_cell_is_shown_than_one_reads() -> None:
    assert shown("as it is") == "as it is"
    assert shown("a\0\udcff") == "a\ufffd\ufffd"
    assert shown("x" * 10_000) == "x" * (LONGEST_SHOWN - 1) + "…"
    wrong = Unreadable(Wrong(1, None, "rule", "first"), Wrong(1, None, "rule", "second"))
    assert str(wrong) == "first"

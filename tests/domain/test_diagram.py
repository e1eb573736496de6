"""The documentation is the tables the code goes by, all of them and nothing else."""

import re
from collections import Counter
from pathlib import Path

from domain.diagram import (
    MEANING,
    WHAT,
    holds_table,
    lifecycle,
    state_diagram,
    status_table,
    steps_table,
)
from domain.effect import Step
from domain.hold import OWNERS
from domain.status import AFTER_SHIPPING, BEFORE_SHIPPING, PRECEDENCE, TRANSITIONS, Status

DOCS = Path(__file__).parents[2] / "docs"


def test_the_diagram_says_exactly_what_the_transitions_say() -> None:
    groups = {"before_shipping": BEFORE_SHIPPING, "after_shipping": AFTER_SHIPPING}
    drawn: dict[Status, set[Status]] = {status: set() for status in TRANSITIONS}
    for inside in groups.values():
        for status in inside:
            drawn[status] |= inside
    for before, after in re.findall(r"^    (\w+) --> (\w+)$", state_diagram(), re.MULTILINE):
        for status in groups.get(before) or {Status(before)}:
            drawn[status] |= groups.get(after) or {Status(after)}
    assert {status: drawn[status] | {status} for status in drawn} == {
        status: {*following, status} for status, following in TRANSITIONS.items()
    }


def test_every_status_step_and_reason_is_explained() -> None:
    assert set(MEANING) == set(Status)
    assert set(WHAT) == set(Step)
    assert len(status_table().splitlines()) == len(PRECEDENCE) + 2
    assert len(steps_table().splitlines()) == len(Step) + 2
    assert len(holds_table().splitlines()) == len(OWNERS) + 2
    assert all(f"`{reason}`" in lifecycle() for reason in OWNERS)


def test_what_waits_for_what_is_in_the_table() -> None:
    rows = {line.split("|")[1].strip(): line for line in steps_table().splitlines()}
    assert "| confirm of the same, tax of the same |  | goes on |" in rows["`invoice`"]
    assert "| capture, estimate, credit, authorise, stock | release | yes |" in rows["`erp`"]


def test_the_written_page_begins_with_it() -> None:
    """The rest of the page, and what writes it: tests/docs/test_generated.py."""
    assert (DOCS / "lifecycle.md").read_text().startswith(lifecycle())


def test_the_glossary_gives_each_term_one_meaning() -> None:
    rows = re.findall(r"^\| \*\*([^*]+)\*\* \|", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    terms = Counter(term for row in rows for term in row.split(", "))
    assert [term for term, count in terms.items() if count > 1] == []
    assert terms.keys() >= {"allocate", "reserve", "release", "generation", "standing", "hold"}

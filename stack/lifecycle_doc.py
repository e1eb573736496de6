"""`throughline docs lifecycle`: docs/lifecycle.md, from what the code and the tests go by.

Statuses, steps and holds come from domain/, the paths from the tables of tests/replay, which are
read as text: nothing that runs depends on tests.
"""

import ast
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.diagram import lifecycle
from stack.console import failures_told, report
from stack.places import ROOT, StackError

PAGE = ROOT / "docs" / "lifecycle.md"
REPLAY = Path("tests") / "replay"

ANSWERS: Sequence[tuple[str, str, str]] = (
    ("no JSON", "400 `unparsable`", "nothing is stored"),
    ("another schema; a quantity of zero, below zero, of a thousand millions or more, or with more"
     " than six decimals; an unknown currency", "422, each broken rule with its pointer",
     "nothing is stored"),
    ("an order of more than 500 lines or 256 KiB as JSON, 4000 characters of notes, 50 attributes"
     " or ten payment extras; an attribute or extra that is no scalar, or text of more than 500 (an"
     " extra 200) characters", "422, each broken rule with its pointer", "nothing is stored"),
    ("more than 5 MB", "413 `too_large`", "nothing is stored"),
    ("an order in order", "202", "stored; `received` until its workflow has recorded more"),
    ("unknown customer, item or unit; a price off contract; not the customer's currency", "202",
     "held: `unknown_customer`, `unknown_item`, `unknown_unit`, `price_mismatch`,"
     " `currency_mismatch`"),
    ("the same Idempotency-Key with the same body", "the first answer: its status and what it said",
     "stored once"),
    ("the same Idempotency-Key with another body", "422 `idempotency_key_reused`", "not stored"),
    ("the same channel and reference with the same content", "200, the first order",
     "stored once"),
    ("the same channel and reference with other content", "409 `conflicting_reference`",
     "a dead letter `conflicting_reference`"),
    ("the same customer, ship-to and lines within a day under another reference", "202",
     "held: `suspected_duplicate`, naming the other order"),
    ("a milestone for an order nobody placed", "202",
     "waits; after 24 hours a dead letter `unknown_order`"),
    ("a milestone's id again, with the same content", "200 `repeat`", "counted once"),
    ("a milestone's id again, with other content", "409 `conflicting_content`",
     "a dead letter `conflicting_content`"),
    ("a milestone ahead of its order", "202",
     "its goods move stock as soon as it is known what they are"),
    ("`delivered` of a shipment that nobody has told of yet", "202",
     "kept, and waited for; it counts once that shipment is told"),
    ("a delivery exception that names no shipment", "202",
     "held: `delivery_exception`, each shipment of that warehouse that is under way"),
    ("less picked than was asked for, as `final`", "202", "what is missing is sourced elsewhere or"
     " backordered; it is not asked for there again until goods come there or are counted, or"
     " somebody has the order planned anew"),
    ("the same, of an order that is not `partial`, and no other source has it", "202",
     "held: `unavailable_inventory`, naming what is missing. The warehouse may ship what it found:"
     " cancelling recalls it, releasing the hold lets it leave in parts"),
    ("more shipped than was asked for", "202", "booked, and held: `overshipped`"),
    ("anything for a closed order", "202", "the order reopens"),
    ("a message an order cannot make sense of", "202", "a dead letter `not_understood`"),
    ("a command for an order that is not there", "404", "not stored"),
    ("an amendment that changes nothing; a line named twice; a restocking percentage above 100;"
     " `per_unit` that does not go with the credit's reason; a payment of nothing or in another"
     " currency than the order's", "422, each broken rule with its pointer", "not stored"),
    ("a hold on a line or fulfilment that the order does not have", "202; the command is refused:"
     " `unknown_scope`", "nothing is held"),
    ("the line that an order is held for is cancelled", "202",
     "its hold ends; the rest of the order goes on"),
    ("an amendment below what has shipped", "202; the command is refused: `below_shipped`",
     "nothing of the amendment is done"),
    ("a return of more than was shipped", "202; the command is refused: `more_than_shipped`",
     "nothing is authorised"),
    ("a return of a line the order does not have, as of another order's", "202; the command is"
     " refused: `unknown_line`", "nothing is authorised"),
    ("a return of the same goods twice", "202; the second command is refused: `more_than_shipped`",
     "authorised once"),
    ("the same goods reported as returned twice, under two ids", "202, 202",
     "booked, credited once, and held: `overreturned`"),
    ("a return agreed to without a last day", "202", "waited for for 90 days; what comes later is"
     " held: `return_expired`"),
    ("goods back at another place than they left, or after rates have changed", "202", "the tax"
     " that was charged is given back, by the place and day of the sale; with the last of a line"
     " all that is left of it"),
    ("goods received in time and inspected after the return's last day", "202", "credited"),
    ("credit for more than was invoiced, freight included, more than its price, or more than was"
     " in the shipment it names", "202; the command is refused:"
     " `more_than_invoiced`", "nothing is credited"),
    ("a parcel delivered after it was credited as lost", "202", "held: `delivery_exception`, until"
     " it is billed again or claimed back"),
    ("a quote accepted after it has expired", "202; the command is refused: `expired`",
     "the quote stays expired"),
    ("a quote accepted in time, and heard by its order after it has expired", "202",
     "it is an order: what counts is when the acceptance was stored"),
    ("one hold released by two people", "202, 202; the second command is refused:"
     " `already_released`, by whom", "released once"),
    ("a receipt of a payment again", "202; the command is refused: `known_receipt`",
     "counted once"),
    ("a shop's order whose payment is only authorised, or came in in part", "202", "waits for"
     " `payment`: nothing is released before the rest is noted"),
    ("a payment for an order on account", "202", "its invoices use so much less of the credit line,"
     " never less than none; what is paid beyond them counts against the order's next ones"),
    ("a payment noted for an order by card", "202; the command is refused: `paid_by_card`",
     "the gateway's word counts"),
    ("an invoice confirmed twice by the ERP", "202, then 200 `repeat` under the same id, 202 under"
     " another one", "posted once: the first confirmation counts"),
    ("a payment declined after the shipment", "202",
     "held: `payment_declined`; the goods stay shipped, the invoice stands"),
    ("no key, or an unknown one", "401", ""),
    ("a key without the scope, or bound to somebody else", "403", ""),
    ("another order than the key is bound to", "404", ""),
    ("more requests than the key may make", "429 with Retry-After", ""),
    ("an If-Match that is not the revision, or while another command for the order waits",
     "412 `stale_revision`", "not stored"),
    ("anything while PostgreSQL is away", "503 with Retry-After", "not stored: to be sent again"),
)  # fmt: skip
"""What came in, what is answered, what becomes of it."""

_MORE = """
## What comes in, and what is answered

| what comes in | answer | what becomes of it |
| --- | --- | --- |
{answers}

## Paths

Each is played on real servers until all books agree (`tests/workflows/test_paths.py`), undisturbed
and disturbed, and must end as it ended before (`tests/replay/endings`). Each has a recorded history
that today's code must replay (`tests/replay/histories`). [Changing a
workflow](changing-a-workflow.md) says how they are recorded.

| path | | ends | held on the way | history |
| --- | --- | --- | --- | --- |
{paths}
"""

app = typer.Typer(help="Documentation that is generated.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keeps `lifecycle` a word of its own while it is the only command."""


@app.command("lifecycle")
def write_lifecycle(
    write: Annotated[bool, typer.Option("--write", help="Into docs/lifecycle.md.")] = False,
) -> None:
    """Print the page, or write it where it belongs."""
    with failures_told():
        text = page()
    if write:
        PAGE.write_text(text)
        report(f"{PAGE.relative_to(ROOT)} is current.")
    else:
        print(text, end="")


def page(root: Path = ROOT) -> str:
    """All of docs/lifecycle.md. Raises `StackError` where there are no tests."""
    answers = "\n".join(f"| {' | '.join(row)} |" for row in ANSWERS)
    paths = "\n".join(_rows(root / REPLAY))
    return lifecycle() + _MORE.format(answers=answers, paths=paths)


def paths(folder: Path) -> dict[str, str]:
    """The paths of the table in paths.py, and what each one's play says of it."""
    said: dict[str, str] = {}
    for file in ("plays.py", "lives.py", "afterlives.py", "trouble.py"):
        for node in _parsed(folder / file).body:
            if isinstance(node, ast.AsyncFunctionDef):
                said[node.name] = (ast.get_docstring(node) or "").split("\n\n")[0]
    table = _parsed(folder / "paths.py")
    named = (node for node in ast.walk(table) if isinstance(node, ast.Attribute))
    names = [node.attr for node in sorted(named, key=lambda node: node.lineno)]
    return {name: " ".join(said[name].split()) for name in names if name in said}


def _rows(folder: Path) -> Iterator[str]:
    for name, words in paths(folder).items():
        ending = _ending(folder / "endings" / f"{name}.json")
        holds = {f"`{hold.split()[0]}`" for hold in ending.get("holds", ())}
        cells = (
            name.replace("_", " "),
            words,
            ending.get("status", ""),
            ", ".join(sorted(holds)),
            ", ".join(_histories(folder / "histories", name)),
        )
        yield f"| {' | '.join(cells)} |"


def _histories(folder: Path, name: str) -> Iterable[str]:
    """A link for each version that has recorded it."""
    for file in sorted(folder.glob(f"*/{name}.json")):
        version = file.parent.name
        yield f"[{version}](../{REPLAY}/histories/{version}/{name}.json)"


def _ending(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def _parsed(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_text())
    except OSError as missing:
        raise StackError(f"The paths are read from the tests of a checkout: {missing}") from None

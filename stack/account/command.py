"""`throughline account stock|money|messages`: the differences between books, of which there are
none; exits with 1 when there is one.
"""

from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from stack import run_file
from stack.account import messages, money, stock
from stack.account.books import Account, Books, open_books
from stack.console import failures_told, print_json, report


class Law(StrEnum):
    STOCK = "stock"
    MONEY = "money"
    MESSAGES = "messages"


ACCOUNTS: dict[Law, Callable[[Books], Account]] = {
    Law.STOCK: stock.account,
    Law.MONEY: money.account,
    Law.MESSAGES: messages.account,
}


def account(
    law: Annotated[Law, typer.Argument(help="Which books to compare.")],
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Hold independent books against each other; 0 differences is the right answer."""
    with failures_told(), open_books(run_file.read()) as books:
        found = ACCOUNTS[law](books)
    if json_:
        print_json(asdict(found))
    else:
        print(f"{found.name}: {len(found.differences)} differences in {found.checked} comparisons")
        for each in found.differences[:50]:
            report(f"  {each.what}: {each.expected} expected, {each.found} found")
    if found.differences:
        raise typer.Exit(1)

"""Money that was paid on account, and freight that was credited, in the comparison of the books."""

from decimal import Decimal
from typing import Any, cast

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.amounts import credit_note, invoice
from domain.effect import Step
from domain.message import CreditGranted, MilestoneKind, PaymentReceived
from domain.order import Order
from stack.account import money
from stack.account.books import Books, Entry, Kept
from tests.domain.build import captured, goal, going_on, placed, say, tell


class Answers(list[tuple[Any, ...]]):
    def fetchall(self) -> list[tuple[Any, ...]]:
        return self


class Database:
    """What ours says of the order: what it uses of its credit, and what was noted as paid."""

    def __init__(self, order: Order) -> None:
        claim = order.standing(Step.CREDIT, "acme")
        used = claim.get("open", Decimal(0)), claim.get("invoiced", Decimal(0))
        self.rows = {
            money.CLAIMS: Answers([(order.id, *used)]),
            money.RECEIPTS: Answers([(order.id, order.paid)]),
            money.ACCOUNTS: Answers(),
        }

    def execute(self, query: str) -> Answers:
        return self.rows[query]


def entries(order: Order) -> dict[str, list[Entry]]:
    """What the systems' own books say of it, amounts as they were billed."""
    amounts = {f"invoice/{each.id}": invoice(order, each).total for each in order.shipments}
    amounts |= {f"credit_note/{each.id}": credit_note(order, each).total for each in order.returns}
    return {
        order.key(effect): [
            {"amount": str(amounts.get(name, 0)), "lines": {n: str(q) for n, q in goal.items()}}
        ]
        for name, effect in order.effects.items()
        if (goal := effect.standing)
    }


@pytest.mark.parametrize(("paid", "left"), [("0", "7.01"), ("3", "4.01"), ("50", None)])
def test_what_was_paid_on_account_is_no_receivable(paid: str, left: str | None) -> None:
    order = going_on(captured(placed({"1": 5}, freight="7")))
    say(order, MilestoneKind.SHIPPED, goal(_1=5))
    going_on(order)
    lost = CreditGranted.model_validate(
        {"id": "c", "reason": "lost", "lines": {"1": 3}, "freight": "2"}
    )
    assert tell(order, lost) == "done"
    if paid != "0":
        tell(order, PaymentReceived(id="p", receipt="R-1", amount=Decimal(paid)))
    going_on(order)
    assert order.standing(Step.CREDIT, "acme") == ({"invoiced": Decimal(left)} if left else {})

    database = cast("Connection[TupleRow]", Database(order))
    books = Books(database, {order.id: Kept(order, True, b"")}, {}, entries(order))
    assert money.account(books).differences == []

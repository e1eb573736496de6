"""The demo: a day that ends well, books that agree, and a comparison that notices."""

import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from domain.effect import Step
from stack.account import messages, money, stock
from stack.account.books import Books, open_books, orders_in
from stack.account.command import ACCOUNTS, Law
from stack.demo.chaos import some_fault
from stack.demo.command import was_replaced
from stack.demo.sabotage import Book, alter_one
from stack.demo.stories import KINDS
from stack.services import SIMULATORS
from stack.simulators.faults import LATER, Fault, Kind
from tests.stack.days import ORDERS, folder, run_of, throughline

SPOILT = {Book.STOCK: Law.STOCK, Book.MONEY: Law.MONEY, Book.MESSAGE: Law.MESSAGES}
"""Which account must notice that a book was altered."""


def summary(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data / "demo" / "summary.json").read_text())
    return found


def checks(data: Path) -> Mapping[str, bool]:
    return {check["name"]: check["ok"] for check in summary(data)["checks"]}


def test_a_day_is_told_in_a_summary_of_the_fixed_shape(day: Path) -> None:
    found = summary(day)

    assert found.keys() == {"ok", "orders", "checks", "seconds", "told", "kpis"}
    assert found["ok"] is True
    assert found["seconds"] > 0
    assert all(check.keys() == {"name", "ok", "detail"} for check in found["checks"])
    assert [check for check in found["checks"] if not check["ok"]] == []
    assert {f"{law} conserved" for law in Law} < {check["name"] for check in found["checks"]}


def test_there_is_a_story_of_each_kind_and_every_order_ends(day: Path) -> None:
    found = summary(day)

    assert found["orders"].keys() == {"closed", "cancelled"}
    assert sum(found["orders"].values()) == ORDERS + 2  # two stories send a second order
    assert Counter(each["status"] for each in found["told"]) == found["orders"]
    assert {each["story"] for each in found["told"]} == {kind.name for kind in KINDS}
    assert {each["channel"] for each in found["told"]} == {"portal", "sales", "shopify"}


@pytest.mark.parametrize(
    ("story", "words"),
    [
        ("backordered", "waited for stock"),
        ("by card", "left EAST"),
        ("carrier outage", "tms-2 was away, then back"),
        ("carrier refuses", "carried by tms-2"),
        ("credit hold released", "held: credit limit; hold released; left WEST"),
        ("credit without return", "credited 15.00"),
        ("drop-ship", "left LAKE"),
        ("exchange", "came back to WEST"),
        ("late return", "came back to EAST"),
        ("lost parcel", "held: lost parcel; lost on its way"),
        ("over the credit limit", "cancelled"),
        ("prepaid", "paid 337.51"),
        ("quote accepted", "quoted, accepted"),
        ("return with a fee", "return agreed"),
        ("short pick", "EAST found 4 of 6"),
    ],
)
def test_what_happened_is_said_of_each(day: Path, story: str, words: str) -> None:
    told = [each["happened"] for each in summary(day)["told"] if each["story"] == story]

    assert words in told[0]


def test_the_key_figures_are_those_of_the_day(day: Path) -> None:
    found = summary(day)["kpis"]

    assert found["orders"] == ORDERS + 2
    assert found["failed_transactions"]["count"] == 0
    assert 0 < found["inventory_sync_delay"]["p90"] < 3600  # not since the opening stock


def test_its_books_agree_and_say_so_by_their_status(day: Path) -> None:
    for law in Law:
        done = throughline(day, "account", law, "--json")

        assert done.returncode == 0, done.stdout
        found = json.loads(done.stdout)
        assert found["differences"] == []
        assert found["checked"] >= ORDERS


@pytest.mark.parametrize("book", Book)
def test_the_account_of_an_altered_book_fails_and_no_other(day: Path, book: Book) -> None:
    with (
        open_books(run_of(day)) as books,
        books.database.transaction(force_rollback=True),
    ):
        alter_one(books.database, book)
        spoilt = {law for law, account in ACCOUNTS.items() if account(books).differences}

    assert spoilt == {SPOILT[book]}


MONEY_ALTERED = {
    "a payment": """
        update inbox set body = jsonb_set(body, '{amount}', '"1.00"') where kind = 'payment'
    """,
    "a restocking fee": """
        update orders set state = jsonb_set(state, '{returns,0,restocking}', '"14"')
        where state #>> '{returns,0,restocking}' = '15'
    """,
    "credit without goods": """
        update orders set state = jsonb_set(state, '{returns,0,per_unit,1}', '"1.26"')
        where state #>> '{returns,0,kind}' = 'allowance'
    """,
    "a kit's price": """
        update orders set state = jsonb_set(state, '{terms,lines,1.1,price}', '"1.00"')
        where state #> '{terms,lines,1.1}' is not null
    """,
}


@pytest.mark.parametrize("altered", MONEY_ALTERED)
def test_the_account_of_money_notices(day: Path, altered: str) -> None:
    with (
        open_books(run_of(day)) as books,
        books.database.transaction(force_rollback=True),
    ):
        found = books.database.execute(MONEY_ALTERED[altered])
        assert found.rowcount > 0
        spoilt = replace(books, orders=orders_in(books.database))

        assert money.account(spoilt).differences
        assert not stock.account(spoilt).differences


def done_again(books: Books, step: Step) -> tuple[Books, str]:
    """The books, had one such effect been made a second time, and the key of its first time. Of
    those there are, the one that is about most: no tax may be due where an order is exempt.
    """
    _, order, effect = max(
        (
            (abs(books.amount(kept.order.key(effect))), kept.order, effect)
            for kept in books.settled
            for effect in kept.order.effects_of(step)
            if effect.standing
        ),
        key=lambda found: found[0],
    )
    first = order.key(effect)
    effect.end_generation()
    again = order.key(effect)
    told = [{**entry, "key": again} for entry in books.by_key[first]]
    return replace(books, by_key={**books.by_key, again: told}), first


WITH_MONEY = (Step.CONFIRM, Step.TAX, Step.INVOICE, Step.COLLECT, Step.RETURN_TAX, Step.CREDIT_NOTE)


@pytest.mark.parametrize("step", [Step.ERP, *WITH_MONEY])
def test_what_still_stands_beside_its_second_time_is_a_difference(day: Path, step: Step) -> None:
    with open_books(run_of(day)) as books:
        twice, first = done_again(books, step)

        assert [each.what for each in messages.account(twice).differences] == [
            f"{first}: stands beside a later one"
        ]
        assert bool(money.account(twice).differences) is (step in WITH_MONEY)

        undone = {"key": first, "lines": {}, "amount": "0"}
        by_key = {**twice.by_key, first: [*twice.by_key[first], undone]}
        for account in ACCOUNTS.values():
            assert not account(replace(twice, by_key=by_key)).differences


def test_an_earlier_booking_stands_for_goods_that_left(day: Path) -> None:
    with open_books(run_of(day)) as books:
        booked, key = done_again(books, Step.BOOK)
        order = booked.orders[key.partition("/")[0]].order

        [difference] = messages.account(booked).differences
        assert "more bookings than releases" in difference.what

        for release in order.effects_of(Step.RELEASE):
            release.end_generation()
            release.standing = {}
        assert not messages.account(booked).differences


@pytest.mark.parametrize(
    "book",
    [
        Book.MONEY,
        pytest.param(Book.STOCK, marks=pytest.mark.nightly),
        pytest.param(Book.MESSAGE, marks=pytest.mark.nightly),
    ],
)
def test_a_day_with_an_altered_book_ends_with_one(book: Book) -> None:
    with folder() as data:
        done = throughline(data, "demo", "--orders", "1", "--no-rebuild", "--sabotage", book)

        assert done.returncode == 1, done.stderr
        assert summary(data)["ok"] is False
        failed = {name for name, ok in checks(data).items() if not ok}
        assert failed == {f"{SPOILT[book]} conserved"}


@pytest.mark.parametrize(
    ("opened", "rebuilt", "ok"), [(35, 35, True), (35, 0, False), (0, 0, True), (1, 2, True)]
)
def test_an_engine_into_which_nothing_was_rebuilt_is_not_replaced(
    opened: int, rebuilt: int, ok: bool
) -> None:
    _, said, told = was_replaced(opened, rebuilt)

    assert said is ok
    assert f"{rebuilt} open orders" in told or f"none of {opened}" in told


@pytest.mark.parametrize("system", SIMULATORS)
def test_chaos_throws_whatever_changes_no_order_s_end(system: str) -> None:
    lots = random.Random(1)
    thrown = [Fault.model_validate(some_fault(system, lots)) for _ in range(300)]

    decisions = {"refuse", *LATER}
    late = {"pending"} if system.startswith("wms-") else set()
    assert {fault.fault for fault in thrown} == set(get_args(Kind)) - decisions - late
    for fault in thrown:
        assert (fault.answer_after_seconds is not None) is (fault.fault == "pending")


ALONE_BY_NIGHT = (pytest.mark.nightly, pytest.mark.alone)
"""Minutes with both cores busy: what else ran beside would come too late."""
SEEDS = [
    pytest.param(12, 1, id="a dozen orders"),
    *(
        pytest.param(300, seed, id=f"three hundred, seed {seed}", marks=ALONE_BY_NIGHT)
        for seed in range(1, 6)
    ),
]


@pytest.mark.parametrize(("orders", "seed"), SEEDS)
def test_chaos_costs_nothing_but_time(orders: int, seed: int) -> None:
    with folder() as data:
        done = throughline(
            data, "demo", "--orders", str(orders), "--chaos", str(seed), patience=300 + 10 * orders
        )

        assert done.returncode == 0, done.stdout + done.stderr
        found = summary(data)
        assert found["ok"] is True
        assert sum(found["kills"].values()) > 0
        assert sum(found["faults"].values()) > 0


def test_nobody_else_runs_where_a_stack_runs(day: Path) -> None:
    """Not a second day in the same folder: it would begin by emptying it."""
    done = throughline(day, "demo", "--orders", "1")

    assert done.returncode == 1
    assert "already runs" in done.stderr
    assert summary(day)["ok"] is True

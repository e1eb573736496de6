"""Stock and credit as the database keeps them, whatever is said at the same time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal

import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.postgres import statement
from domain.answer import Done, Refused
from domain.errors import Replaced
from tests.postgres.books import Books

AT_ONCE = 8
"""Fewer statements than the pool has connections."""


@pytest.fixture
async def books(pool: AsyncConnectionPool) -> AsyncIterator[Books]:
    """Ten BOLT at EAST; afterwards every chain of movements fits, and every reservation is
    somebody's."""
    opened = Books(pool)
    await opened.fill()
    await opened.move("receipt", 10)
    yield opened
    assert await opened.proof() == []


# claims


async def test_a_repeated_claim_changes_nothing(books: Books) -> None:
    await books.place("A")

    first, again = await books.claim("A", {"1": 4}), await books.claim("A", {"1": 4})

    assert first == again == Done(standing={"1/EAST": Decimal(4)})
    assert await books.position() == (10, 4)
    assert len(await books.ledger.movements(order_id="A")) == 1


async def test_a_claim_is_all_or_nothing_and_a_refusal_says_what_stands(books: Books) -> None:
    await books.place("A")
    await books.claim("A", {"1": 4})

    answer = await books.claim("A", {"1": 11}, n=2)

    assert isinstance(answer, Refused)
    assert answer.standing == {"1/EAST": Decimal(4)}
    assert answer.offers == {"EAST": {"BOLT": Decimal(6)}}
    assert await books.position() == (10, 4)


async def test_what_is_claimed_no_more_can_be_had_by_others(books: Books) -> None:
    await books.place("A", "B")
    await books.claim("A", {"1": 10})
    await books.want("B", 3)

    await books.claim("A", {"1": 0}, n=2)

    assert await books.position() == (10, 0)
    [told] = await books.heard("B", "stock_arrived")
    assert told["available"] == "10"


async def test_who_waits_is_told_when_goods_last_came(books: Books) -> None:
    """By a receipt or a count, not by what another order gives back."""
    await books.place("A", "B")
    await books.claim("A", {"1": 10})
    await books.want("B", 3)
    await books.claim("A", {"1": 8}, n=2)
    await books.move("receipt", 5)
    await books.claim("A", {"1": 7}, n=3)

    told = [
        datetime.fromisoformat(each["came_at"]) for each in await books.heard("B", "stock_arrived")
    ]
    filled, received = await books.sql(
        "select recorded_at from movement where on_hand > 0 order by n"
    )
    assert told == [*filled, *received, *received]


@pytest.mark.parametrize(("n", "run"), [(1, "run-1"), (3, "run-2")], ids=["older", "other run"])
async def test_a_claim_behind_the_fence_does_not_count(books: Books, n: int, run: str) -> None:
    await books.place("A")
    await books.claim("A", {"1": 4}, n=2)

    with pytest.raises(Replaced):
        await books.claim("A", {"1": 9}, n=n, run=run)

    assert await books.position() == (10, 4)


async def test_what_has_shipped_is_part_of_what_is_claimed(books: Books) -> None:
    await books.place("A")
    await books.claim("A", {"1": 6})
    await books.tell("shipped", "A", {"1": 4})

    await books.claim("A", {"1": 6}, n=2)
    assert await books.position() == (6, 2)

    await books.claim("A", {"1": 0}, n=3)
    assert await books.position() == (6, 0)


async def test_cases_are_reserved_and_shipped_in_stock_units(books: Books) -> None:
    await books.place("A")
    await books.move("receipt", 20)

    await books.claim("A", {"1": 2}, factor=12)
    assert await books.position() == (30, 24)

    await books.tell("shipped", "A", {"1": 1})
    assert await books.position() == (18, 12)


async def test_many_at_once_never_promise_a_hot_item_twice(books: Books) -> None:
    orders = [f"O{n}" for n in range(AT_ONCE)]
    await books.place(*orders)

    async with books.locked("select from stock_position for update"):
        claims = [asyncio.create_task(books.claim(order, {"1": 3})) for order in orders]
        await books.waiting(AT_ONCE)
    answers = await asyncio.gather(*claims)

    assert sum(isinstance(answer, Done) for answer in answers) == 3
    assert await books.position() == (10, 9)


# credit


async def test_only_more_of_what_is_open_can_be_refused(books: Books) -> None:
    await books.place("A", "B")
    assert isinstance(await books.credit("A", 800), Done)

    refused = await books.credit("B", 300)
    assert isinstance(refused, Refused)
    assert refused.standing == {"open": Decimal(0), "invoiced": Decimal(0)}
    assert "100" in refused.detail

    invoiced = await books.credit("A", 0, 1200, n=2)
    assert isinstance(invoiced, Done)


async def test_a_claim_that_is_checked_again_counts_against_todays_limit(books: Books) -> None:
    await books.place("A")
    await books.credit("A", 800)
    await books.sql("update customer set credit_limit = 500 where id = 'ACME'")

    assert isinstance(await books.credit("A", 800, n=2), Done), "it is no more than before"
    refused = await books.credit("A", 800, n=3, check=True)
    assert isinstance(refused, Refused)
    assert refused.standing == {"open": Decimal(800), "invoiced": 0}
    assert isinstance(await books.credit("A", 500, n=4, check=True), Done)
    assert isinstance(await books.credit("A", 0, 500, n=5, check=True), Done)


async def test_credit_that_is_given_back_can_be_used(books: Books) -> None:
    await books.place("A", "B")
    await books.credit("A", 800)
    await books.credit("A", 0, n=2)

    assert isinstance(await books.credit("B", 1000), Done)
    assert await books.sql("select open, invoiced from credit_account") == [(1000, 0)]


async def test_credit_is_not_used_twice_by_those_who_ask_at_once(books: Books) -> None:
    orders = [f"O{n:02}" for n in range(20)]
    await books.place(*orders)

    answers = await asyncio.gather(*(books.credit(order, 300) for order in orders))

    assert sum(isinstance(answer, Done) for answer in answers) == 3


# goods


async def test_goods_told_before_their_claim_are_booked_by_it(books: Books) -> None:
    await books.place("A")
    await books.tell("shipped", "A", {"1": 4})
    assert await books.position() == (10, 0)

    await books.claim("A", {"1": 6})

    assert await books.position() == (6, 2)


async def test_goods_told_while_their_claim_is_made_are_booked(books: Books) -> None:
    await books.place("A")
    its_claim = (
        "insert into stock_claim (order_id, line, location, item, factor, quantity)"
        " values ('A', '1', 'EAST', 'BOLT', 1, 6)"
    )

    async with books.locked(its_claim):
        claim = asyncio.create_task(books.claim("A", {"1": 6}))
        await books.waiting(1)
        goods = asyncio.create_task(books.tell("shipped", "A", {"1": 4}))
        await books.waiting(2)
    await asyncio.gather(claim, goods)

    assert await books.position() == (6, 2)


@pytest.mark.parametrize("first", ["milestone", "feed"])
async def test_one_document_told_twice_moves_stock_once(books: Books, first: str) -> None:
    await books.place("A")
    await books.claim("A", {"1": 4})

    if first == "milestone":
        await books.tell("shipped", "A", {"1": 4}, document="D")
        assert await books.move("issue", 4, document="D") == "matched"
    else:
        assert await books.move("issue", 4, document="D") == "booked"
        await books.tell("shipped", "A", {"1": 4}, document="D")

    assert await books.position() == (6, 0)


async def test_two_movements_of_a_feed_are_one_milestone(books: Books) -> None:
    await books.place("A")
    await books.claim("A", {"1": 4})
    await books.move("issue", 1, document="D")

    await books.tell("shipped", "A", {"1": 4}, document="D")
    assert await books.move("issue", 3, document="D") == "matched"
    assert await books.position() == (6, 0)

    await books.move("issue", 2, document="D")
    assert await books.position() == (4, 0)


async def test_without_a_document_nothing_is_matched(books: Books) -> None:
    await books.place("A")
    await books.claim("A", {"1": 4})
    await books.tell("shipped", "A", {"1": 4})

    assert await books.move("issue", 4) == "booked"

    assert await books.position() == (2, 0)


@pytest.mark.parametrize(
    ("disposition", "on_hand", "aside"),
    [
        ("restock", 10, (0, 0)),
        ("damaged", 7, (3, 0)),
        ("quarantine", 7, (0, 3)),
        ("scrap", 7, (0, 0)),
    ],
)
async def test_goods_that_come_back_wait_for_their_inspection(
    books: Books, disposition: str, on_hand: int, aside: tuple[int, int]
) -> None:
    await books.place("A")
    await books.claim("A", {"1": 3})
    await books.tell("shipped", "A", {"1": 3})

    await books.tell("return_received", "A", {"1": 3}, document="R")
    assert (await books.position(), await books.aside()) == ((7, 0), (0, 3))
    assert await books.move("return", 3, document="R") == "matched"

    await books.tell("return_inspected", "A", {"1": 3}, disposition=disposition)
    assert (await books.position(), await books.aside()) == ((on_hand, 0), aside)


async def test_what_is_restocked_is_announced(books: Books) -> None:
    await books.place("A", "B")
    await books.claim("A", {"1": 10})
    await books.tell("shipped", "A", {"1": 10})
    await books.want("B", 5)

    await books.tell("return_inspected", "A", {"1": 2}, disposition="restock")

    [told] = await books.heard("B", "stock_arrived")
    assert told["available"] == "2"


# shortage


async def test_a_count_below_what_is_reserved_takes_from_the_latest_and_tells_it_once(
    books: Books,
) -> None:
    await books.place("A", "B")
    await books.claim("A", {"1": 5})
    await books.claim("B", {"1": 5})

    for _ in range(2):
        await books.move("adjustment", -3, id="count")
    await books.move("receipt", 1)

    assert await books.position() == (8, 7)
    assert await books.heard("A", "stock_lost") == []
    [told] = await books.heard("B", "stock_lost")
    assert (told["line"], told["location"], told["quantity"]) == ("1", "EAST", "3")


async def test_an_issue_whose_milestone_is_to_come_takes_nothing_from_its_order(
    books: Books,
) -> None:
    await books.place("A", "B")
    await books.claim("A", {"1": 10})
    await books.want("B", 5)

    await books.move("issue", 10, document="D")
    await books.move("receipt", 5)
    await books.ledger.settle_unmatched()
    assert await books.position() == (5, 10)
    assert await books.heard("A", "stock_lost") == []

    await books.tell("shipped", "A", {"1": 10}, document="D")
    assert await books.position() == (5, 0)
    [told] = await books.heard("B", "stock_arrived")
    assert told["available"] == "5"


async def test_an_issue_no_milestone_tells_of_is_a_shortage_after_an_hour(books: Books) -> None:
    await books.place("A")
    await books.claim("A", {"1": 8})
    await books.move("issue", 6, document="LENT")
    assert await books.position() == (4, 8)

    await books.sql("update stock_fact set fed_at = fed_at - interval '61 minutes'")
    await books.ledger.settle_unmatched()
    await books.ledger.settle_unmatched()

    assert await books.position() == (4, 4)
    [told] = await books.heard("A", "stock_lost")
    assert told["quantity"] == "4"


async def test_an_issue_without_a_document_is_a_shortage_at_once(books: Books) -> None:
    await books.place("A")
    await books.claim("A", {"1": 8})

    await books.move("issue", 6)

    assert await books.position() == (4, 4)


async def test_a_shipment_beyond_its_claim_leaves_nobody_with_goods_that_are_gone(
    books: Books,
) -> None:
    await books.place("A", "B")
    await books.claim("A", {"1": 5})
    await books.claim("B", {"1": 5})
    await books.tell("shipped", "A", {"1": 8})
    assert await books.position() == (2, 5)

    await books.ledger.settle_unmatched()

    assert await books.position() == (2, 2)
    [told] = await books.heard("B", "stock_lost")
    assert told["quantity"] == "3"


async def test_who_has_waited_longest_is_told_first(books: Books) -> None:
    await books.place("A", "B", "C", "D")
    await books.claim("A", {"1": 10})
    for order, quantity in (("C", 4), ("B", 4), ("D", 4)):
        await books.want(order, quantity)

    await books.move("receipt", 6)

    told = {order: await books.heard(order, "stock_arrived") for order in "BCD"}
    assert {order: len(each) for order, each in told.items()} == {"C": 1, "B": 1, "D": 0}


# all at once


async def test_orders_of_shared_items_ship_at_once_whatever_the_order_of_their_lines(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of them waits for each other: not one statement has to be repeated."""
    monkeypatch.setattr(statement, "IN_THE_WAY", ())
    names = [f"I{n}" for n in range(10)]
    orders = [f"O{n:02}" for n in range(24)]
    await books.place(*orders)
    for item in names:
        await books.move("receipt", 100, item=item)
    lines = {str(n): 3 for n in range(1, 11)}
    for n, order in enumerate(orders):
        named = names if n % 2 else names[::-1]
        items = dict(zip(lines, named, strict=True))
        assert isinstance(await books.claim(order, lines, items=items), Done)

    stored, moved = await asyncio.gather(
        asyncio.gather(*(books.tell("shipped", order, lines, document=order) for order in orders)),
        asyncio.gather(
            *(
                books.move("issue", 3, item=item, document=order)
                for order in orders[::4]
                for item in names
            )
        ),
    )

    assert {each.outcome for each in stored} == {"stored"}
    assert set(moved) <= {"booked", "matched"}
    assert {await books.position(item) for item in names} == {(28, 0)}

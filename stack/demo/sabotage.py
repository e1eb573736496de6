"""Alters one row in one book, to show that the comparison of the books notices."""

from collections.abc import Mapping
from enum import StrEnum
from typing import LiteralString

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from stack.places import StackError


class Book(StrEnum):
    STOCK = "stock"
    MONEY = "money"
    MESSAGE = "message"


ALTERED: Mapping[Book, LiteralString] = {
    Book.STOCK: """
        update stock_position set on_hand = on_hand + 1 where (item, location) = (
            select item, location from movement where kind = 'ship' order by recorded_at limit 1)
    """,
    Book.MONEY: """
        update credit_claim set invoiced = invoiced + 0.01 where order_id = (
            select order_id from credit_claim where invoiced > 0 order by order_id limit 1)
    """,
    Book.MESSAGE: """
        delete from inbox where (order_id, n) = (
            select order_id, n from inbox where kind = 'milestone' order by stored_at limit 1)
    """,
}


def alter(database_url: str, book: Book) -> None:
    """Raises `StackError` where there is no such row."""
    with psycopg.connect(database_url, autocommit=True) as database:
        alter_one(database, book)


def alter_one(database: Connection[TupleRow], book: Book) -> None:
    """On a connection of the caller's, who may take it back. Raises `StackError`."""
    if database.execute(ALTERED[book]).rowcount != 1:
        raise StackError(f"There is no row of {book} to alter.")

"""The stories of the demo's day: what becomes of each kind of order, and how it should end."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from stack import sample
from stack.demo.day import Day, line
from stack.places import StackError

Story = Callable[[Day], Awaitable[str]]
"""Tells one order's story, and returns how it should end."""


@dataclass(frozen=True)
class Kind:
    name: str
    tell: Story
    weight: int


async def stock_order(day: Day) -> str:
    """One warehouse has it all."""
    day_order = await day.order("C-BIRCH", line("DRILL-18V", "2"), line("BATTERY-18V", "4"))
    return await ends(day, day_order)


async def contract_order(day: Day) -> str:
    """Boxes, at the quantity break of a price list."""
    order = await day.order(
        "C-ALDER", line("BOLT-M8", "12", unit="BX"), line("NUT-M8", "5", unit="BX")
    )
    return await ends(day, order)


async def split_order(day: Day) -> str:
    """Each line is in another warehouse: two shipments, two invoices."""
    order = await day.order("C-BIRCH", line("DRILL-18V", "1"), line("LADDER-8", "1"), freight="25")
    return await ends(day, order)


async def exempt_order(day: Day) -> str:
    """A school pays no tax."""
    order = await day.order("C-CEDAR", line("GLOVE-L", "3", unit="PK"), channel="sales")
    return await ends(day, order)


async def shop_order(day: Day) -> str:
    """Somebody bought something in the web shop."""
    order = await day.shop_order(("TAPE-25", 2, "11.75"), ("GLOVE-L", 1, "6.40"))
    return await ends(day, order)


async def sent_twice(day: Day) -> str:
    """The channel does not hear our answer, and sends it again."""
    body = day.body("C-BIRCH", line("VALVE-1", "10"))
    first, second = await day.send(body), await day.send(body)
    if first != second:
        raise StackError(f"{body['reference']} sent twice became {first} and {second}.")
    return await ends(day, first)


async def cancelled_order(day: Day) -> str:
    """The customer changes its mind at once; what has been done is undone."""
    order = await day.order("C-BIRCH", line("LADDER-8", "2"))
    became = await day.cancel(order)
    return await ends(
        day, order, "cancelled" if became["status"] != "refused" else "closed", either=True
    )


async def recalled_order(day: Day) -> str:
    """A cancellation after the release: the warehouse may have picked it already."""
    order = await day.order("C-ALDER", line("DRILL-18V", "3"))
    await day.hears(order, "released")
    await day.cancel(order)
    return await ends(day, order, either=True)


async def amended_order(day: Day) -> str:
    """Two more, as soon as it is taken in."""
    order = await day.order("C-BIRCH", line("TAPE-25", "4"), channel="sales")
    await day.amend(order, l1="6")
    return await ends(day, order)


async def credit_held(day: Day) -> str:
    """More than the customer may owe: cancelled by credit control."""
    order = await day.order("C-DOGWOOD", line("LADDER-8", "4"))
    await day.hears(order, "held", reason="credit_limit")
    await day.cancel(order)
    return await ends(day, order, "cancelled")


async def price_off_contract(day: Day) -> str:
    """The channel names a price nobody agreed to; pricing accepts it."""
    order = await day.order("C-BIRCH", line("VALVE-1", "5", price="16.00"), channel="sales")
    held = await day.hears(order, "held", reason="price_mismatch")
    await day.release(held["data"]["hold_id"])
    return await ends(day, order)


async def looks_like_another(day: Day) -> str:
    """The same goods to the same place under another number: customer service cancels it."""
    body = day.body("C-CEDAR", line("TAPE-25", "7"))
    first = await day.send(body)
    second = await day.send({**body, "reference": f"{body['reference']}-B"})
    await day.hears(second, "held", reason="suspected_duplicate")
    await day.cancel(second)
    await ends(day, second, "cancelled")
    return await ends(day, first)


async def unknown_item(day: Day) -> str:
    """An item the master data does not have yet."""
    item = day.new_name("SAW")
    order = await day.order("C-BIRCH", line(item, "1"))
    held = await day.hears(order, "held", reason="unknown_item")
    await day.put_item(item, price="49.00")
    await day.receive(item, "WEST", "10")
    await day.release(held["data"]["hold_id"])
    return await ends(day, order)


async def returned_order(day: Day) -> str:
    """Goods come back after the order was closed: it reopens, and is credited."""
    order = await day.order("C-BIRCH", line("BATTERY-18V", "6"))
    await day.hears(order, "delivered")
    await day.goods_back(order, "EAST", l1="2")
    await day.hears(order, "credited")
    return await ends(day, order)


async def card_order(day: Day) -> str:
    """Paid by card: authorised, then taken shipment by shipment."""
    payment = {"method": "card", "token": "tok_visa"}
    order = await day.order(
        "C-ALDER", line("DRILL-18V", "1"), line("LADDER-8", "1"), payment=payment
    )
    return await ends(day, order)


async def backordered_order(day: Day) -> str:
    """There are only a few; a receipt fills the rest."""
    order = await day.order("C-ALDER", line(sample.SCARCE, "5"))
    await day.hears(order, "backordered")
    await day.receive(sample.SCARCE, "EAST", "5")
    return await ends(day, order)


async def ends(day: Day, order: str, how: str = "closed", *, either: bool = False) -> str:
    """Wait until nothing is left to do for it."""
    await day.hears(order, "closed")
    status = (await day.api.get(f"/orders/{order}"))["status"]
    if not either and how == "cancelled" and status != "cancelled":
        raise StackError(f"Order {order} ended {status}, not {how}.")
    return how


KINDS = [
    Kind("from stock", stock_order, 12),
    Kind("contract prices", contract_order, 6),
    Kind("two warehouses", split_order, 8),
    Kind("tax exempt", exempt_order, 4),
    Kind("web shop", shop_order, 8),
    Kind("sent twice", sent_twice, 3),
    Kind("cancelled at once", cancelled_order, 3),
    Kind("cancelled after release", recalled_order, 2),
    Kind("amended", amended_order, 2),
    Kind("over the credit limit", credit_held, 2),
    Kind("price off contract", price_off_contract, 2),
    Kind("looks like another", looks_like_another, 1),
    Kind("item not known yet", unknown_item, 1),
    Kind("returned", returned_order, 2),
    Kind("by card", card_order, 3),
    Kind("backordered", backordered_order, 1),
]


def chosen(orders: int, lots: random.Random) -> list[Kind]:
    """So many stories, each kind at least once where there is room, in the order of the lots."""
    weighted = [kind for kind in KINDS for _ in range(kind.weight)]
    kinds = [weighted[n % len(weighted)] for n in range(orders)] if orders else []
    if orders < len(weighted):
        kinds = [*KINDS[: min(orders, len(KINDS))], *lots.choices(weighted, k=orders - len(KINDS))]
        kinds = kinds[:orders]
    lots.shuffle(kinds)
    return kinds

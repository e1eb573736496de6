"""Stories of the demo's day in which all that matters happens before the goods have arrived."""

from decimal import Decimal

from stack import sample
from stack.demo.day import Day, Json, expect, line, sources
from stack.places import StackError


async def stock_order(day: Day) -> None:
    """One warehouse has it all."""
    await day.ends(await day.order("C-BIRCH", line("DRILL-18V", "2"), line("BATTERY-18V", "4")))


async def contract_order(day: Day) -> None:
    """Boxes, at the quantity break of a price list."""
    lines = line("BOLT-M8", "12", unit="BX"), line("NUT-M8", "5", unit="BX")
    await day.ends(await day.order("C-ALDER", *lines))


async def split_order(day: Day) -> None:
    """Each line is in another warehouse: two shipments, two invoices."""
    lines = line("DRILL-18V", "1"), line("LADDER-8", "1")
    ended = await day.ends(await day.order("C-BIRCH", *lines, freight="25"))
    expect(sources(ended) == {"EAST", "WEST"}, ended, "came from two warehouses")


async def exempt_order(day: Day) -> None:
    """A school pays no tax."""
    await day.ends(await day.order("C-CEDAR", line("GLOVE-L", "3", unit="PK"), channel="sales"))


async def shop_order(day: Day) -> None:
    """Somebody bought something in the web shop."""
    await day.ends(await day.shop_order(("TAPE-25", 2, "11.75"), ("GLOVE-L", 1, "6.40")))


async def kit_order(day: Day) -> None:
    """One line and one price for the customer, three boxes each for the warehouse."""
    kit = line(sample.KIT, "3", price="249.99")
    ended = await day.ends(await day.order("C-BIRCH", kit, channel="sales"))
    expect(len(ended["lines"]) == 2, ended, "was picked in parts")
    day.note(ended["id"], "3 kits in 2 parts")


async def drop_shipped_order(day: Day) -> None:
    """The supplier sends what we have not, we send the rest."""
    lines = line(sample.DROP_SHIPPED, "1"), line("GLOVE-L", "2")
    ended = await day.ends(await day.order("C-ALDER", *lines))
    expect(len(sources(ended)) == 2 and "LAKE" in sources(ended), ended, "was dropped in part")


async def quoted_order(day: Day) -> None:
    """The customer asks for a price first, and takes it."""
    quote = await day.order("C-ALDER", line("VALVE-1", "40"), channel="sales", kind="quote")
    await day.sees(quote, lambda shown: bool(shown["status"] == "quoted"), "quoted")
    await day.accept(quote)
    day.note(quote, "quoted, accepted")
    await day.ends(quote)


async def card_order(day: Day) -> None:
    """Paid by card: authorised, then taken shipment by shipment."""
    payment = {"method": "card", "token": "tok_visa"}
    lines = line("DRILL-18V", "1"), line("LADDER-8", "1")
    await day.ends(await day.order("C-ALDER", *lines, payment=payment))


async def prepaid_order(day: Day) -> None:
    """Some of the money came with the order. It leaves when the rest has come in."""
    payment = {"method": "prepaid", "paid": "200.00"}
    order = await day.order("C-BIRCH", line("LADDER-8", "2"), payment=payment)
    while True:
        shown = await day.sees(order, _to_pay_or_closed, "told what to pay")
        if shown["closed_at"]:
            break
        due = Decimal(shown["prepaid"]["due"])
        await day.pay(order, due)
        day.note(order, f"waited for {due:.2f}")


def _to_pay_or_closed(shown: Json) -> bool:
    """What is to be paid is known with its tax."""
    tax = (x["state"] for x in shown["effects"] if x["operation"] == "estimate")
    due = Decimal((shown["prepaid"] or {}).get("due") or 0)
    return bool(shown["closed_at"]) or (due != 0 and "confirmed" in tax)


async def sent_twice(day: Day) -> None:
    """The channel does not hear our answer, and sends it again."""
    body = day.body("C-BIRCH", line("VALVE-1", "10"))
    first, second = await day.send(body), await day.send(body)
    if first != second:
        raise StackError(f"{body['reference']} sent twice became {first} and {second}.")
    day.note(first, "sent twice, one order")
    await day.ends(first)


async def cancelled_order(day: Day) -> None:
    """The customer changes its mind at once; what has been done is undone."""
    order = await day.order("C-BIRCH", line("LADDER-8", "2"))
    became = await day.cancel(order)
    await day.ends(order, "cancelled", *(["closed"] if became["status"] == "refused" else []))


async def recalled_order(day: Day) -> None:
    """A cancellation after the release: the warehouse may have picked it already."""
    order = await day.order("C-ALDER", line("DRILL-18V", "3"))
    await day.hears(order, "released")
    await day.cancel(order)
    ended = await day.ends(order, "cancelled", "closed")
    if ended["status"] == "closed":
        day.note(order, "asked to cancel too late")


async def amended_order(day: Day) -> None:
    """Two more and some gloves, as soon as it is taken in."""
    order = await day.order("C-BIRCH", line("TAPE-25", "4"), channel="sales")
    became = await day.amend(order, line("GLOVE-L", "3"), l1="6")
    expect(became["status"] == "done", {"id": order}, "was amended")
    ended = await day.ends(order)
    expect(len(ended["lines"]) == 2, ended, "has the line that was added")


async def over_the_limit(day: Day) -> None:
    """More than the customer may owe: cancelled by credit control."""
    order = await day.order("C-DOGWOOD", line("LADDER-8", "4"))
    await day.hears(order, "held", reason="credit_limit")
    await day.cancel(order)
    await day.ends(order, "cancelled")


async def limit_raised(day: Day) -> None:
    """More than the customer may owe, until credit control looks at it."""
    customer = day.new_name("C-NEW")
    await day.put_customer(customer, credit_limit="100")
    order = await day.order(customer, line("LADDER-8", "1"))
    held = await day.hears(order, "held", reason="credit_limit")
    await day.put_customer(customer, credit_limit="2500")
    await day.release(held["data"]["hold_id"])
    await day.ends(order)


async def price_off_contract(day: Day) -> None:
    """The channel names a price nobody agreed to; pricing accepts it."""
    order = await day.order("C-BIRCH", line("VALVE-1", "5", price="16.00"), channel="sales")
    held = await day.hears(order, "held", reason="price_mismatch")
    await day.release(held["data"]["hold_id"])
    await day.ends(order)


async def looks_like_another(day: Day) -> None:
    """The same goods to the same place under another number: customer service cancels it."""
    body = day.body("C-CEDAR", line("TAPE-25", "7"))
    first = await day.send(body)
    second = await day.send({**body, "reference": f"{body['reference']}-B"})
    await day.hears(second, "held", reason="suspected_duplicate")
    await day.cancel(second)
    await day.ends(second, "cancelled")
    await day.ends(first)


async def unknown_item(day: Day) -> None:
    """An item the master data does not have yet."""
    item = day.new_name("SAW")
    order = await day.order("C-BIRCH", line(item, "1"))
    held = await day.hears(order, "held", reason="unknown_item")
    await day.put_item(item, "Compass saw", price="49.00")
    await day.receive(item, "WEST", "10")
    await day.release(held["data"]["hold_id"])
    await day.ends(order)


async def backordered_order(day: Day) -> None:
    """There are only a few; a receipt fills the rest."""
    pump = await day.scarce_item("Pump", "EAST", "4")
    order = await day.order("C-ALDER", line(pump, "5"))
    await day.hears(order, "backordered")
    await day.receive(pump, "EAST", "1")
    await day.ends(order)


async def complete_order(day: Day) -> None:
    """All of it together or nothing yet: gloves that are there wait for what is not."""
    press = await day.scarce_item("Press", "WEST", "2")
    lines = line(press, "3"), line("GLOVE-L", "6")
    order = await day.order("C-BIRCH", *lines, fulfilment="complete")
    await day.hears(order, "backordered")
    await day.receive(press, "WEST", "1")
    ended = await day.ends(order)
    expect(sources(ended) == {"WEST"}, ended, "left together")

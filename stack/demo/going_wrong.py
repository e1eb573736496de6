"""Stories of the demo's day of which somebody else is to blame, and of what comes back."""

from stack.demo.day import Day, Json, expect, line, sources


async def picked_short(day: Day) -> None:
    """The shelf has less than its warehouse thought: the rest comes from the other one."""
    body = day.body("C-BIRCH", line("HOSE-50", "6"))
    await day.arrange("wms-east", "short_pick", **_to(body, "ship_to"), found={"1": "4"})
    ended = await day.ends(await day.send(body))
    expect(sources(ended) == {"EAST", "WEST"}, ended, "came from both warehouses")
    day.note(ended["id"], "EAST found 4 of 6")


async def carrier_refuses(day: Day) -> None:
    """The carrier does not go there: the next one is asked, without anybody's doing."""
    body = day.body("C-ALDER", line("DRILL-18V", "1"), line("TAPE-25", "2"))
    calls = {"operation": "create_shipment", **_to(body, "shipment.to_address")}
    await day.arrange("tms-1", "refuse", **calls)
    ended = await day.ends(await day.send(body))
    (carried,) = (x for x in ended["effects"] if x["operation"] == "book")
    expect(carried["system"] == "tms-2", ended, "went with the other carrier")
    day.note(ended["id"], "tms-1 refused")


async def carrier_is_away(day: Day) -> None:
    """The carrier's system does not answer for a while. Nobody has to do anything."""
    body = day.body("C-BIRCH", line("VALVE-1", "4"))
    calls = {"operation": "create_shipment", **_to(body, "shipment.to_address")}
    await day.arrange("tms-2", "outage", count=2, **calls)
    order = await day.send(body)
    shown = await day.sees(order, _waits_for_a_carrier, "waiting for its carrier")
    if not shown["closed_at"]:
        day.note(order, "tms-2 was away, then back")
    await day.ends(order)


def _waits_for_a_carrier(shown: Json) -> bool:
    waits = (each for each in shown["waiting_for"] if each["what"].startswith("book/"))
    return any(each["last_error"] for each in waits) or bool(shown["closed_at"])


async def lost_parcel(day: Day) -> None:
    """Nothing is heard of a parcel any more: it is looked for, given up and credited."""
    body = day.body("C-ALDER", line("BATTERY-18V", "2"))
    await day.arrange("wms-east", "lost_parcel", **_to(body, "ship_to"))
    order = await day.send(body)
    held = await day.hears(order, "held", reason="lost_parcel")
    await day.hears(order, "invoiced")
    shipment = held["data"]["scope"].partition("/")[2]
    await day.credit(order, "lost", {"line": "1", "quantity": "2"}, shipment_id=shipment)
    ended = await day.ends(order)
    expect(len(ended["credits"]) == 1, ended, "was credited")


async def returned_with_fee(day: Day) -> None:
    """A return that was agreed to; of what it is worth, 15 % are kept for restocking."""
    order = await day.order("C-BIRCH", line("BATTERY-18V", "6"))
    await day.hears(order, "delivered")
    agreed = await day.authorise_return(order, "15", l1="2")
    await day.goods_back(order, "EAST", agreed, l1="2")
    await day.hears(order, "credited")
    ended = await day.ends(order)
    expect(float(ended["credits"][0]["restocking"]) > 0, ended, "cost a fee to give back")


async def returned_late(day: Day) -> None:
    """Goods come back when all was over, and nobody knew: the order opens again."""
    order = await day.order("C-ALDER", line("GLOVE-L", "4", unit="PK"))
    await day.ends(order)
    await day.goods_back(order, "EAST", l1="1")
    await day.hears(order, "credited")
    await day.ends(order)


async def credited_without_return(day: Day) -> None:
    """The customer keeps the goods, and is given back some of the price."""
    order = await day.order("C-CEDAR", line("TAPE-25", "12"), channel="sales")
    await day.hears(order, "invoiced")
    each = {"line": "1", "quantity": "12", "per_unit": "1.25"}
    became = await day.credit(order, "allowance", each)
    expect(became["status"] == "done", {"id": order}, "was credited")
    await day.hears(order, "credited")
    await day.ends(order)


async def exchanged(day: Day) -> None:
    """The wrong size: one order comes back, another one goes out instead."""
    body = day.body("C-BIRCH", line("LADDER-8", "1"))
    order = await day.send(body)
    await day.hears(order, "delivered")
    agreed = await day.authorise_return(order, "0", l1="1")
    instead = {**body, "reference": f"{body['reference']}-X", "lines": [line("HOSE-50", "4")]}
    second = await day.send({**instead, "attributes": {"exchange_for": body["reference"]}})
    day.note(second, f"instead of {body['reference']}")
    await day.goods_back(order, "WEST", agreed, l1="1")
    await day.hears(order, "credited")
    await day.ends(order)
    await day.ends(second)


def _to(body: dict[str, object], address: str) -> dict[str, object]:
    """Calls that are about this order's address, which is no other one's."""
    ship_to = body["ship_to"]
    assert isinstance(ship_to, dict)
    return {"match": {f"{address}.name": ship_to["name"]}}

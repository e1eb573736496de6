"""What became of every order, in a few words."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal

from stack import sample
from stack.demo.day import Day, Json

AT_ONCE = 8
CARRIERS = {location["id"]: location["tms"] for location in sample.LOCATIONS}


async def what_became_of(day: Day) -> list[dict[str, str]]:
    """Of each order that was sent: who sent it how, in which story, and what happened."""
    places = asyncio.Semaphore(AT_ONCE)

    async def tell(order: str) -> dict[str, str]:
        async with places:
            shown: Json = await day.api.get(f"/orders/{order}")
        sent = day.sent[order]
        return {
            "reference": sent.reference,
            "story": sent.story,
            "channel": sent.channel,
            "status": shown["status"],
            "happened": "; ".join(_happened(shown, day, order)),
            "order": order,
        }

    return list(await asyncio.gather(*map(tell, day.sent)))


def _happened(shown: Json, day: Day, order: str) -> list[str]:
    told = [word for event in day.events(order) if (word := _word(event))]
    words = dict.fromkeys([*day.notes.get(order, []), *told, *_at_last(shown)])
    return list(words) or ["nothing left"]


def _word(event: Json) -> str:
    kind, data = event["type"].split(".")[2], event["data"]
    match kind:
        case "held":
            return f"held: {data['reason'].replace('_', ' ')}"
        case "hold_released" if data["by"] != "throughline":
            return "hold released"
        case "amended":
            return "amended"
        case "cancelled":
            return "cancelled"
        case "backordered":
            return "waited for stock"
        case "shipped":
            return f"left {data['source']}"
        case "return_authorised":
            return "return agreed"
        case "returned":
            return f"came back to {data['source']}"
        case _:
            return ""


def _at_last(shown: Json) -> Iterator[str]:
    for effect in shown["effects"]:
        usual = CARRIERS.get(effect["subject"])
        if effect["operation"] == "book" and effect["standing"] and effect["system"] != usual:
            yield f"carried by {effect['system']}"
    if any(each["lost"] for part in shown["fulfilments"] for each in part["shipments"]):
        yield "lost on its way"
    for name in ("invoiced", "credited"):
        amount = Decimal((shown["totals"] or {}).get(name) or 0)
        if amount:
            yield f"{name} {amount:.2f}"
    if shown["prepaid"]:
        yield f"paid {Decimal(shown['prepaid']['paid']):.2f}"

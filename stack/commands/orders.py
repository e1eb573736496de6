"""`throughline orders [ID]` and `throughline audit ID`."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from stack.client import Api
from stack.commands.asking import AsJson, Cursor, Limit, Row, asked, find, find_rows, order_path
from stack.commands.showing import amounts, facts, moment, show, table, tell_the_rest
from stack.console import print_json

QUANTITIES = ("ordered", "allocated", "backordered", "released", "shipped", "delivered")
SELDOM = ("invoiced", "returned", "cancelled")


def orders(
    order_id: Annotated[str | None, typer.Argument(help="One order, whole.")] = None,
    status: Annotated[str | None, typer.Option(help="Only those of this status.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer's.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only those from this channel.")] = None,
    reference: Annotated[str | None, typer.Option(help="As the channel calls it.")] = None,
    hold: Annotated[str | None, typer.Option(help="Only those held for this reason.")] = None,
    unfinished: Annotated[
        bool | None, typer.Option("--open/--settled", help="Is something left to do for it?")
    ] = None,
    timeline: Annotated[bool, typer.Option("--timeline", help="How it got there.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="What is to be done for it next.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    json_: AsJson = False,
) -> None:
    """Orders, the newest first; or one of them, and how it got there, and what comes next."""
    if order_id is not None:
        _one(order_id, timeline, plan, json_)
        return
    if timeline or plan:
        raise typer.BadParameter("--timeline and --plan are of one order: give its ID.")
    given = {
        **{"status": status, "customer": customer, "channel": channel, "reference": reference},
        **{"hold": hold, "open": unfinished},
    }
    found = asked(lambda api: find_rows(api, "/orders", given, limit=limit, cursor=cursor))
    if json_:
        print_json(found)
        return
    columns = ("id", "status", "customer", "channel", "reference", "#total", "", "held", "placed")
    show(table("Orders", columns, map(_summary, found["items"])))
    tell_the_rest(found)


def audit(
    order_id: Annotated[str, typer.Argument()],
    json_: Annotated[bool, typer.Option("--json", help="It is JSON without this, too.")] = False,
) -> None:
    """Everything known of an order as one JSON document: it, its messages, its events."""

    async def look(api: Api) -> Row:
        order = await find(api, "order", order_id, order_path(order_id))
        kept = await find(api, "order", order_id, order_path(order_id, "/audit"))
        return {"order": order, **kept}

    print_json(asked(look))


def _one(order_id: str, timeline: bool, plan: bool, as_json: bool) -> None:
    parts = [*(["timeline"] if timeline else []), *(["plan"] if plan else [])]

    async def look(api: Api) -> dict[str, Any]:
        order = await find(api, "order", order_id, order_path(order_id))
        also = {
            part: await find(api, "order", order_id, order_path(order_id, f"/{part}"))
            for part in parts
        }
        return {**order, **also}

    found = asked(look)
    if as_json:
        print_json(found)
    else:
        show(*_whole(found))


def _summary(order: Row) -> tuple[Any, ...]:
    return (
        *(order["id"], order["status"], order["customer"], order["channel"], order["reference"]),
        *(order["total"], order["currency"], order["hold_reasons"], moment(order["placed_at"])),
    )


def _whole(order: Row) -> Iterator[RenderableType]:
    yield facts(
        (
            ("order", order["id"]),
            ("status", f"{order['status']}, revision {order['revision']}"),
            ("customer", order["customer"]),
            ("channel", f"{order['channel']}, as {order['reference']}"),
            ("purchase order", order["purchase_order"]),
            ("placed", moment(order["placed_at"])),
            ("closed", moment(order["closed_at"])),
            ("totals", order["totals"]),
            ("temporal", order["links"]["temporal"]),
        )
    )
    yield _lines(order["lines"])
    for title, columns, rows in _tables(order):
        if rows:
            yield table(title, columns, rows)
    if "timeline" in order:
        yield table("Timeline", ("at", "", "what"), _told(order["timeline"]["items"]))
    if "plan" in order:
        yield table("To be done next", ("by", "what", "so that this stands"), _next(order["plan"]))


def _lines(lines: list[Row]) -> RenderableType:
    seldom = [name for name in SELDOM if any(line["quantities"][name] != "0" for line in lines)]
    names = [*QUANTITIES, *seldom]
    return table(
        "Lines",
        ("line", "item", "status", "#price", "unit", *(f"#{name}" for name in names)),
        (
            (
                *(line["line"], line["item"], line["status"], line["price"], line["unit"]),
                *(line["quantities"][name] for name in names),
            )
            for line in lines
        ),
    )


def _tables(order: Row) -> Iterator[tuple[str, tuple[str, ...], list[tuple[Any, ...]]]]:
    yield (
        "Holds",
        ("id", "scope", "reason", "owner", "since", "detail", "clears on", "released"),
        [
            (
                *(hold["id"], hold["scope"], hold["reason"], hold["owner"]),
                *(moment(hold["since"]), hold["detail"], hold["clears_on"]),
                moment(hold["released_at"]),
            )
            for hold in order["holds"]
        ],
    )
    yield (
        "Waits for",
        ("what", "system", "since", "until"),
        [
            (
                *(wait["text"], wait["system"]),
                *(moment(wait["since"]), moment(wait["deadline"])),
            )
            for wait in order["waiting_for"]
        ],
    )
    yield (
        "Fulfilment",
        ("from", "status", "lines", "shipment", "carrier", "tracking", "shipped", "delivered"),
        [row for each in order["fulfilments"] for row in _shipments(each)],
    )
    yield (
        "What stands where",
        ("system", "operation", "subject", "state", "standing", "reference", "at"),
        [
            (
                *(effect["system"] or "(ours)", effect["operation"], effect["subject"]),
                *(effect["state"], effect["standing"], effect["reference"], moment(effect["at"])),
            )
            for effect in order["effects"]
        ],
    )
    yield (
        "Invoices and credits",
        ("number", "for", "#subtotal", "#tax", "#total", "", "posted"),
        [
            (
                *(bill["number"], bill.get("shipment_id") or bill["return_id"]),
                *(bill["subtotal"], bill["tax"], bill["total"], bill["currency"]),
                moment(bill["posted_at"]),
            )
            for bill in (*order["invoices"], *order["credits"])
        ],
    )


def _shipments(fulfilment: Row) -> Iterator[tuple[Any, ...]]:
    where = fulfilment["source"], fulfilment["status"]
    if not fulfilment["shipments"]:
        yield (*where, amounts(fulfilment["lines"]), "", "", "", "", "")
    for each in fulfilment["shipments"]:
        yield (
            *(*where, amounts(each["lines"]), each["id"], each["carrier"], each["tracking"]),
            *(moment(each["shipped_at"]), moment(each["delivered_at"])),
        )


def _told(entries: list[Row]) -> Iterator[tuple[Any, ...]]:
    for entry in entries:
        yield moment(entry["at"]), entry["type"], entry["text"]


def _next(plan: Row) -> Iterator[tuple[Any, ...]]:
    for step in plan["next"]:
        what = f"{step['operation']} {step['subject']}"
        yield step["system"] or "(us)", what, step["goal"] or "nothing"

"""The lifecycle as documentation, written from the tables that the code itself goes by."""

import itertools
from collections.abc import Iterable, Sequence

from domain.effect import Step
from domain.hold import OWNERS, WAIVABLE, clears_on
from domain.plan import AFTER, AFTER_SAME, BACK_AFTER, PARKED
from domain.status import AFTER_SHIPPING, BEFORE_SHIPPING, PRECEDENCE, TRANSITIONS, Status
from domain.trouble import course_rows, never_rows, way_rows

MEANING = {
    Status.QUOTED: "priced, and nobody has accepted it yet",
    Status.EXPIRED: "a quote nobody accepted in time",
    Status.RECEIVED: "taken in; not all of it is reserved or known to be short yet",
    Status.HELD: "parked until somebody decides, wherever the goods are",
    Status.BACKORDERED: "something has no source yet, and nothing is released",
    Status.ALLOCATED: "all of it is reserved",
    Status.RELEASED: "a warehouse has been asked to ship some of it",
    Status.PICKING: "a warehouse is picking",
    Status.PACKED: "what was released is packed",
    Status.PARTIALLY_SHIPPED: "something has left, something has not",
    Status.SHIPPED: "all of it has left",
    Status.DELIVERED: "all of it has arrived",
    Status.INVOICED: "all of it is invoiced",
    Status.CLOSED: "there is nothing left to do",
    Status.CANCELLED: "nothing of it is agreed any more, and nothing has left",
}

WHAT = {
    Step.CAPTURE: ("lines as master data and prices know them", "our own books"),
    Step.ESTIMATE: ("nothing: what the tax would be", "tax"),
    Step.CREDIT: ("a claim on the account's credit", "our own books"),
    Step.AUTHORISE: ("a claim on a card", "payment"),
    Step.STOCK: ("reservations", "our own books"),
    Step.ERP: ("the sales order", "ERP"),
    Step.RELEASE: ("what one warehouse shall ship", "its WMS"),
    Step.BOOK: ("transport for one fulfilment", "its TMS"),
    Step.CONFIRM: ("the goods issue of one shipment", "ERP"),
    Step.TAX: ("final tax of one shipment", "tax"),
    Step.INVOICE: ("the invoice of one shipment", "ERP"),
    Step.COLLECT: ("money taken for one invoice", "payment"),
    Step.RETURN_TAX: ("tax given back for one return", "tax"),
    Step.CREDIT_NOTE: ("the credit note of one return", "ERP"),
    Step.REFUND: ("money given back for one credit note", "payment"),
}
"""What each step makes stand, and where."""

_COURSE = ("step", "change", "waits for it", "waits as", "held as", "ends")

_GROUPS = {"before_shipping": BEFORE_SHIPPING, "after_shipping": AFTER_SHIPPING}


_PAGE = """\
# Lifecycle of an order

Written from the tables in `domain/` by `domain/diagram.py`; a test fails when it is stale.

## Statuses

Every status is derived from the quantities of the lines and the open holds, by one function. Of an
order, the first of these that fits:

{statuses}

## From one record to the next

An arrow from or to a box is one from or to everything in it. Within a box an order goes to and fro,
because amendments do; the arrows there are the usual way.

```mermaid
{diagram}
```

## Steps

What an order makes stand around it, side by side unless one waits for another. Going back (an
amendment, a cancellation) is making less stand, in the same way.

{steps}

## Holds

Any other reason is the one a system gave for its refusal; it is for operations. A hold whose matter
is over ends by itself.

{holds}

## When a system is in trouble

Whatever befalls a call on another company's system, everything is done once, and the order ends as
it would have ended. `tests/faults/test_matrix.py` plays every trouble with every change of every
step on real servers: one of each step in every run, and all of them by
`.venv/bin/python -m pytest -m "" tests/faults/test_matrix.py`.

{ways}

Until then, nothing is begun that builds on it; only for an estimate of tax no order waits long. An
order that is amended or cancelled as soon as it is released, or gets another address before, and
is otherwise shipped and in part returned, has these statuses meanwhile. Cancelled in trouble before
anything has left, it ends `cancelled`, and nothing of it stands anywhere.

{courses}

What never happens, and so cannot go wrong:

{never}
"""


def lifecycle() -> str:
    """All of docs/lifecycle.md."""
    return _PAGE.format(
        statuses=status_table(),
        diagram=state_diagram(),
        steps=steps_table(),
        holds=holds_table(),
        ways=_table(("trouble", "means", "the order", "held", "cleared by"), way_rows()),
        courses=_table(_COURSE, course_rows()),
        never=_table(("step", "never", "because"), never_rows()),
    )


def state_diagram() -> str:
    """`TRANSITIONS` in Mermaid's words."""
    lines = ["stateDiagram-v2", f"    [*] --> {Status.RECEIVED}"]
    for group, statuses in _GROUPS.items():
        inside = [status for status in Status if status in statuses]
        lines.append(f'    state "{group.replace("_", " ")}" as {group} {{')
        lines += [f"        {a} --> {b}" for a, b in itertools.pairwise(inside)]
        lines.append("    }")
    lines += [f"    {before} --> {after}" for before, after in _arrows()]
    lines += [f"    {end} --> [*]" for end in (Status.CLOSED, Status.CANCELLED, Status.EXPIRED)]
    return "\n".join(lines)


def _arrows() -> Iterable[tuple[str, str]]:
    """As few as say it all: those between whole boxes first."""
    boxes: dict[str, frozenset[Status]] = {**_GROUPS}
    boxes |= {str(status): frozenset({status}) for status in TRANSITIONS}
    said = {pair for group in _GROUPS.values() for pair in itertools.product(group, group)}
    for before, after in itertools.product(boxes, boxes):
        pairs = set(itertools.product(boxes[before], boxes[after]))
        true = all(goal in TRANSITIONS[status] for status, goal in pairs)
        if before != after and true and not pairs <= said:
            said |= pairs
            yield before, after


def status_table() -> str:
    rows = [(f"`{status}`", MEANING[status]) for status in PRECEDENCE]
    return _table(("status", "means"), rows)


def steps_table() -> str:
    rows = []
    for step in Step:
        what, where = WHAT[step]
        same = [f"{each} of the same" for each in _in_order(AFTER_SAME.get(step, frozenset()))]
        rows.append(
            (
                f"`{step}`",
                what,
                where,
                ", ".join([*_in_order(AFTER.get(step, frozenset())), *same]),
                ", ".join(_in_order(BACK_AFTER.get(step, frozenset()))),
                "yes" if step in PARKED else "goes on",
            )
        )
    head = ("step", "makes stand", "at", "after", "taken back after", "parked by an order's hold")
    return _table(head, rows)


def holds_table() -> str:
    rows = [
        (f"`{reason}`", owner, clears_on(reason), "yes" if reason in WAIVABLE else "")
        for reason, owner in OWNERS.items()
    ]
    return _table(("reason", "owner", "clears on", "release accepts it"), rows)


def _in_order(steps: frozenset[Step]) -> list[str]:
    return [str(step) for step in Step if step in steps]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

"""What an order's page in Temporal's UI says: for operators, in their words."""

from datetime import datetime
from decimal import Decimal

from domain.amounts import order_value
from domain.base import Fact
from domain.effect import EffectState, Step
from domain.order import Order
from domain.status import order_status


class Found(Fact):
    """By what operators find an order: the search attributes that change."""

    company: str = ""
    status: str = ""
    hold_reasons: tuple[str, ...] = ()
    warehouses: tuple[str, ...] = ()
    invoices: tuple[str, ...] = ()
    total: Decimal = Decimal(0)
    closed_at: datetime | None = None


def found_by(order: Order) -> Found:
    return Found(
        company=order.terms.company if order.terms else "",
        status=str(order_status(order)),
        hold_reasons=tuple(sorted({hold.reason for hold in order.open_holds})),
        warehouses=tuple(sorted({source for line in order.lines for source in line.sources})),
        invoices=tuple(each.ref for each in order.effects_of(Step.INVOICE) if each.standing),
        total=order_value(order) or Decimal(0),
        closed_at=order.closed_at,
    )


def details(order: Order) -> str:
    """Where the order is, what holds it, what it waits for. Markdown, without personal data."""
    lines = [f"**{order_status(order)}**, revision {order.revision}", ""]
    lines += [
        f"- held: {hold.reason} ({hold.scope}) since {hold.since:%Y-%m-%d %H:%M}Z,"
        f" {hold.owner}; clears: {hold.clears_on}"
        for hold in order.open_holds
    ]
    for effect in order.effects.values():
        if effect.uncertain:
            words = _WORDS[effect.state]
            lines.append(f"- {effect.step} {effect.subject}: {words} {effect.system}".rstrip())
    lines += [
        f"- line {line.line}: {line.backordered:f} backordered"
        for line in order.lines
        if line.backordered and order.terms
    ]
    return "\n".join(lines)


_WORDS = {
    EffectState.SENT: "asked for, at",
    EffectState.PENDING: "accepted, the answer will come from",
    EffectState.UNKNOWN: "outcome unknown, to be asked for at",
    EffectState.UNCLEAR: "an answer nobody understands, from",
}

"""Capture: an order's lines held against master data and prices. Everything wrong is named at once.

Rules (INTERFACES, table of inputs and answers): an unknown customer, item or unit, a price off
contract and another currency than the customer's are matters to be decided, never refusals.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from domain.answer import Captured
from domain.base import Fact, Goal
from domain.catalog import CaptureFacts, Item, Location
from domain.documents import CaptureRequest, WantedLine
from domain.hold import Problem
from domain.kits import UnknownPart, parts_of
from domain.terms import LineTerms, Part, SourceTerms, Terms


class Offered(Fact):
    """What the customer pays per `unit`."""

    price: Decimal
    unit: str


class Routing(Fact):
    """Which system instance serves what, where master data does not say. `every_tms` are all there
    are.
    """

    systems: dict[str, str]
    wms: str
    tms: str
    every_tms: tuple[str, ...] = ()


def judge(
    request: CaptureRequest,
    facts: CaptureFacts,
    prices: Mapping[str, Offered | None],
    offers: Mapping[str, Goal],
    routing: Routing,
) -> Captured:
    """`prices` are by line, asked for in the line's unit; `offers` by location and item."""
    problems = _of_the_customer(request, facts)
    # In another currency than the customer's nothing has a price: that is not the line's problem.
    foreign = any(problem.reason == "currency_mismatch" for problem in problems)
    lines = {}
    kits: dict[str, tuple[Part, ...]] = {}
    asked: dict[str, LineTerms] = {}
    for line in request.lines:
        item = facts.items.get(line.item)
        if line.part_of and item is not None:
            continue  # priced with its kit, when that was captured
        found = _line(line, item, prices.get(line.line))
        if isinstance(found, Problem):
            if not (foreign and found.reason == "no_price"):
                problems.append(found)
        else:
            lines[line.line] = found
            assert item is not None
            wanted = _asked(line, item, found)
            if isinstance(wanted, Problem):
                problems.append(wanted)
            elif off := _off_contract(line, wanted, found):
                problems.append(off)
                asked[line.line] = wanted
            if item.kit:
                try:
                    kits[line.line] = parts_of(item, facts.items, found.stock_factor)
                except UnknownPart as part:
                    scope = f"line/{line.line}"
                    problems.append(Problem(reason="unknown_item", scope=scope, detail=str(part)))
    return Captured(
        standing=request.goal,
        terms=Terms(
            company=facts.company.id if facts.company else "",
            account=facts.account.id if facts.account else request.customer,
            payment_terms=facts.account.payment_terms if facts.account else "",
            tax_exempt=facts.customer.tax_exempt if facts.customer else False,
            lines=lines,
            sources=_sources(facts.locations, routing),
            systems=routing.systems,
        ),
        offers=dict(offers),
        problems=tuple(problems),
        asked=asked,
        kits=kits,
    )


def unit_of(line: WantedLine, item: Item) -> str:
    """The unit a line is in: its own, else the item's stock unit."""
    return line.unit or item.unit


def _of_the_customer(request: CaptureRequest, facts: CaptureFacts) -> list[Problem]:
    if facts.customer is None:
        return [Problem(reason="unknown_customer", detail=request.customer)]
    if facts.customer.currency != request.currency:
        detail = f"ordered in {request.currency}, the customer's is {facts.customer.currency}"
        return [Problem(reason="currency_mismatch", detail=detail)]
    return []


def _line(line: WantedLine, item: Item | None, price: Offered | None) -> LineTerms | Problem:
    scope = f"line/{line.line}"
    if item is None:
        return Problem(reason="unknown_item", scope=scope, detail=line.item)
    unit = unit_of(line, item)
    factor = item.factor(unit)
    if factor is None:
        return Problem(reason="unknown_unit", scope=scope, detail=f"{unit} of {item.id}")
    if price is None:
        return Problem(reason="no_price", scope=scope, detail=f"{item.id} in {unit}")
    per_price_unit = item.factor(price.unit)
    if per_price_unit is None:
        return Problem(reason="unknown_unit", scope=scope, detail=f"{price.unit} of {item.id}")
    return LineTerms(
        item=item.id,
        unit=unit,
        price=price.price,
        price_unit=price.unit,
        stock_factor=factor,
        price_stock_factor=per_price_unit,
        tax_code=item.tax_code or "",
        weight=(item.weight or Decimal(0)) * factor,
    )


def _asked(line: WantedLine, item: Item, terms: LineTerms) -> LineTerms | Problem:
    """The line at the channel's own price, by default per unit of the line, and discount."""
    given_for = line.price_unit or terms.unit
    if line.price is None:
        return terms.model_copy(update={"discount": line.discount})
    factor = item.factor(given_for)
    if factor is None:
        scope = f"line/{line.line}"
        return Problem(reason="unknown_unit", scope=scope, detail=f"{given_for} of {item.id}")
    return terms.model_copy(
        update={
            "price": line.price,
            "price_unit": given_for,
            "price_stock_factor": factor,
            "discount": line.discount,
        }
    )


def _off_contract(line: WantedLine, asked: LineTerms, terms: LineTerms) -> Problem | None:
    """Prices are compared in the unit that the channel's is for; ours has no discount."""
    theirs, ours = asked.net_price, terms.price
    if theirs * terms.price_stock_factor == ours * asked.price_stock_factor:
        return None
    if asked.price_unit != terms.price_unit:
        ours = ours * asked.price_stock_factor / terms.price_stock_factor
    off = f", less {asked.discount:f} %" if asked.discount else ""
    detail = f"{asked.price:f} per {asked.price_unit}{off} was given, {ours:f} is agreed"
    return Problem(reason="price_mismatch", scope=f"line/{line.line}", detail=detail)


def _sources(locations: Sequence[Location], routing: Routing) -> dict[str, SourceTerms]:
    found = {}
    for location in locations:
        tms = location.tms or routing.tms
        found[location.id] = SourceTerms(
            kind=location.kind,
            wms=location.wms or routing.wms,
            tms=tms,
            other_tms=tuple(each for each in routing.every_tms if each != tms),
            address=location.address,
        )
    return found

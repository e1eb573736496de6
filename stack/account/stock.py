"""Law 1: every position is the sum of its movements, nothing is promised twice, and what left our
ledger is what the warehouses were asked for by their own books.
"""

from decimal import Decimal

from domain.effect import Step
from stack.account.books import Account, Books, keys_of

CHAIN = """
select item, location, count(*), count(*) filter (where broken), max(n), sum(on_hand),
       sum(reserved), sum(damaged), sum(quarantined)
from (
    select *, on_hand_after - on_hand <> lag(on_hand_after, 1, 0) over chain
           or reserved_after - reserved <> lag(reserved_after, 1, 0) over chain
           or damaged_after - damaged <> lag(damaged_after, 1, 0) over chain
           or quarantined_after - quarantined <> lag(quarantined_after, 1, 0) over chain
           or n <> lag(n, 1, 0) over chain + 1 as broken
    from movement window chain as (partition by item, location order by n)
) as links group by item, location
"""
POSITIONS = (
    "select item, location, last, on_hand, reserved, damaged, quarantined from stock_position"
)
CLAIMED = """
select item, location, sum(quantity - shipped) from stock_claim group by item, location
"""
SHIPPED = """
select order_id, location, line, sum(shipped / factor) from stock_claim
group by order_id, location, line having sum(shipped) <> 0
"""
HELD = (
    "select order_id, line, location, quantity - shipped from stock_claim where quantity <> shipped"
)

UNBOOKED = """
select f.order_id, f.line, f.location, f.kind, sum(f.quantity)
from goods_fact f
where f.booked_at is null and not exists (
    select from dead_letter d
    where d.resolved_at is not null and d.source = f.source
      and d.detail ->> 'external_id' = f.message_id)
group by f.order_id, f.line, f.location, f.kind
"""


def account(books: Books) -> Account:
    found = Account("stock")
    _chains(books, found)
    _promises(books, found)
    _shipments(books, found)
    _unbooked(books, found)
    return found


def _chains(books: Books, found: Account) -> None:
    chains = {row[:2]: row[2:] for row in books.database.execute(CHAIN)}
    for item, location, last, *amounts in books.database.execute(POSITIONS):
        where = f"{item} at {location}"
        links, broken, highest, *sums = chains.get((item, location), (0, 0, 0, *[Decimal(0)] * 4))
        found.compare(f"{where}: movements", last, links)
        found.compare(f"{where}: links that do not fit", 0, broken)
        found.compare(f"{where}: last movement", last, highest or 0)
        for name, position, total in zip(
            ("on hand", "reserved", "damaged", "quarantined"), amounts, sums, strict=True
        ):
            found.compare(f"{where}: {name}, position and movements", total, position)


def _promises(books: Books, found: Account) -> None:
    claimed = {row[:2]: row[2] for row in books.database.execute(CLAIMED)}
    for item, location, _, on_hand, reserved, *_ in books.database.execute(POSITIONS):
        where = f"{item} at {location}"
        claims = claimed.get((item, location), Decimal(0))
        found.compare(f"{where}: reserved, position and claims", claims, reserved)
        found.compare(f"{where}: promised beyond what is there", True, reserved <= max(on_hand, 0))
    for order_id, line, location, quantity in books.database.execute(HELD):
        kept = books.orders.get(order_id)
        if kept and kept.settled:
            found.compare(f"{order_id} line {line}: held at {location} after its end", 0, quantity)


def _shipments(books: Books, found: Account) -> None:
    """By order, location and line: the ledger, and the warehouse's own book."""
    ours: dict[tuple[str, str], dict[str, Decimal]] = {}
    for order_id, location, line, quantity in books.database.execute(SHIPPED):
        ours.setdefault((order_id, location), {})[line] = quantity
    theirs: dict[tuple[str, str], dict[str, Decimal]] = {}
    for kept in books.settled:
        for effect in kept.order.effects_of(Step.RELEASE):
            total = theirs.setdefault((kept.order.id, effect.subject), {})
            for key in keys_of(kept.order, effect):
                for line, quantity in books.standing(key).items():
                    total[line] = total.get(line, Decimal(0)) + quantity
    for (order_id, location), lines in theirs.items():
        found.compare(
            f"{order_id}: shipped from {location}, warehouse and ledger",
            lines,
            ours.get((order_id, location), {}),
        )


def _unbooked(books: Books, found: Account) -> None:
    """Goods of lines their order does not have move no stock. Once nothing else is left to do for
    it, somebody has to decide about the dead letter that told of them.
    """
    for order_id, line, location, kind, quantity in books.database.execute(UNBOOKED):
        kept = books.orders.get(order_id)
        if kept and kept.settled:
            found.compare(f"{order_id} line {line}: {kind} at {location}, not booked", 0, quantity)

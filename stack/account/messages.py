"""Law 3: all that was accepted is applied, held, dead or still waiting; and every effect on an
outside system happened once, stands where we think it does, and is wanted by an order.
"""

from decimal import Decimal
from itertools import pairwise

from domain.base import tidy
from domain.effect import Effect, Step
from stack.account.books import Account, Books, Entry, Kept, keys_of, lines_of

UNAPPLIED = """
select i.order_id, i.n, i.kind, o.finished_at is not null as settled,
       i.stored_at < now() - interval '3 minutes' as old
from inbox i join orders o on o.id = i.order_id where i.applied_at is null
"""
FOR_NOBODY = """
select i.order_id, i.n, i.kind, i.stored_at < now() - interval '25 hours' as old
from inbox i where i.applied_at is null and i.kind <> 'skipped'
and not exists (select from orders o where o.id = i.order_id)
"""
"""An order nobody placed is waited for for a day; then its messages are dead letters, and a blank
is in the place of each."""
NUMBERS = """
select i.order_id, count(*), max(i.n), max(n.last), o.state ->> 'heard'
from inbox i join inbox_number n using (order_id) left join orders o on o.id = i.order_id
group by i.order_id, o.state ->> 'heard'
"""
UNPUBLISHED = (
    "select id from event where position is null and occurred_at < now() - interval '10 s'"
)
CREATED = """
select o.id, count(e.id) from orders o
left join event e on e.subject = 'orders/' || o.id and e.kind = 'throughline.order.created.v1'
where o.state is not null and o.revision > 0 group by o.id
"""


def account(books: Books) -> Account:
    found = Account("messages")
    for order_id, n, kind, settled, old in books.database.execute(UNAPPLIED):
        found.compare(
            f"{order_id} message {n} ({kind}): lost after its order's end", False, bool(settled)
        )
        found.compare(f"{order_id} message {n} ({kind}): not applied for minutes", False, bool(old))
    for order_id, n, kind, old in books.database.execute(FOR_NOBODY):
        found.compare(f"{order_id} message {n} ({kind}): its order never came", False, bool(old))
    for order_id, count, highest, last, heard in books.database.execute(NUMBERS):
        found.compare(f"{order_id}: messages without gaps", last, count)
        found.compare(f"{order_id}: last message", last, highest)
        kept = books.orders.get(order_id)
        if kept and kept.settled:
            found.compare(f"{order_id}: messages heard", last, int(heard or 0))
    for (event,) in books.database.execute(UNPUBLISHED):
        found.compare(f"event {event}: has a position", True, False)
    for order_id, count in books.database.execute(CREATED):
        found.compare(f"{order_id}: told as created", 1, count)
    _outside(books, found)
    return found


def _outside(books: Books, found: Account) -> None:
    known = {
        key
        for kept in books.orders.values()
        for effect in kept.order.effects.values()
        for key in keys_of(kept.order, effect)
    }
    for key, entries in books.by_key.items():
        found.compare(f"{key}: done twice in a row", 0, _repeated(entries))
        order_id = key.partition("/")[0]
        if order_id in books.orders:
            found.compare(f"{key}: wanted by its order", True, key in known)
        else:
            found.compare(f"{key}: of an order we know", True, False)
    for kept in books.settled:
        for effect in kept.order.effects.values():
            if effect.step.ours or not effect.step.kept:
                continue
            _earlier(books, kept, effect, found)
            key = kept.order.key(effect)
            entries = books.by_key.get(key, [])
            if any(entry.get("lines") for entry in entries) or not entries:
                found.compare(f"{key}: stands outside", tidy(effect.standing), books.standing(key))


ENDS_STANDING = (Step.RELEASE, Step.BOOK, Step.AUTHORISE)
"""Of these an earlier generation may stand for good. Goods that left stay released and booked, and
what is wanted beyond them is another release; a claim drawn in full needs no letting go.
"""


def _earlier(books: Books, kept: Kept, effect: Effect, found: Account) -> None:
    """A generation ends when nothing stands under its key, so nothing may be there ever after."""
    earlier = keys_of(kept.order, effect)[:-1]
    if effect.step is Step.BOOK:
        release = kept.order.effect(Step.RELEASE, effect.subject)
        left = keys_of(kept.order, release)[:-1] if release else []
        over = _count(books, earlier) > _count(books, left)
        found.compare(f"{kept.order.key(effect)}: more bookings than releases", False, over)
    if effect.step in ENDS_STANDING:
        return  # what was released is compared with what left, in the account of stock
    for key in earlier:
        entries = books.by_key.get(key)
        told = _state(entries[-1]) if entries else NOTHING
        found.compare(f"{key}: stands beside a later one", False, told != NOTHING)


def _count(books: Books, keys: list[str]) -> int:
    return sum(bool(books.standing(key)) for key in keys)


def _repeated(entries: list[Entry]) -> int:
    """How often what stood already was made to stand again. Nothing may stand any number of times:
    a claim that was raised is several claims there, and each of them is let go.
    """
    return sum(_state(one) == _state(other) != NOTHING for one, other in pairwise(entries))


NOTHING: tuple[dict[str, Decimal], Decimal] = ({}, Decimal(0))


def _state(entry: Entry) -> tuple[dict[str, Decimal], Decimal]:
    return lines_of(entry), Decimal(entry.get("amount", 0))

"""Everything that comes in: stored, handed over to its order, applied by that order's record."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, get_args

from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from pydantic import ValidationError

from adapters.crash import crash_point
from adapters.postgres.content import OURS, hash_of_message, hashes_of, stored_hash
from adapters.postgres.statement import JsonText, value_of
from domain.message import MESSAGE, Message, Milestone, MilestoneKind, Placed
from domain.order import Outcome

_GOODS = {
    MilestoneKind.SHIPPED: "shipped",
    MilestoneKind.RETURN_RECEIVED: "return_received",
    MilestoneKind.RETURN_INSPECTED: "return_inspected",
}

_COMMANDS = [
    kind.model_fields["kind"].default
    for kind in get_args(get_args(Message)[0])
    if "by" in kind.model_fields
]
"""Kinds of what people ask of an order: each may change it."""

ACCEPT = b"select accept_order(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
STORE = b"select store_message(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
COMMAND = b"select store_command(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
HASHED_ORDER = b"update orders set content = %s where id = %s and content = %s"
HASHED_MESSAGE = b"""
update inbox set content = %s where source = %s and external_id = %s and content = %s
"""
# First which orders are next, and only of these everything that waits: many may wait.
_WAITING = """
with due as (
    select i.order_id, min(i.stored_at) as since from inbox i
    where i.applied_at is null and i.bucket %% %s = %s and {due}
    group by i.order_id order by since limit {limit}
)
select i.order_id, o.run is not null and o.finished_at is null as started,
       array_agg(i.n order by i.n) as numbers,
       array_agg(i.body || jsonb_build_object('n', i.n, 'correlation_id', i.correlation_id)
                 || case when i.kind = 'accept'
                        then jsonb_build_object('received_at', i.stored_at) else '{{}}' end
                 order by i.n) as bodies,
       array_agg(i.xmin::text order by i.n) as versions
from due join orders o on o.id = due.order_id join inbox i on i.order_id = due.order_id
where i.applied_at is null {and_only}
group by i.order_id, o.run, o.finished_at, due.since order by due.since
"""
FRESH = _WAITING.format(
    due="i.handed_at is null and exists (select from orders o where o.id = i.order_id)",
    and_only="and i.handed_at is null",
    limit="""(
        select case when %s - count(*) >= %s then %s - count(*) else 0 end
        from inbox h where h.bucket %% %s = %s
        and h.applied_at is null and h.handed_at > now() - %s)""",
).encode()
STALE = _WAITING.format(
    due="""i.handed_at < now()
        - greatest(%s, least(i.handed_at - i.stored_at, interval '10 minutes'))""",
    and_only="",
    limit="%s",
).encode()
HANDED = b"""
update inbox set handed_at = now()
from unnest(%s::text[], %s::int[], %s::text[]) as h(order_id, n, version)
where inbox.order_id = h.order_id and inbox.n = h.n and inbox.applied_at is null
  and inbox.xmin::text = h.version and holds_lease(%s, %s)
"""
OUTCOME = (
    b"select applied_at is not null, outcome from inbox where source = %s and external_id = %s"
)
UNKNOWN = b"""
select bury_message(i.order_id, i.n, 'unknown_order', '{}')
from inbox i where i.applied_at is null and i.handed_at is null and i.kind <> 'skipped'
and i.stored_at < now() - %s and not exists (select from orders o where o.id = i.order_id)
"""
BURY = b"select bury_message(%s, %s, %s, %s)"


@dataclass(frozen=True)
class Accepted:
    """What became of an order at the door.

    `repeat`: same Idempotency-Key and request. `same`: same channel, reference and content.
    `made_it` and `duplicate_of` of a repeat are what it was told first: whether it made the order,
    and which one that is like.
    """

    outcome: Literal["accepted", "repeat", "same", "key_reused", "conflict"]
    order_id: str
    duplicate_of: str = ""
    made_it: bool = False


@dataclass(frozen=True)
class Stored:
    """What became of a message at the door; `n` is its number among its order's.

    `stale`: the order it is for went on, or is about to.
    """

    outcome: Literal["stored", "repeat", "conflict", "unknown_order", "stale"]
    order_id: str = ""
    n: int = 0


@dataclass(frozen=True)
class Waiting:
    """What waits for one order, oldest first. `started`: a run of it has been heard of. `versions`
    tells whether somebody has written to a message since.
    """

    order_id: str
    started: bool
    numbers: Sequence[int]
    messages: Sequence[Message]
    versions: Sequence[str]


class Inbox:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    # at the door

    async def accept_order(
        self,
        order_id: str,
        placed: Placed,
        *,
        raw: bytes,
        source: str,
        owner: str = "",
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Keep an order under the id it shall have, unless it is known. One round trip."""
        order = placed.order
        values = (
            order_id,
            source,
            placed.id,
            order.channel,
            order.reference,
            order.customer,
            order.currency,
            *hashes_of(order),
            owner,
            idempotency_key,
            hashlib.sha256(raw).hexdigest(),
            _body(placed),
            raw,
            placed.correlation_id,
        )
        answer = await value_of(self._pool, ACCEPT, values)
        if answer["is"] == "older":
            by_value = stored_hash(answer["content"], answer["body"])
            await self._note(HASHED_ORDER, (by_value, answer["order_id"], answer["content"]))
            answer = await value_of(self._pool, ACCEPT, values)
        crash_point("accept")
        made_it = answer.get("made_it", answer["is"] == "accepted")
        return Accepted(answer["is"], answer["order_id"], answer.get("duplicate_of") or "", made_it)

    async def store(
        self,
        order_id: str,
        message: Message,
        *,
        source: str,
        raw: bytes,
        known_only: bool = False,
        goods_told: bool = False,
    ) -> Stored:
        """Keep a message, and move the stock it reports, once.

        `known_only`: for an order nobody placed it is not kept, but `unknown_order`. `goods_told`:
        the ledger was told of its goods before, under another id.
        """
        goods = None if goods_told else _goods(message)
        values = (*_message(order_id, message, source, raw), goods, known_only)
        return await self._stored(STORE, values)

    async def store_command(
        self,
        order_id: str,
        message: Message,
        *,
        source: str,
        raw: bytes,
        revision: int | None = None,
    ) -> Stored:
        """Keep a command for an order that is known, once; a `conflict` leaves nothing behind.

        `revision`: only while the order is at it and no other command is still to be applied. Of
        many that name the same one, one is kept.
        """
        values = (*_message(order_id, message, source, raw), revision, _COMMANDS)
        return await self._stored(COMMAND, values)

    async def outcome(self, source: str, external_id: str) -> Outcome | None:
        """What became of a message; `None` while its order has not recorded it."""
        async with self._pool.connection() as db:
            row = await (await db.execute(OUTCOME, (source, external_id))).fetchone()
        if row is None or not row[0]:
            return None
        return Outcome.model_validate({"n": 0, **row[1]})

    # handing over

    async def fresh(
        self,
        part: int,
        parts: int,
        limit: int = 100,
        *,
        within: timedelta = timedelta(),
        at_least: int = 1,
    ) -> list[Waiting]:
        """What has not been handed over yet, of one of `parts` parts of all orders.

        For as many orders as `limit` leaves room for beside what was handed over `within` and is
        not applied yet, and for none while that is room for fewer than `at_least`.
        """
        room = (limit, at_least, limit)
        return await self._waiting(FRESH, (parts, part, *room, parts, part, within))

    async def stale(self, part: int, parts: int, after: timedelta, limit: int) -> list[Waiting]:
        """Everything that waits for orders which have not applied in time what they were given.

        Ever less often, down to every ten minutes: each time adds to the order's history.
        """
        return await self._waiting(STALE, (parts, part, after, limit))

    async def handed_over(self, given: Sequence[Waiting], lease: str, epoch: int) -> None:
        """Note it, unless somebody else has the lease by now, or a rebuild wants it handed over
        anew: the run that was told is over then.
        """
        orders = [each.order_id for each in given for _ in each.numbers]
        numbers = [n for each in given for n in each.numbers]
        versions = [version for each in given for version in each.versions]
        async with self._pool.connection() as db:
            await db.execute(HANDED, (orders, numbers, versions, lease, epoch))
        crash_point("handed")

    async def bury_unknown(self, after: timedelta) -> int:
        """Make dead letters of messages whose order nobody placed in time; how many."""
        async with self._pool.connection() as db:
            return (await db.execute(UNKNOWN, (after,))).rowcount

    async def bury(self, order_id: str, n: int, reason: str, detail: str) -> None:
        """Make a dead letter of a message, and let a blank take its number."""
        async with self._pool.connection() as db:
            await db.execute(BURY, (order_id, n, reason, Jsonb({"detail": detail[:500]})))
        crash_point("bury")

    async def _stored(self, query: bytes, values: tuple[Any, ...]) -> Stored:
        answer = await value_of(self._pool, query, values)
        if answer["is"] == "older":
            _, source, external_id, *_ = values
            by_value = stored_hash(answer["content"], answer["body"])
            await self._note(HASHED_MESSAGE, (by_value, source, external_id, answer["content"]))
            answer = await value_of(self._pool, query, values)
        crash_point("store")
        return Stored(answer["is"], answer.get("order_id", ""), answer.get("n", 0))

    async def _note(self, statement: bytes, values: tuple[Any, ...]) -> None:
        async with self._pool.connection() as db:
            await db.execute(statement, values)

    async def _waiting(self, query: bytes, values: tuple[Any, ...]) -> list[Waiting]:
        async with self._pool.connection() as db:
            rows = await (await db.execute(query, values)).fetchall()
        return [
            Waiting(
                order_id, started, numbers, await self._read(order_id, numbers, bodies), versions
            )
            for order_id, started, numbers, bodies, versions in rows
        ]

    async def _read(
        self, order_id: str, numbers: Sequence[int], bodies: Sequence[Mapping[str, Any]]
    ) -> list[Message]:
        """What cannot be read blocks nobody: it is buried, and a blank stands in for it."""
        messages: list[Message] = []
        for n, body in zip(numbers, bodies, strict=True):
            try:
                messages.append(MESSAGE.validate_python(body))
            except ValidationError as failure:
                await self.bury(order_id, n, "unreadable", str(failure))
                blank = {"kind": "skipped", "id": body.get("id") or f"{order_id}/{n}", "n": n}
                messages.append(MESSAGE.validate_python(blank))
        return messages


def _body(message: Message) -> JsonText:
    return JsonText(message.model_dump_json(exclude=OURS))


def _message(order_id: str, message: Message, source: str, raw: bytes) -> tuple[Any, ...]:
    return (
        order_id,
        source,
        message.id,
        message.kind,
        _body(message),
        raw,
        hash_of_message(message),
        message.correlation_id,
    )


def _goods(message: Message) -> Jsonb | None:
    """The goods a milestone reports, as the ledger books them."""
    if not isinstance(message, Milestone) or message.milestone not in _GOODS:
        return None
    return Jsonb(
        [
            {
                "number": number,
                "kind": _GOODS[message.milestone],
                "line": line.line,
                "location": message.source,
                "document": message.document,
                "disposition": line.disposition,
                "quantity": f"{line.quantity:f}",
                "occurred_at": message.occurred_at.isoformat(),
            }
            for number, line in enumerate(message.lines, 1)
        ]
    )

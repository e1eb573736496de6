"""What can be seen of one order, everywhere it leaves traces; and whether all of that agrees."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

import httpx
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import TerminatedError

from adapters.registry import Adapters
from domain.base import added
from domain.effect import Step
from domain.order import Order, workflow_id
from domain.plan import unmet
from domain.status import order_status, quantities
from tests.workflows.partners import MemorySystems

Entry = tuple[str, str, dict[str, str]]
"""System, key without the order, and what stood there from then on."""


class Looking:
    client: Client
    adapters: Adapters
    order: str
    memory: MemorySystems | None
    simulators: Mapping[str, str]
    slow: float
    """How many times longer everything may take."""

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(workflow_id(self.order))

    # the order itself

    async def state(self) -> Order | None:
        return await self.adapters.books.records.load(self.order)

    async def known(self) -> Order:
        state = await self.state()
        assert state is not None, "never recorded"
        return state

    async def until(self, met: Callable[[Order], bool], *, within: float = 30) -> Order:
        state = None
        try:
            async with asyncio.timeout(within * self.slow):
                while not (state := await self.state()) or not met(state):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"never got there: {state!r}") from None
        return state

    async def reaches(self, status: str, *, within: float = 30) -> Order:
        return await self.until(lambda order: order_status(order) == status, within=within)

    async def settles(self, status: str, *, within: float = 30) -> Order:
        """That status, and nothing to do at the moment."""
        return await self.until(
            lambda order: order_status(order) == status and not unmet(order), within=within
        )

    async def held(self, reason: str, *, within: float = 30) -> str:
        """The id of the open hold of this reason, once there is one."""
        order = await self.until(
            lambda order: any(hold.reason == reason for hold in order.open_holds), within=within
        )
        return next(hold.id for hold in order.open_holds if hold.reason == reason)

    async def ends(self, status: str, *, within: float = 30) -> Order:
        """Every message heard, closed, every outcome known, and nothing running."""
        order = None
        try:
            async with asyncio.timeout(within * self.slow):
                while (
                    await self.unapplied()
                    or not (order := await self._over(status))
                    or await self._result() != status
                ):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"never ended {status}: {await self.state()!r}") from None
        return order

    async def _result(self) -> str | None:
        """Of its present run; `None` of one that was reset just now."""
        try:
            return str(await self.handle.result())
        except WorkflowFailureError as failure:
            if isinstance(failure.cause, TerminatedError):
                return None
            raise

    async def _over(self, status: str) -> Order | None:
        order = await self.state()
        if order is None or not order.closed or order_status(order) != status:
            return None
        return None if any(effect.uncertain for effect in order.effects.values()) else order

    # our own books

    async def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        async with self.adapters.books.pool.connection() as db:
            result = await db.execute(query.encode(), values)
            return await result.fetchall() if result.description else []

    async def told(self) -> list[str]:
        """The events of the order: kind and fact. How often it told of reservations does not count:
        that depends on which answers came together.
        """
        rows = await self.sql(
            "select split_part(kind, '.', 3), coalesce(data ->> 'reason', replace(id, %s, ''))"
            " from event where subject = %s",
            self.order,
            f"orders/{self.order}",
        )
        often = ("allocated", "backordered")
        return sorted({kind if kind in often else f"{kind} {fact}" for kind, fact in rows})

    async def events(self) -> dict[str, int]:
        return dict(Counter(each.partition(" ")[0] for each in await self.told()))

    async def stock(self) -> dict[str, tuple[int, int]]:
        """On hand and reserved by item, checked against the movements and the claims behind it."""
        rows = await self.sql(
            "select item, on_hand, reserved,"
            " (select sum(m.on_hand) from movement m"
            "   where m.item = s.item and m.location = s.location),"
            " coalesce((select sum(quantity - shipped) from stock_claim c"
            "   where c.item = s.item and c.location = s.location), 0) from stock_position s"
        )
        total: dict[str, tuple[int, int]] = {}
        for item, on_hand, reserved, moved, claimed in rows:
            assert on_hand == (moved or 0)
            assert reserved == claimed
            before = total.get(item, (0, 0))
            total[item] = (before[0] + int(on_hand), before[1] + int(reserved))
        return total

    async def credit(self) -> tuple[int, int]:
        """Open and invoiced, checked against the claims."""
        rows = await self.sql(
            "select open, invoiced, (select coalesce(sum(open), 0) from credit_claim),"
            " (select coalesce(sum(invoiced), 0) from credit_claim) from credit_account"
        )
        if not rows:
            return 0, 0
        ((opened, invoiced, *claimed),) = rows
        assert [opened, invoiced] == claimed
        return int(opened), int(invoiced)

    async def unapplied(self) -> int:
        rows = await self.sql("select count(*) from inbox where applied_at is null")
        return int(rows[0][0])

    async def runs(self) -> int:
        """How many runs have had the order."""
        rows = await self.sql(
            "select cardinality(replaced) + 1 from orders where id = %s", self.order
        )
        return int(rows[0][0])

    # partners' books

    async def book(self) -> list[Entry]:
        """What was done at the partners, by system and key, and per key in its order."""
        if self.memory:
            done = [
                (name, effect.key, _plain(effect.goal))
                for name, partner in self.memory.partners.items()
                for effect in partner.book
            ]
        else:
            done = [each async for each in self._simulated()]
        whose = f"{self.order}/"
        mine = [(n, k.removeprefix(whose), goal) for n, k, goal in done if k.startswith(whose)]
        return sorted(mine, key=lambda entry: entry[:2])

    async def _simulated(self) -> Any:
        async with httpx.AsyncClient(trust_env=False) as web:
            for name, url in self.simulators.items():
                found = await web.get(f"{url}/_sim/effects", params={"order": self.order})
                for each in found.json():
                    if "/authorise/" in each["key"]:
                        continue  # one claim may be several there, and parts of it be given back
                    money = {"amount": each["amount"]} if "lines" not in each else {}
                    goal = {n: Decimal(q) for n, q in (money or each["lines"]).items()}
                    yield name, each["key"], _plain({n: q for n, q in goal.items() if q})

    # all of it

    async def ending(self) -> dict[str, Any]:
        """Everything that two ways to the same end must have in common."""
        order = await self.known()
        counted = {line.line: quantities(order, line) for line in order.lines}
        return {
            "status": str(order_status(order)),
            "closed": order.closed,
            "lines": {n: _plain(dict(each)) for n, each in counted.items()},
            "standing": {
                name: _plain(effect.standing)
                for name, effect in sorted(order.effects.items())
                if effect.step.kept
            },
            "holds": sorted(f"{hold.reason} {hold.open}" for hold in order.holds),
            "stock": await self.stock(),
            "credit": await self.credit(),
            "events": await self.told(),
            "book": await self.book(),
            "dead": await self.sql("select kind, reason from dead_letter order by 1, 2"),
            "unapplied": await self.unapplied(),
        }

    async def assert_agreed(self) -> None:
        """Order, read model, stock, credit and the partners' books say the same, and nothing was
        done twice on the way.
        """
        order = await self.known()
        ((status, finished),) = await self.sql(
            "select status, finished_at is not null from orders where id = %s", self.order
        )
        assert (status, finished) == (order_status(order), order.closed)
        await self._agrees_on_stock(order)
        await self._agrees_on_credit(order)
        book = await self.book()
        now = {(system, key): goal for system, key, goal in book}
        stands = {key: goal for (_, key), goal in now.items() if goal}
        for key in self._gone_before(order, stands):
            del stands[key]
        assert stands == {
            order.key(effect).removeprefix(f"{self.order}/"): _plain(effect.standing)
            for effect in order.effects.values()
            if effect.standing and not effect.step.ours and self._is_told(effect.step)
        }
        for before, after in pairwise(book):
            assert before != after, "done twice"

    def _gone_before(self, order: Order, stands: Mapping[str, dict[str, str]]) -> list[str]:
        """The keys of releases that have left, and of their transport."""
        gone = []
        for release in order.effects_of(Step.RELEASE):
            place = release.subject
            keys = [f"{release.name}/{n}" for n in range(1, release.generation)]
            asked = added(*({n: Decimal(q) for n, q in stands.get(k, {}).items()} for k in keys))
            left = {line.line: line.shipped.get(place, Decimal(0)) for line in order.lines}
            assert all(quantity <= left[number] for number, quantity in asked.items())
            booking = order.effect(Step.BOOK, place)
            keys += [f"{booking.name}/{n}" for n in range(1, booking.generation)] if booking else []
            gone += [key for key in keys if key in stands]
        return gone

    def _is_told(self, step: Step) -> bool:
        return step.kept and (bool(self.memory) or step is not Step.AUTHORISE)

    async def _agrees_on_stock(self, order: Order) -> None:
        await self.stock()
        rows = await self.sql(
            "select line || '/' || location, quantity / factor from stock_claim"
            " where order_id = %s and quantity <> 0",
            self.order,
        )
        assert _plain(dict(rows)) == _plain(order.standing(Step.STOCK))

    async def _agrees_on_credit(self, order: Order) -> None:
        await self.credit()
        rows = await self.sql(
            "select account, open, invoiced from credit_claim where order_id = %s", self.order
        )
        claims = {a: {"open": o, "invoiced": i} for a, o, i in rows}
        for effect in order.effects_of(Step.CREDIT):
            claim = claims.pop(effect.subject, {})
            assert {n: q for n, q in claim.items() if q} == effect.standing
        assert not claims


def _plain(goal: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: f"{amount.normalize():f}" for name, amount in goal.items()}

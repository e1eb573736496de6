"""Key figures of a few orders whose every moment is known, beside what they come to by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.dead_letters import DeadLetters
from adapters.postgres.inbox import Inbox
from adapters.postgres.kpis import Asked, Failures, Measured, Share, Spread, measure
from adapters.postgres.ledger import Ledger, Movement
from adapters.postgres.records import Records
from domain.answer import Done
from domain.deadlines import expire
from domain.hearing import hear
from domain.message import (
    CancelRequested,
    HoldPlaced,
    HoldReleased,
    Message,
    Milestone,
    MilestoneKind,
    MilestoneLine,
    Placed,
)
from domain.order import Entry, Order
from domain.plan import plan
from domain.settling import intend, settle
from tests.domain.world import Outside, order_in
from tests.postgres.books import Books

ENGINE, RUN = "engine", "run-1"
DAY = date(2026, 3, 2)
WINDOW = Asked(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
NOTHING = Spread(0, None, None)


def at(clock: str, day: int = 2) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day:02}T{clock}Z")


def stock(**quantities: int) -> dict[tuple[str, str], Decimal]:
    """Of the one item there is."""
    return {(place, "BOLT"): Decimal(quantity) for place, quantity in quantities.items()}


@dataclass
class Told:
    """One order as it goes: what came for it, what was done for it, and when."""

    pool: AsyncConnectionPool
    order: Order
    outside: Outside

    async def hear(self, message: Message, source: str, clock: datetime) -> None:
        """Stored, heard and recorded; `clock` is when it was stored."""
        await Inbox(self.pool).store(self.order.id, message, source=source, raw=b"{}")
        await self.hear_all(clock)
        await self._set("inbox", "stored_at", clock, message.id)

    async def hear_all(self, clock: datetime) -> None:
        """All that waits for it."""
        waits = [w for part in range(16) for w in await Inbox(self.pool).fresh(part, 16)]
        for message in next(w.messages for w in waits if w.order_id == self.order.id):
            assert hear(self.order, message, clock)
        await self.record()

    async def go_on(self, clock: datetime) -> None:
        """All that is to be done now is done, as far as the world lets it."""
        while actions := plan(self.order):
            for action in actions:
                intend(self.order, action, clock)
                settle(self.order, action.effect, self.outside.do(action, "done"), clock)
        await self.record()

    async def ship(self, source: str, quantity: int, left: datetime, late: int) -> None:
        """Goods of line 1 left; it was told so many seconds later."""
        self.outside.ship(source, {"1": Decimal(quantity)})
        await self._milestone(MilestoneKind.SHIPPED, source, quantity, left, late)
        await self.go_on(left)

    async def deliver(self, source: str, quantity: int, came: datetime, late: int) -> None:
        await self._milestone(MilestoneKind.DELIVERED, source, quantity, came, late)
        await self.go_on(came)

    async def close(self, clock: datetime) -> None:
        self.order.close(clock)
        await self.record()
        await self._set("orders", "finished_at", clock)

    async def record(self) -> None:
        self.order.revision += 1
        entry = Entry(order=self.order, run=RUN, engine=ENGINE, history_length=self.order.revision)
        await Records(self.pool).save(entry, taking_from=None)
        self.order.news.clear()
        self.order.outcomes.clear()

    async def placed_at(self, clock: datetime, latency: int | None) -> None:
        """It was accepted then, and recorded first so many seconds later."""
        await self._set("orders", "placed_at", clock)
        reference = f"ref-{self.order.id}"
        await self._set("inbox", "stored_at", clock, reference)
        if latency is not None:
            applied = clock + timedelta(seconds=latency)
            await self._set("inbox", "applied_at", applied, reference)

    async def _milestone(
        self, kind: MilestoneKind, source: str, quantity: int, happened: datetime, late: int
    ) -> None:
        message = Milestone(
            id=f"{kind}-{source}-{self.order.id}",
            milestone=kind,
            source=source,
            occurred_at=happened,
            lines=(MilestoneLine(line="1", quantity=Decimal(quantity)),),
        )
        await self.hear(message, f"warehouse/{source}", happened + timedelta(seconds=late))

    async def _set(self, table: str, column: str, clock: datetime, message: str = "") -> None:
        """These columns are PostgreSQL's own clock; here it stood at this moment."""
        where = "external_id = %s and order_id = %s" if message else "id = %s"
        which = (message, self.order.id) if message else (self.order.id,)
        query = f"update {table} set {column} = %s where {where}"
        async with self.pool.connection() as db:
            changed = await db.execute(query.encode(), (clock, *which))
        assert changed.rowcount == 1


@dataclass
class Shop:
    pool: AsyncConnectionPool

    async def open(self) -> None:
        await Records(self.pool).claim_engine(ENGINE)

    async def accept(
        self,
        id: str,
        on_hand: Mapping[tuple[str, str], Decimal],
        *,
        channel: str = "web",
        street: str = "",
        fulfilment: str = "partial",
        **header: Any,
    ) -> Told:
        """Five of one item, wanted by somebody who lives in a street of this name."""
        wanted = order_in({"1": 5}, fulfilment=fulfilment)
        address = wanted.ship_to.model_copy(update={"line1": street or id})
        changes = {"channel": channel, "reference": f"ref-{id}", "ship_to": address, **header}
        wanted = wanted.model_copy(update=changes)
        accepted = await Inbox(self.pool).accept_order(
            id,
            Placed(id=wanted.reference, order=wanted),
            raw=b"{}",
            source=f"channel/{channel}",
        )
        assert accepted.outcome == "accepted"
        return Told(self.pool, Order(id=id), Outside(id, ["1"], dict(on_hand)))

    async def move(self, id: str, happened: datetime, booked: datetime) -> None:
        """A stock feed told of it; PostgreSQL's clock stood at `booked`."""
        movement = Movement(id, "receipt", "BOLT", "EAST", Decimal(1), happened)
        await Ledger(self.pool).book_movement(movement, source="warehouse/EAST")
        await self.sql("update movement set recorded_at = %s where movement_id = %s", booked, id)

    async def reserve(self, order: str, booked: datetime) -> None:
        """A movement of our own: nobody told us of it."""
        books = Books(self.pool)
        await books.fill()
        assert isinstance(await books.claim(order, {"1": 2}), Done)
        await self.sql("update movement set recorded_at = %s where movement_id is null", booked)

    async def bury(self, id: str, made: datetime, reason: str, order: str = "") -> None:
        detail = {"order_id": order} if order else {}
        await DeadLetters(self.pool).add(
            id, kind="milestone", source="warehouse/EAST", reason=reason, detail=detail, body=b""
        )
        await self.sql("update dead_letter set created_at = %s where id = %s", made, id)

    async def sql(self, query: str, *values: object) -> None:
        async with self.pool.connection() as db:
            await db.execute(query.encode(), values)

    async def measured(self, **asked: Any) -> Measured:
        return await measure(self.pool, Asked(**vars(WINDOW) | asked))


@pytest.fixture
async def shop(pool: AsyncConnectionPool) -> Shop:
    """What is in it is told here, order by order, with the moments that count."""
    shop = Shop(pool)
    await shop.open()
    fourth = date(2026, 3, 4)

    straight = await shop.accept("straight", stock(EAST=9), requested_date=fourth)
    split = await shop.accept("split", stock(EAST=3, WEST=2), requested_date=date(2026, 3, 3))
    short = await shop.accept("short", stock(EAST=2), street="Twin Road")
    twin = await shop.accept("twin", stock(), street="Twin Road", channel="edi", company="US")
    killed = await shop.accept(
        "killed", stock(EAST=4), fulfilment="fill_or_kill", requested_date=fourth
    )
    lapsed = await shop.accept(
        "lapsed", stock(EAST=2), requested_date=fourth, cancel_after=date(2026, 3, 3)
    )
    unheard = await shop.accept("unheard", stock(), channel="edi", company="CA")
    before = await shop.accept("before", stock(EAST=9))

    for order, clock in ((straight, at("08:00")), (split, at("09:00")), (short, at("10:00"))):
        await order.hear_all(clock)
    await twin.hear_all(at("10:30"))
    await killed.hear_all(at("11:00"))
    await lapsed.hear_all(at("11:30"))
    await before.hear_all(at("23:00", 1))

    # Straight: left after two hours, which was told half a minute later; came two days later, told
    # five minutes later; closed after 52 hours.
    await straight.go_on(at("08:01"))
    await straight.ship("EAST", 5, at("10:00"), 30)
    await straight.deliver("EAST", 5, at("10:00", 4), 300)
    await straight.close(at("12:00", 4))

    # Split: held for half an hour; the second part left 24 hours after it was placed, and only the
    # first came on the day it should.
    held = HoldPlaced(id="hold-it", by="me")
    await split.hear(held, "command/me", at("09:10"))
    await split.hear(
        HoldReleased(id="let-it-go", hold=split.order.holds[0].id, by="me"),
        "command/me",
        at("09:40"),
    )
    await split.go_on(at("09:41"))
    await split.ship("EAST", 3, at("13:00"), 60)
    await split.ship("WEST", 2, at("09:00", 3), 90)
    await split.deliver("EAST", 3, at("18:00", 3), 50)

    # Short: two of five are there, and have left; held since eleven.
    await short.go_on(at("10:01"))
    await short.ship("EAST", 2, at("10:30"), 40)
    await short.hear(HoldPlaced(id="hold-that", by="me"), "command/me", at("11:00"))

    # Twin: held since it came; one of its five is cancelled meanwhile.
    less = CancelRequested(id="less", by="me", lines={"1": Decimal(1)})
    await twin.hear(less, "command/me", at("11:00"))

    # Killed: four of five are there.
    await killed.go_on(at("11:01"))
    await killed.close(at("11:02"))

    # Lapsed: two of five left after three hours and came the next day; then its last day was over.
    await lapsed.go_on(at("11:31"))
    await lapsed.ship("EAST", 2, at("14:30"), 10)
    await lapsed.deliver("EAST", 2, at("09:00", 3), 20)
    expire(lapsed.order, at("00:01", 4))
    await lapsed.go_on(at("00:02", 4))

    await before.go_on(at("23:01", 1))
    await before.ship("EAST", 5, at("23:02", 1), 5)

    await straight.placed_at(at("08:00"), 2)
    await split.placed_at(at("09:00"), 4)
    await short.placed_at(at("10:00"), 6)
    await twin.placed_at(at("10:30"), 8)
    await killed.placed_at(at("11:00"), 10)
    await lapsed.placed_at(at("11:30"), 12)
    await unheard.placed_at(at("12:00"), None)
    await before.placed_at(at("23:00", 1), 100)
    await shop.sql("update wanted set since = now() - interval '2 hours'")

    await shop.move("m-1", at("09:00"), at("09:00:01"))
    await shop.move("m-2", at("09:00"), at("09:00:04"))
    await shop.move("m-3", at("09:00"), at("09:00:30", 3))
    await shop.reserve("twin", at("09:00"))
    await shop.bury("d-1", at("09:00"), "unknown_order")
    await shop.bury("d-2", at("09:00"), "not_understood", "straight")
    await shop.bury("d-3", at("09:00"), "not_understood", "twin")
    await shop.bury("d-4", at("09:00", 3), "not_understood", "straight")
    await DeadLetters(pool).resolve("d-2", "dismissed")
    return shop


async def test_orders_and_what_they_are_now(shop: Shop) -> None:
    measured = await shop.measured()

    assert (measured.orders, measured.complete) == (7, True)
    assert measured.by_status == {
        **{"closed": 1, "invoiced": 2, "held": 2, "cancelled": 1, "received": 1}
    }


async def test_times_from_one_moment_to_another(shop: Shop) -> None:
    spreads = (await shop.measured()).spreads

    def of(name: str) -> tuple[int, float | None, float | None]:
        return spreads[name].count, spreads[name].median, spreads[name].p90

    # Left after 2, 3 and 24 h: at nine tenths 3 h + 0.8 * 21 h. Of the short one not all has left.
    assert of("cycle_time_shipped") == pytest.approx((3, 3 * 3600, 19.8 * 3600))
    # Only the straight one; the killed one was cancelled.
    assert of("cycle_time_closed") == pytest.approx((1, 52 * 3600, 52 * 3600))
    # 2, 4, 6, 8, 10, 12 s, and one not heard yet.
    assert of("ingestion_latency") == pytest.approx((6, 7, 11))
    # 10, 20, 30, 40, 50, 60, 90, 300 s: 90 + 0.3 * 210 at nine tenths.
    assert of("shipment_update_timeliness") == pytest.approx((8, 45, 153))
    # 1 and 4 s; the third was booked after the window, and a reservation is our own.
    assert of("inventory_sync_delay") == pytest.approx((2, 2.5, 3.7))
    assert of("time_to_resolve") == pytest.approx((1, 1800, 1800))


async def test_what_is_open_now_has_an_age(shop: Shop) -> None:
    spreads = (await shop.measured()).spreads

    assert spreads["backorder_age"].count == 1
    assert spreads["backorder_age"].median == pytest.approx(7200, abs=60)
    # The short one since 11:00, the twin since 10:30.
    holds = spreads["open_hold_age"]
    since = (datetime.now(UTC) - at("10:45")).total_seconds()
    assert holds.count == 2
    assert holds.median == pytest.approx(since, abs=60)


async def test_shares_of_a_whole(shop: Shop) -> None:
    shares = (await shop.measured()).shares

    assert shares == {
        "exception_rate": Share(3, 6),  # split, short, twin; unheard has no record
        "duplicate_rate": Share(1, 7),  # twin
        "fill_rate": Share(2, 5),  # straight, split; twin and unheard have not asked for stock
        "on_time_in_full": Share(1, 4),  # straight; split, killed, lapsed are not
        "split_rate": Share(1, 4),  # split; straight, short, lapsed are not
    }


async def test_dead_letters_by_reason(shop: Shop) -> None:
    assert (await shop.measured()).failures == [
        Failures("milestone", "not_understood", 2, 1),
        Failures("milestone", "unknown_order", 1, 1),
    ]


FILTERS: list[tuple[dict[str, Any], int, int]] = [
    ({"channel": "edi"}, 2, 1),
    ({"company": "US"}, 1, 1),
    ({"company": "CA"}, 1, 0),
    ({"company": "main"}, 5, 1),
    ({"customer": "acme"}, 7, 2),
    ({"customer": "acme", "channel": "web"}, 5, 1),
    ({"customer": "nobody"}, 0, 0),
    ({"since": at("23:00", 1)}, 8, 3),
    ({"since": at("23:00", 1), "until": at("10:00")}, 3, 3),
]
"""What is asked, how many orders that are, and how many dead letters."""


async def test_a_filter_and_a_window(shop: Shop) -> None:
    for asked, orders, letters in FILTERS:
        measured = await shop.measured(**asked)

        assert measured.orders == sum(measured.by_status.values()) == orders, asked
        assert sum(each.letters for each in measured.failures) == letters, asked
        filtered = not asked.keys() <= {"since", "until"}
        assert (measured.spreads["inventory_sync_delay"] == NOTHING) == filtered, asked


async def test_backorders_are_those_of_the_orders_asked_for(shop: Shop) -> None:
    ages = [
        (await shop.measured(**asked)).spreads["backorder_age"].count
        for asked in ({"channel": "web"}, {"channel": "edi"}, {"company": "main"})
    ]

    assert ages == [1, 0, 1]


async def test_beyond_the_most_the_newest_are_measured_and_it_says_so(
    shop: Shop, pool: AsyncConnectionPool
) -> None:
    measured = await measure(pool, WINDOW, most_orders=2, most_movements=1)

    assert (measured.orders, measured.complete) == (2, False)
    assert measured.by_status == {"invoiced": 1, "received": 1}
    assert measured.spreads["inventory_sync_delay"] == Spread(1, 4, 4)
    assert not (await measure(pool, WINDOW, most_orders=6)).complete
    assert (await measure(pool, WINDOW, most_orders=7)).complete


async def test_of_nothing_nothing_is_said(pool: AsyncConnectionPool) -> None:
    measured = await measure(pool, WINDOW)

    assert (measured.orders, measured.complete, measured.by_status) == (0, True, {})
    assert set(measured.spreads.values()) == {NOTHING}
    assert set(measured.shares.values()) == {Share(0, 0)}
    assert measured.failures == []

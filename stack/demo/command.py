"""`throughline demo`: a day at the sample company from nothing, and the four laws checked."""

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, LiteralString

import psycopg
import typer

from stack import sample
from stack.account import messages, money, stock
from stack.account.books import Account, open_books
from stack.client import Api
from stack.console import failures_told, report
from stack.demo.chaos import Chaos
from stack.demo.day import STORY, Day
from stack.demo.endings import what_became_of
from stack.demo.progress import Progressing
from stack.demo.sabotage import Book, alter
from stack.demo.stories import KINDS, Kind, chosen
from stack.demo.telling import Teller
from stack.interrupts import until_stopped
from stack.places import DATA, StackError, write_private
from stack.readiness import answers_http, serves_orders
from stack.rebuild import rebuild_into
from stack.running import Setup, Stack, given, running_stack, temporal_program

FOLDER = DATA / "demo"
AT_ONCE = 40
"""How many orders are under way at the same time."""
PATIENCE = '{"delivery": "PT8S"}'
"""What nothing was heard of for so long is lost: a day here is a minute."""
SETTLING = 120.0
"""Seconds that everything may take to come to rest after the last story."""

OPEN = "select count(*) from orders where finished_at is null"
RESTLESS = """
select (select count(*) from orders where finished_at is null)
     + (select count(*) from inbox where applied_at is null)
     + (select count(*) from event where position is null)
     + (select count(*) from orders o, jsonb_array_elements(o.state -> 'shipments') s
        where s ->> 'delivered_at' is null and s ->> 'lost' = 'false')
"""


@dataclass(frozen=True)
class Wanted:
    """What kind of day it shall be."""

    orders: int
    chaos: int | None
    sabotage: Book | None
    rebuilding: bool
    keep: bool


@dataclass
class Outcome:
    """What the demo found, as summary.json says it."""

    orders: dict[str, int] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    told: list[dict[str, str]] = field(default_factory=list)
    kpis: dict[str, Any] = field(default_factory=dict)
    kills: dict[str, int] | None = None
    faults: dict[str, int] | None = None

    def check(self, name: str, ok: bool, detail: str) -> None:
        self.checks.append({"name": name, "ok": ok, "detail": detail})

    @property
    def ok(self) -> bool:
        return all(check["ok"] for check in self.checks)


def demo(
    orders: Annotated[int, typer.Option(min=1, max=10_000, help="How many stories.")] = 60,
    chaos: Annotated[
        int | None, typer.Option(help="Kill and break things at random, by this seed.")
    ] = None,
    sabotage: Annotated[
        Book | None, typer.Option(help="Alter one row at the end: the check must notice.")
    ] = None,
    rebuilding: Annotated[
        bool,
        typer.Option("--rebuild/--no-rebuild", help="Lose Temporal's database in mid-day."),
    ] = True,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running until Ctrl-C.")] = False,
) -> None:
    """A day at a distributor, on servers of its own; then independent books are compared."""
    began = time.monotonic()
    outcome = Outcome()
    with failures_told():
        program = temporal_program(report)
        wanted = Wanted(orders, chaos, sabotage, rebuilding, keep)
        asyncio.run(until_stopped(_play(outcome, program, wanted, began)))
    if not outcome.checks:
        raise typer.Exit(130)
    raise typer.Exit(0 if outcome.ok else 1)


async def _play(outcome: Outcome, program: Path | None, wanted: Wanted, began: float) -> None:
    async with running_stack(
        Setup(FOLDER, fresh=True, patience=PATIENCE), program, report
    ) as stack:
        stack.publish()
        watching = asyncio.create_task(stack.supervisor.watch())
        async with Api.of(stack.info) as api:
            report(f"{await sample.load(api)} rows of the sample company")
            day = Day(api, stack.info, stack.site.shop_secret)
            opened = datetime.now(UTC)  # what was in stock before is none of the day's doing
            lots = random.Random(wanted.chaos or 0)  # noqa: S311 - a day, not a secret
            await _tell(day, chosen(wanted.orders, lots), stack, outcome, wanted)
            report("Every story is told; now everything comes to rest.")
            await _settle(stack, outcome)
            outcome.told = sorted(await what_became_of(day), key=_by_story)
            outcome.kpis = await api.get("/kpis", {"since": opened.isoformat()})
            if wanted.sabotage:
                alter(stack.site.database_url, wanted.sabotage)
                report(f"One row of the book of {wanted.sabotage} has been altered.")
            report("The books are compared.")
            _compare(stack, day, outcome)
            console = await answers_http(str(stack.info["console"]))() is None
        teller = _finish(outcome, time.monotonic() - began)
        teller.places(stack.info, kept=wanted.keep, console=console)
        if wanted.keep:
            report("Everything goes on running. Ctrl-C stops it.")
            await watching
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _tell(
    day: Day, kinds: list[Kind], stack: Stack, outcome: Outcome, wanted: Wanted
) -> None:
    """Tell all stories, some at a time; what went otherwise than it should is a failed check."""
    places = asyncio.Semaphore(AT_ONCE)
    wrong: list[str] = []
    progress = Progressing(stack.site.database_url, len(kinds))
    midday = asyncio.Event()

    async def tell(kind: Kind) -> None:
        STORY.set(kind.name)
        async with places:
            progress.under_way[kind.name] += 1
            try:
                await kind.tell(day)
            except StackError as failure:
                wrong.append(f"{kind.name}: {failure}")
            progress.under_way[kind.name] -= 1
            progress.done[kind.name] += 1
            if progress.done.total() >= len(kinds) // 3:
                midday.set()

    async with AsyncExitStack() as running:
        await running.enter_async_context(_beside(day.follow()))
        await running.enter_async_context(_beside(day.operate()))
        await running.enter_async_context(_beside(progress.show()))
        losing = asyncio.create_task(_lose_temporal(stack, midday, wanted, outcome))
        if wanted.chaos is not None:
            striking = Chaos(stack, wanted.chaos)
            await running.enter_async_context(_beside(striking.run()))
        await asyncio.gather(losing, *map(tell, kinds))
    if wanted.chaos is not None:
        await striking.calm()
        outcome.kills, outcome.faults = dict(striking.kills), dict(striking.faults)
    told = f"{progress.done.total()} told, of {len(progress.done)} kinds"
    outcome.check("stories", not wrong, "; ".join(wrong[:5]) or told)


async def _lose_temporal(
    stack: Stack, midday: asyncio.Event, wanted: Wanted, outcome: Outcome
) -> None:
    """Law 4: delete the engine's database in mid-day, and rebuild every open order."""
    if not wanted.rebuilding or given("TEMPORAL_ADDRESS"):
        return
    await midday.wait()
    for file in (stack.setup.data / "temporal").iterdir():
        file.unlink()
    for pid in stack.supervisor.pids().get("temporal", []):
        os.kill(pid, signal.SIGKILL)
    report("Temporal was killed and its database deleted")
    deadline = time.monotonic() + SETTLING
    while (wrong := await serves_orders(stack.site.temporal_address)()) is not None or (
        opened := await asyncio.to_thread(_count, stack.site.database_url, OPEN)
    ) < 0:
        if time.monotonic() > deadline:
            raise StackError(f"Temporal does not come back: {wrong or 'PostgreSQL is away'}")
        await asyncio.sleep(0.2)
    outcome.check(*was_replaced(opened, await rebuild_into(stack.site.settings, report)))


def was_replaced(opened: int, rebuilt: int) -> tuple[str, bool, str]:
    """The check, by the orders that were open before and those that were rebuilt. Some that were
    open may have ended meanwhile, by a record that was under way: not all of many.
    """
    told = f"{rebuilt} open orders rebuilt into an empty Temporal"
    if not rebuilt and opened:
        told = f"none of {opened} open orders was rebuilt into an empty Temporal"
    return "the engine is replaceable", bool(rebuilt) or not opened, told


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do something for as long as the block takes. What fails in it fails the block's end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def _settle(stack: Stack, outcome: Outcome) -> None:
    """Wait until nothing moves any more: all orders finished, all goods delivered, all told."""
    deadline = time.monotonic() + SETTLING
    while True:
        restless = await asyncio.to_thread(_count, stack.site.database_url, RESTLESS)
        if restless == 0:
            break
        if time.monotonic() > deadline:
            outcome.check("comes to rest", False, f"{restless} things still under way")
            return
        await asyncio.sleep(0.25)
    outcome.check("comes to rest", True, "every order finished, every message applied")


def _count(database_url: str, query: LiteralString) -> int:
    """-1 while there is no database to ask."""
    try:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=2) as database:
            row = database.execute(query).fetchone()
    except psycopg.OperationalError:
        return -1  # it was killed last, and is being started again
    assert row
    return int(row[0])


def _compare(stack: Stack, day: Day, outcome: Outcome) -> None:
    with open_books(stack.info) as books:
        outcome.orders = dict(
            books.database.execute("select status, count(*) from orders group by 1 order by 1")
        )
        sent = set(day.sent)
        missing = sent - books.orders.keys()
        strange = books.orders.keys() - sent
        outcome.check(
            "every order sent is there, once",
            not missing and not strange,
            f"{len(sent)} sent, {len(missing)} missing, {len(strange)} nobody sent",
        )
        for look in (stock.account, money.account, messages.account):
            outcome.check(*_verdict(look(books)))


def _verdict(account: Account) -> tuple[str, bool, str]:
    detail = f"{len(account.differences)} differences in {account.checked} comparisons"
    if account.differences:
        first = account.differences[0]
        detail += f"; {first.what}: {first.expected} expected, {first.found} found"
    return f"{account.name} conserved", not account.differences, detail


def _by_story(told: dict[str, str]) -> tuple[int, str]:
    return [kind.name for kind in KINDS].index(told["story"]), told["order"]


def _finish(outcome: Outcome, seconds: float) -> Teller:
    """Keep the account, and tell it."""
    summary: dict[str, Any] = {
        "ok": outcome.ok,
        "orders": outcome.orders,
        "checks": outcome.checks,
        "seconds": round(seconds, 1),
        "told": outcome.told,
        "kpis": outcome.kpis,
    }
    if outcome.kills is not None:
        summary |= {"kills": outcome.kills, "faults": outcome.faults}
    write_private(FOLDER / "summary.json", json.dumps(summary, indent=1, default=float))
    teller = Teller()
    teller.orders(outcome.told)
    teller.kpis(outcome.kpis)
    teller.checks(outcome.orders, outcome.checks, seconds)
    return teller

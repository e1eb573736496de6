"""What the demo shows while it runs: how far it is, and what it is waiting for."""

import asyncio
import sys
from collections import Counter

import psycopg
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from stack.console import report

STATUSES = "select status, count(*) from orders group by 1 order by 1"
EVERY = 5.0
"""Seconds from one line to the next, where nothing can be shown in place."""
MOST = 12
"""Stories named as under way."""


class Progressing:
    """`under_way` and `done` count stories by their names."""

    def __init__(self, database_url: str, stories: int) -> None:
        self.under_way: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.stories = stories
        self._database_url = database_url

    async def show(self) -> None:
        """Until cancelled: in place on a terminal, else a line now and then."""
        screen = Console(stderr=True, highlight=False)
        if screen.is_terminal and sys.stdout.isatty():
            await self._in_place(screen)
        while True:
            await asyncio.sleep(EVERY)
            counts = ", ".join(f"{n} {status}" for status, n in (await self._counts()).items())
            report(f"{self.done.total()} of {self.stories} stories told; orders: {counts}")

    async def _in_place(self, screen: Console) -> None:
        bar = Progress(
            TextColumn("stories told"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        )
        task = bar.add_task("", total=self.stories)
        with Live(console=screen, refresh_per_second=4, transient=True) as live:
            while True:
                bar.update(task, completed=self.done.total())
                live.update(Group(bar, self._table(await self._counts())))
                await asyncio.sleep(0.5)

    def _table(self, counts: dict[str, int]) -> Table:
        table = Table(title_justify="left")
        table.add_column("orders that are")
        table.add_column("", justify="right")
        table.add_column("stories under way")
        names = [name for name, count in sorted(self.under_way.items()) if count]
        rows = max(len(counts), min(len(names), MOST))
        left = [*((status, str(n)) for status, n in counts.items()), *[("", "")] * rows]
        right = [*names[:MOST], *[""] * rows]
        for (status, count), name in list(zip(left, right, strict=False))[:rows]:
            table.add_row(status, count, name)
        return table

    async def _counts(self) -> dict[str, int]:
        return await asyncio.to_thread(_counted, self._database_url)


def _counted(database_url: str) -> dict[str, int]:
    try:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=2) as database:
            return dict(database.execute(STATUSES).fetchall())
    except psycopg.OperationalError:
        return {"(the database is away)": 0}

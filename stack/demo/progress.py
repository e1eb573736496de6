"""What the demo shows while it runs, and what it says at the end."""

import asyncio
from collections import Counter
from typing import Any

import psycopg
from rich.console import Console
from rich.live import Live
from rich.table import Table

from stack.places import DATA
from stack.run_file import RunInfo

STATUSES = "select status, count(*) from orders group by 1 order by 1"

_screen = Console(stderr=True, highlight=False)


async def watched(database_url: str, done: Counter[str], stories: int) -> None:
    """Show how far it is, until cancelled: a live table, or a line now and then."""
    if not _screen.is_terminal:
        while True:
            await asyncio.sleep(5)
            counts = await asyncio.to_thread(_counts, database_url)
            words = ", ".join(f"{count} {status}" for status, count in counts.items())
            _screen.print(f"{done.total()} of {stories} stories told; orders: {words}")
    with Live(console=_screen, refresh_per_second=4, transient=True) as live:
        while True:
            counts = await asyncio.to_thread(_counts, database_url)
            live.update(_table(counts, done.total(), stories))
            await asyncio.sleep(0.5)


def _counts(database_url: str) -> dict[str, int]:
    try:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=2) as database:
            return dict(database.execute(STATUSES).fetchall())
    except psycopg.OperationalError:
        return {"(the database is away)": 0}


def _table(counts: dict[str, int], done: int, stories: int) -> Table:
    table = Table(title=f"{done} of {stories} stories told", title_justify="left")
    table.add_column("orders that are")
    table.add_column("", justify="right")
    for status, count in counts.items():
        table.add_row(status, str(count))
    return table


def told(
    orders: dict[str, int], checks: list[dict[str, Any]], info: RunInfo, seconds: float
) -> None:
    """What happened, what was checked, and where to look."""
    table = Table(title=f"The day took {seconds:.0f} s", title_justify="left")
    table.add_column("check")
    table.add_column("")
    table.add_column("what was found", overflow="fold")
    table.add_row("orders", "", ", ".join(f"{count} {status}" for status, count in orders.items()))
    for check in checks:
        state = "[green]ok[/green]" if check["ok"] else "[bold red]no[/bold red]"
        table.add_row(check["name"], state, check["detail"].replace("[", "\\["))
    _screen.print(table)
    _screen.print(f"The whole account: {DATA / 'demo' / 'summary.json'}")
    _screen.print(f"Temporal's UI, while it runs: {info['temporal_ui']}")

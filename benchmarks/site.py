"""The servers a benchmark runs on, and the processes it starts."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from adapters.postgres.access import new_key
from adapters.postgres.migrate import upgrade
from benchmarks.load import Caller, calling
from stack.places import DATA, ROOT, StackError
from stack.ports import free_ports
from stack.processes import launched
from stack.testing import fresh_database, postgres_for_tests, temporal_for_tests

HERE = Path(__file__).parent
START_PATIENCE = 60.0
GRACE = 20.0

OnLine = Callable[[str], None]


@dataclass(frozen=True)
class Site:
    """A Temporal server in memory and a durable PostgreSQL, with a migrated database."""

    address: str
    database_url: str
    key: str = field(default_factory=new_key, repr=False)
    """Of the API, with all scopes."""

    @property
    def environment(self) -> dict[str, str]:
        return {"TEMPORAL_ADDRESS": self.address, "DATABASE_URL": self.database_url}


@contextmanager
def servers() -> Iterator[Site]:
    """For the length of the block; `TEMPORAL_ADDRESS` and `DATABASE_URL` name others."""
    with (
        postgres_for_tests(durable=True) as server,
        temporal_for_tests() as address,
        fresh_database(server) as url,
    ):
        upgrade(url)
        yield Site(address, url)


@asynccontextmanager
async def child(
    name: str,
    *argv: str,
    env: Mapping[str, str] | None = None,
    on_line: OnLine = lambda line: None,
    ready: str = "ready",
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python program from the moment it prints a line with `ready` to the end of the block.

    What it prints is told line by line, what it logs is kept under .throughline/benchmarks. Raises
    `StackError` with the end of its log when it ends before its time.
    """
    log = DATA / "benchmarks" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *launched(sys.executable, *argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            cwd=ROOT,
        )
    started = asyncio.Event()

    async def read() -> None:
        assert process.stdout
        async for line in process.stdout:
            text = line.decode().rstrip()
            if ready in text:
                started.set()
            on_line(text)

    reader = asyncio.create_task(read())
    wait = asyncio.create_task(started.wait())
    try:
        await asyncio.wait(
            {reader, wait}, timeout=START_PATIENCE, return_when=asyncio.FIRST_COMPLETED
        )
        if not started.is_set():
            raise StackError(f"{name} did not start:\n{_tail(log)}")
        yield process
        if process.returncode is not None:
            raise StackError(f"{name} ended with {process.returncode}:\n{_tail(log)}")
    finally:
        wait.cancel()
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), GRACE)
        except TimeoutError:
            process.kill()
            await process.wait()
        await reader


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


@asynccontextmanager
async def api(site: Site, *, connections: int) -> AsyncIterator[Caller]:
    """The API in a process of its own, and a caller with so many connections to it."""
    port = free_ports(["api"])["api"]
    env = {
        **site.environment,
        "THROUGHLINE_API_PORT": str(port),
        "THROUGHLINE_BOOTSTRAP_KEY": site.key,
    }
    async with (
        child("api", "-m", "api", env=env, ready="serving on"),
        calling(port, connections, headers={"Authorization": f"Bearer {site.key}"}) as caller,
    ):
        yield caller


@asynccontextmanager
async def worker(
    site: Site, queue: str, on_line: OnLine
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Our worker with its loops in a process of its own; other companies are in its memory."""
    env = {**site.environment, "TASK_QUEUE": queue, "THROUGHLINE_PRIVATE_WEBHOOKS": "true"}
    async with child(
        "worker", "-m", "benchmarks.worker_process", env=env, on_line=on_line
    ) as process:
        yield process


def resident_mb(pid: int) -> float:
    """The memory a process of this machine has now."""
    ran = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return int(re.sub(r"\D", "", ran.stdout)) / 1024

"""One running stack: servers, simulators, API and workers, from start to end."""

import asyncio
import importlib
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from adapters.config import Settings
from stack import run_file, services, temporal
from stack.places import DATA, StackError, locked, make_folder, unprivileged_account, write_private
from stack.ports import OFFSETS, free_ports, remembered_ports
from stack.postgres import create_database, drop_database, home_for, open_cluster
from stack.readiness import Ready, answers_sql, serves_orders
from stack.rebuild import adopt
from stack.run_file import GROUPS, RunInfo
from stack.services import SIMULATORS, Site
from stack.supervisor import Report, Supervisor

PORTS = "ports.json"
PATIENCE = 10.0
"""Seconds a server that is not ours may take to answer."""


@dataclass(frozen=True)
class Setup:
    data: Path = DATA
    fresh: bool = False
    """Start from nothing, on ports of its own, beside a stack that is kept."""
    workers: int = 1
    patience: str = ""
    """Of the orders that are placed here, as JSON; empty is the usual."""


@dataclass
class Stack:
    setup: Setup
    site: Site
    supervisor: Supervisor
    published: bool = False

    @property
    def info(self) -> RunInfo:
        site = self.site
        running = self.supervisor.pids()
        return {
            "api": site.url("api"),
            "console": site.url("api") + "/console",
            "metrics": site.url("metrics") + "/metrics",
            "worker_metrics": site.url("worker_metrics") + "/metrics",
            "temporal": site.temporal_address,
            "temporal_namespace": site.temporal_namespace,
            "task_queue": site.task_queue,
            "temporal_ui": site.temporal_ui or None,
            "database_url": site.database_url,
            "api_key": site.api_key,
            "simulators": {name: site.url(name) for name in SIMULATORS},
            "supervisor": os.getpid(),
            "processes": {group: running.get(group, []) for group in GROUPS},
        }

    def publish(self) -> None:
        """Write run.json, and keep it current until the end."""
        self.published = True
        run_file.publish(self.info, self.setup.data)


def given(variable: str) -> str | None:
    """A server the user names; then the stack starts none of its own."""
    return os.environ.get(variable) or None


def temporal_program(report: Report) -> Path | None:
    """What `running_stack` needs; before the event loop, because it may have to be built."""
    return None if given("TEMPORAL_ADDRESS") else temporal.find_program(report).program


@asynccontextmanager
async def running_stack(setup: Setup, program: Path | None, report: Report) -> AsyncIterator[Stack]:
    """Everything up and working for the length of the block; nothing left of it afterwards.

    `program`: as `temporal_program` gives it. Call it in the main thread. Raises `StackError`.
    """
    async with AsyncExitStack() as held:
        held.enter_context(_owned(setup))
        ports = _ports(setup)
        stack: Stack | None = None

        def changed() -> None:
            if stack and stack.published:
                stack.publish()

        supervisor = Supervisor(report, changed)
        held.push_async_callback(supervisor.stop)
        namespace, queue = place_in_temporal(setup)
        database_url, address = await _start_servers(
            setup, ports, program, supervisor, held, namespace
        )
        site = Site(
            setup.data,
            ports,
            database_url,
            address,
            api_key=_secret(setup.data / "api_key", "tl_"),
            shop_secret=_secret(setup.data / "shop_secret", ""),
            patience=setup.patience,
            workers=setup.workers,
            has_temporal_ui=given("TEMPORAL_ADDRESS") is None,
            temporal_namespace=namespace,
            task_queue=queue,
        )
        await asyncio.gather(
            _migrate(database_url, report), supervisor.start(*services.simulators(site))
        )
        if given("TEMPORAL_ADDRESS") is None:
            # The server is our own, so no other one can be running these orders.
            await adopt(site.settings, report)
        await supervisor.start(services.api(site), *services.workers(site))
        stack = Stack(setup, site, supervisor)
        held.callback(run_file.withdraw, setup.data)
        yield stack


@contextmanager
def _owned(setup: Setup) -> Iterator[None]:
    """Hold the data folder for this process, emptied if it is to be fresh."""
    data = make_folder(setup.data)
    with ExitStack() as held:
        try:
            held.enter_context(locked(data / "lock", wait=False))
        except BlockingIOError:
            raise StackError(
                f"A stack already runs on {data}; {data / run_file.NAME} says where. Stop it first."
            ) from None
        if setup.fresh:
            _empty(data)
        yield


def _empty(data: Path) -> None:
    elsewhere = home_for(data / "postgres", unprivileged_account())
    for path in {elsewhere, *data.iterdir()} - {data / "lock"}:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _ports(setup: Setup) -> dict[str, int]:
    ports = free_ports(OFFSETS) if setup.fresh else remembered_ports(setup.data / PORTS)
    extra = services.extra_port_names(setup.workers)
    return ports | free_ports(extra, taken=ports.values())


def place_in_temporal(setup: Setup) -> tuple[str, str]:
    """Namespace and task queue. A fresh stack on a server that is given has a queue nobody else
    has, and a database likewise: it works on no other stack's orders, nor they on its own.
    """
    settings = Settings.from_env()
    if given("TEMPORAL_ADDRESS") is None:
        return "default", settings.task_queue  # our own server has no other namespace
    own = f"-{secrets.token_hex(6)}" if setup.fresh else ""
    return settings.temporal_namespace, settings.task_queue + own


async def _start_servers(
    setup: Setup,
    ports: Mapping[str, int],
    program: Path | None,
    supervisor: Supervisor,
    held: AsyncExitStack,
    namespace: str,
) -> tuple[str, str]:
    """Start PostgreSQL and Temporal unless they are given; returns the database and the address."""
    own = []
    server_url = given("DATABASE_URL")
    database_url = server_url or ""
    if server_url is None:
        port = ports["postgres"]
        cluster = open_cluster(setup.data / "postgres")
        server_url, database_url = cluster.url(port, "postgres"), cluster.url(port)
        server = cluster.program(port, setup.data / "logs" / "postgres.log")
        own.append(services.postgres(server, server_url))
    elif setup.fresh:
        name = f"throughline_{secrets.token_hex(6)}"
        database_url = urlsplit(server_url)._replace(path=f"/{name}").geturl()
        held.callback(drop_database, server_url, name)

    address = given("TEMPORAL_ADDRESS")
    if address is None:
        assert program, "found before, where no address is given"
        address = f"127.0.0.1:{ports['temporal']}"
        development = temporal.server(
            program,
            ports["temporal"],
            setup.data / "logs" / "temporal.log",
            ui_port=ports["temporal_ui"],
            database=setup.data / "temporal" / "temporal.db",
        )
        own.append(services.temporal(development, address))

    await asyncio.gather(
        supervisor.start(*own),
        _given_answers("DATABASE_URL", answers_sql),
        _given_answers("TEMPORAL_ADDRESS", partial(serves_orders, namespace=namespace)),
    )
    if database_url != server_url:
        create_database(server_url, urlsplit(database_url).path.lstrip("/"))
    return database_url, address


async def _given_answers(variable: str, ready: Callable[[str], Ready]) -> None:
    server = given(variable)
    deadline = time.monotonic() + PATIENCE
    while server and (wrong := await ready(server)()) is not None:
        if time.monotonic() > deadline:
            raise StackError(f"The server that {variable} names does not answer: {wrong}")
        await asyncio.sleep(0.2)


async def _migrate(database_url: str, report: Report) -> None:
    began = time.monotonic()
    # Imported now: it brings all of SQLAlchemy, and the servers need not wait for that.
    migrate = importlib.import_module("adapters.postgres.migrate")
    await asyncio.to_thread(migrate.upgrade, database_url)
    report(f"database is current ({time.monotonic() - began:.1f} s)")


def _secret(path: Path, prefix: str) -> str:
    """Made at the first start, the same ever after."""
    if not path.exists():
        write_private(path, f"{prefix}{secrets.token_urlsafe(32)}")
    return path.read_text()

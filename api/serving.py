"""The API as a process: waits for its database, serves until it is told to stop."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from prometheus_client import REGISTRY, start_http_server
from psycopg import OperationalError
from psycopg.errors import UndefinedTable
from starlette.types import ASGIApp
from tenacity import AsyncRetrying, before_sleep_log, retry_if_exception_type, wait_fixed

from adapters.config import Settings
from adapters.postgres.access import SCOPES, Access, AccessKeys
from adapters.postgres.pool import open_pool
from adapters.process import spare_the_collector
from api.app import create_app
from api.deps import stores_on
from api.edge import Correlated

BOOTSTRAP = "bootstrap"
_UNLIMITED = 1_000_000
_GRACE = 10
"""Seconds that requests in flight have to end."""
_PATIENCE = 3.0
"""Seconds a request waits for a connection before it is told to come again."""

log = logging.getLogger(__name__)


async def store_bootstrap_key(keys: AccessKeys, key: str) -> None:
    """Let `key` do everything. Waits for the tables, which somebody else makes."""
    everything = Access(id=BOOTSTRAP, name=BOOTSTRAP, scopes=SCOPES, requests_per_second=_UNLIMITED)
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type((UndefinedTable, OperationalError)),
        wait=wait_fixed(0.5),
        before_sleep=before_sleep_log(log, logging.INFO),
    ):
        with attempt:
            await keys.store(key, everything)


class Server(uvicorn.Server):
    """uvicorn, leaving signals to us: its own would end the process before it is told how."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_for(app: ASGIApp) -> Server:
    return Server(
        uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
        )
    )


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """The app on a free port of this machine, for the length of the block; yields its URL."""
    server = server_for(app)
    with _listening("127.0.0.1", 0) as sock:
        task = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


async def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT."""
    _log_to_stdout()
    async with open_pool(settings.database_url) as pool:
        pool.timeout = _PATIENCE
        stores = stores_on(
            pool, allow_private=settings.private_webhooks, patience=settings.patience
        )
        if settings.bootstrap_key:
            await store_bootstrap_key(stores.keys, settings.bootstrap_key)
        app = create_app(stores, settings, registry=REGISTRY)
        app.openapi()  # which also makes every route ready
        spare_the_collector(young=20_000, old=20)  # a fifth of its time otherwise
        server = server_for(app)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, setattr, server, "should_exit", True)
        if settings.metrics_port:
            start_http_server(settings.metrics_port, settings.metrics_host)
        with _listening(settings.api_host, settings.api_port) as sock:
            log.info("serving on %s:%d", *sock.getsockname()[:2])
            await server.serve(sockets=[sock])
    return 0


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Names TCP as its protocol, which its connections inherit: only then does asyncio send small
    packets at once. From a socket made by `create_server`, which does not, an answer's body waits
    for 40 ms until the client has acknowledged its head.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(2048)
        yield sock


def _log_to_stdout() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(Correlated())
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(correlation_id)s %(name)s %(message)s")
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler])

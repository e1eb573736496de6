"""The floor of `ingest`: a bare FastAPI route that does one INSERT. This file imports nothing of
ours. `python benchmarks/bare_route.py DATABASE_URL PORT` serves it until SIGTERM.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

TABLE = b"create table if not exists bare (id bigserial primary key, body jsonb not null)"
INSERT = b"insert into bare (body) values (%s) returning id"

pool = AsyncConnectionPool(
    sys.argv[1], min_size=2, max_size=10, kwargs={"autocommit": True}, open=False
)


@asynccontextmanager
async def with_pool(app: FastAPI) -> AsyncIterator[None]:
    async with pool:
        async with pool.connection() as db:
            await db.execute(TABLE)
        yield


app = FastAPI(lifespan=with_pool)


@app.post("/orders", status_code=202)
async def place(order: dict[str, Any]) -> dict[str, int]:
    async with pool.connection() as db:
        row = await (await db.execute(INSERT, (Jsonb(order),))).fetchone()
    return {"id": row[0] if row else 0}


class Server(uvicorn.Server):
    """Its own handling of signals would end the process before we can."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print("ready", flush=True)


async def serve(port: int) -> None:
    server = Server(uvicorn.Config(app, port=port, access_log=False, log_config=None))
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGTERM, setattr, server, "should_exit", True
    )
    await server.serve()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[2])))
    os._exit(0)

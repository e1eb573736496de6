"""API processes, which die where they are told to."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from adapters.crash import VARIABLE
from stack.places import ROOT
from stack.ports import free_ports

KEY = "tl_a-key-for-an-api-that-is-about-to-die"


@dataclass
class Door:
    """`client` may do everything."""

    process: asyncio.subprocess.Process
    client: httpx.AsyncClient

    async def opens(self) -> None:
        while True:
            assert self.process.returncode is None, "it ended before it was asked anything"
            try:
                if (await self.client.get(self.client.base_url.join("/readyz"))).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


@asynccontextmanager
async def door(database: str, crash_at: str = "") -> AsyncIterator[Door]:
    """Ready for requests; killed at the end of the block, if it lives still."""
    port = free_ports(["api"])["api"]
    settings = {
        "DATABASE_URL": database,
        "THROUGHLINE_API_PORT": str(port),
        "THROUGHLINE_BOOTSTRAP_KEY": KEY,
        **({VARIABLE: crash_at} if crash_at else {}),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api"),
        env={**os.environ, **settings},
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
    )
    client = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}/v1",
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=10,
        trust_env=False,
    )
    async with client:
        opened = Door(process, client)
        try:
            async with asyncio.timeout(60):
                await opened.opens()
            yield opened
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

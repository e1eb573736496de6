"""The API on a real socket with a database of the test's own, and clients with keys for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool

from adapters.config import Settings
from adapters.postgres.access import SCOPES, Access, AccessKeys, new_key
from api.app import create_app
from api.deps import stores_on
from api.serving import serving

SECRET = "whsec-for-tests"

Client = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
def settings() -> Settings:
    return Settings(channel_secrets={"shopify": ("an-old-one", SECRET)}, rate_limit=100_000)


@pytest.fixture
def app(pool: AsyncConnectionPool, settings: Settings) -> FastAPI:
    pool.timeout = 2
    return create_app(stores_on(pool, allow_private=True), settings)


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    async with serving(app) as where:
        yield where


@pytest.fixture
async def client_with(url: str, pool: AsyncConnectionPool) -> AsyncIterator[Client]:
    """Makes clients whose key has these scopes, and is bound as the keywords say."""
    async with AsyncExitStack() as open_clients:

        async def make(*scopes: str, **bound: str) -> httpx.AsyncClient:
            key = new_key()
            access = Access(id=key[-8:], name="test", scopes=frozenset(scopes), **bound)
            await AccessKeys(pool).store(key, access)
            client = httpx.AsyncClient(
                base_url=url,
                headers={"Authorization": f"Bearer {key}"},
                timeout=10,
                trust_env=False,
            )
            return await open_clients.enter_async_context(client)

        yield make


@pytest.fixture
async def client(client_with: Client) -> httpx.AsyncClient:
    """May do everything."""
    return await client_with(*SCOPES)

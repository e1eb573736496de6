"""The API as one ASGI application, with everything it needs given to it."""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from adapters.config import Settings
from api import (
    commands,
    health,
    inventory,
    keys,
    master_data,
    openapi,
    orders,
    prices,
    problems,
    warehouses,
)
from api.deps import Stores
from api.edge import Edge
from api.guard import Guard


def create_app(
    stores: Stores, settings: Settings, *, registry: CollectorRegistry | None = None
) -> FastAPI:
    """`registry` gets the metrics; a new one unless given."""
    app = FastAPI(title=openapi.TITLE, version=openapi.VERSION, redirect_slashes=False)
    app.state.stores = stores
    app.state.settings = settings
    app.state.guard = Guard(stores.keys, settings.rate_limit)
    app.state.channels = {}
    # Credit and the like come before the customer, whose id may have slashes.
    for module in (orders, commands, warehouses, inventory, keys, prices, master_data):
        app.include_router(module.routes)
    app.include_router(health.router)
    problems.install(app)
    openapi.install(app)
    app.add_middleware(Edge, registry=registry or CollectorRegistry())
    return app

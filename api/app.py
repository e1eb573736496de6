"""The API as one ASGI application, with everything it needs given to it."""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from adapters.channels.registry import open_channels
from adapters.config import Settings
from api import (
    channels,
    commands,
    dead_letters,
    events,
    health,
    holds,
    imports,
    inventory,
    keys,
    kpis,
    lookups,
    master_data,
    openapi,
    order_history,
    orders,
    prices,
    problems,
    repair,
    returns,
    stocktaking,
    validation,
    warehouses,
)
from api.deps import Stores
from api.edge import Edge
from api.guard import Guard

MODULES = (
    *(
        orders,
        validation,
        imports,
        order_history,
        commands,
        holds,
        returns,
        repair,
        channels,
        warehouses,
        inventory,
        stocktaking,
        events,
        dead_letters,
    ),
    # A customer's credit goes before the customer, whose id may have slashes.
    *(lookups, prices, master_data, keys, kpis),
)


def create_app(
    stores: Stores, settings: Settings, *, registry: CollectorRegistry | None = None
) -> FastAPI:
    """`registry` gets the metrics; a new one unless given."""
    app = FastAPI(
        title=openapi.TITLE,
        version=openapi.VERSION,
        redirect_slashes=False,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.stores = stores
    app.state.settings = settings
    app.state.guard = Guard(stores.keys, settings.rate_limit)
    app.state.channels = open_channels(settings)
    for module in MODULES:
        app.include_router(module.routes)
    app.include_router(health.router)
    problems.install(app)
    openapi.install(app)
    app.add_middleware(Edge, registry=registry or CollectorRegistry())
    return app

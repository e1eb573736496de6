"""Whether this process lives, and whether it can work."""

from importlib.resources import files

from fastapi import APIRouter
from pydantic import BaseModel

from api.deps import Books
from api.problems import Problem

router = APIRouter(tags=["system"])

# The newest revision by its file's name: Alembic itself would double the time a start takes.
_HEAD = max(
    entry.name.partition("_")[0]
    for entry in (files("adapters.postgres") / "migrations" / "versions").iterdir()
    if entry.name[:4].isdecimal()
)
_PATIENCE = 2.0


class Health(BaseModel):
    status: str = "ok"


@router.get("/healthz")
async def show_health() -> Health:
    """The process answers."""
    return Health()


@router.get("/readyz")
async def show_readiness(books: Books) -> Health:
    """The database answers, and has the tables this version works with."""
    async with books.pool.connection(timeout=_PATIENCE) as db:
        row = await (await db.execute("select version_num from alembic_version")).fetchone()
    if row is None or row[0] != _HEAD:
        raise Problem(503, "not_migrated", "The database is not of this version.")
    return Health()

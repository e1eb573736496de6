"""Whether this process lives, and whether it can work."""

from alembic.script import ScriptDirectory
from fastapi import APIRouter
from pydantic import BaseModel

from adapters.postgres.migrate import alembic_config
from api.deps import Books
from api.problems import Problem

router = APIRouter(tags=["system"])

_HEAD = ScriptDirectory.from_config(alembic_config()).get_current_head()
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

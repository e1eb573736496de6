"""Records what the tests compare with: `python -m tests.replay.record [--only PATH] [--endings]`.

A history that is missing is recorded; one that exists is never touched. `--endings` writes down
anew how the paths end, for a change that means to change it.
"""

import argparse

from temporalio.client import WorkflowHistory

from adapters.process import run
from stack.testing import (
    fresh_database,
    migrated_template,
    postgres_for_tests,
    temporal_for_tests,
)
from tests.replay import endings, histories
from tests.replay.paths import CARRIERS, PATHS
from tests.workflows.fixtures import AT_ONCE
from tests.workflows.world import World


async def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", choices=PATHS, action="append", metavar="PATH")
    asked.add_argument("--endings", action="store_true")
    options = asked.parse_args()
    with (
        temporal_for_tests(dynamic_config=[AT_ONCE], own=True) as temporal,
        postgres_for_tests() as postgres,
        migrated_template(postgres) as template,
    ):
        for path in options.only or PATHS:
            with fresh_database(postgres, template) as database:
                await _record(path, temporal, database, anew=options.endings)


async def _record(path: str, temporal: str, database: str, *, anew: bool) -> None:
    wanted = {
        "ending": anew or not endings.file_of(path).exists(),
        "history": not histories.file_of(path).exists(),
    }
    if not any(wanted.values()):
        return
    print(f"{path}: {', '.join(name for name, missing in wanted.items() if missing)}")
    async with (
        World.open(temporal, database, name=f"ORDER-{path}", carriers=CARRIERS) as world,
        world.worker(),
    ):
        await PATHS[path](world)
        await world.assert_agreed()
        if wanted["ending"]:
            endings.keep(path, await endings.ending(world))
        if wanted["history"]:
            histories.keep(path, world.order, await _runs(world))


async def _runs(world: World) -> list[WorkflowHistory]:
    ((runs,),) = await world.sql(
        "select array_append(replaced, run) from orders where id = %s", world.order
    )
    handles = [world.client.get_workflow_handle(world.handle.id, run_id=run) for run in runs]
    return [await handle.fetch_history() for handle in handles]


if __name__ == "__main__":
    run(main())

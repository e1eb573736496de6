"""Keeps services running: starts them in order, restarts what dies, stops all in order."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from stack.places import StackError
from stack.processes import Program
from stack.readiness import Ready

Report = Callable[[str], None]

ATTEMPTS = 5
"""How often a service that never worked is tried. PostgreSQL's first start after SIGKILL fails one
time in three, while the old server's processes still hold its memory."""
PATIENCE = 60.0
"""Seconds a service may take until it works."""
LOOK = 5.0
"""Seconds between two looks at a service that can be beyond help."""
STEADY = 10.0
"""A service that ran this many seconds is restarted at once; sooner, after a growing pause."""


@dataclass(frozen=True)
class Service:
    program: Program
    group: str
    """What run.json lists it under: api, worker, postgres, temporal, simulators."""
    ready: Ready
    beyond_help: Ready | None = None
    """What is wrong with it, as only a new start can put right; None while nothing is."""


class Supervisor:
    """Owns child processes. Use it in the main thread's event loop: children die with its thread.

    `changed` is called whenever a process has been started.
    """

    def __init__(self, report: Report, changed: Callable[[], None]) -> None:
        self._report = report
        self._changed = changed
        self._stages: list[list[_Keeper]] = []

    async def start(self, *services: Service) -> None:
        """Start them side by side; returns when all work. Raises `StackError` when one cannot."""
        stage = [_Keeper(service, self._report, self._changed) for service in services]
        self._stages.append(stage)
        for keeper in stage:
            keeper.begin()
        await asyncio.gather(*(keeper.works for keeper in stage))

    async def watch(self) -> None:
        """Returns never: a service that has worked is started again for as long as it takes."""
        keeping = [keeper.task for stage in self._stages for keeper in stage if keeper.task]
        await asyncio.gather(*keeping)

    def pids(self) -> dict[str, list[int]]:
        """Of the processes that run, by group, in the order they were started in."""
        found: dict[str, list[int]] = {}
        for keeper in (keeper for stage in self._stages for keeper in stage):
            if keeper.pid is not None:
                found.setdefault(keeper.service.group, []).append(keeper.pid)
        return found

    async def stop(self) -> None:
        """Stop everything, last started first; returns when no process is left."""
        for stage in reversed(self._stages):
            await asyncio.gather(*(keeper.stop() for keeper in stage))
        self._stages.clear()


class _Keeper:
    """One service: its process, and the task that starts it again."""

    def __init__(self, service: Service, report: Report, changed: Callable[[], None]) -> None:
        self.service = service
        self.works: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._report = report
        self._changed = changed

    @property
    def pid(self) -> int | None:
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process and running else None

    def begin(self) -> None:
        self.task = asyncio.create_task(self._keep())
        self.task.add_done_callback(self._tell)

    async def stop(self) -> None:
        if self.task:
            self.task.cancel()
            await asyncio.wait([self.task])
        self.works.cancel()
        process, program = self._process, self.service.program
        if process is None or process.returncode is not None:
            return
        process.send_signal(program.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), program.grace)
        except TimeoutError:
            self._report(f"{program.name} does not stop: killed")
            process.kill()
            await process.wait()

    def _tell(self, task: asyncio.Task[None]) -> None:
        """Whoever waits for the service to work hears why nobody looks after it any more."""
        if not task.cancelled() and (failure := task.exception()) and not self.works.done():
            self.works.set_exception(failure)

    async def _keep(self) -> None:
        name = self.service.program.name
        failures = 0
        while True:
            began = time.monotonic()
            process = await self._spawn()
            wrong = await self._until_it_works(process)
            if wrong is None:
                took = time.monotonic() - began
                self._report(f"{name} {'is back' if self.works.done() else 'works'} ({took:.1f} s)")
                if not self.works.done():
                    self.works.set_result(None)
            status = await self._until_it_ends(process)
            steady = wrong is None and time.monotonic() - began > STEADY
            failures = 1 if steady else failures + 1
            if not self.works.done() and failures >= ATTEMPTS:
                raise self._given_up(wrong)
            self._report(f"{name} ended with status {status}: starting it again")
            await asyncio.sleep(_pause(failures))

    async def _spawn(self) -> asyncio.subprocess.Process:
        program = self.service.program
        program.log.parent.mkdir(parents=True, exist_ok=True)
        with program.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *program.command(), stdout=log, **program.options()
            )
        self._changed()
        return self._process

    async def _until_it_works(self, process: asyncio.subprocess.Process) -> str | None:
        """None when it works; otherwise what was wrong last, and then the process has ended."""
        deadline = time.monotonic() + PATIENCE
        while True:
            wrong = await self.service.ready()
            if process.returncode is not None:
                # Even if something answered: then it was another program, on our port.
                return wrong or "another program answers in its place"
            if wrong is None:
                return None
            if time.monotonic() > deadline:
                process.kill()
                await process.wait()
                return f"not ready within {PATIENCE:.0f} s: {wrong}"
            await asyncio.sleep(0.05)

    async def _until_it_ends(self, process: asyncio.subprocess.Process) -> int:
        """Its status. A process that is beyond help is made to end."""
        while self.service.beyond_help:
            with suppress(TimeoutError):
                return await asyncio.wait_for(process.wait(), LOOK)
            if wrong := await self.service.beyond_help():
                self._report(f"{self.service.program.name} is beyond help ({wrong}): killed")
                process.kill()
        return await process.wait()

    def _given_up(self, wrong: str | None) -> StackError:
        program = self.service.program
        return StackError(
            f"{program.name} does not start ({wrong or 'it ends as soon as it works'})."
            f" The end of {program.log}:\n{program.log_tail()}"
        )


def _pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row: none after the first."""
    return 0.0 if failures <= 1 else min(2.0, 0.05 * 2**failures)

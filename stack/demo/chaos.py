"""Kills our processes at random, and makes the outside systems fail in every way that does not
change how an order ends.
"""

import asyncio
import os
import random
import signal
from collections import Counter
from typing import Any

import httpx

from stack.running import Stack

GROUPS = ("worker", "worker", "api", "postgres", "temporal")
"""What is killed; a worker twice as often as anything else."""
FAULTS = ("outage", "latency", "timeout_after_success", "throttle", "malformed", "duplicate")
"""What every outside system does. Not `refuse`: that is no failure but a decision, after which an
order is held until a person decides, or goes another way; refusals are stories of their own.
"""
LATE = "pending"
"""What only systems without goods do: a warehouse goes on picking while we wait for its answer to a
change, so that the order might end otherwise.
"""
ANSWER = (0.5, 3.0)
"""Seconds until a late answer comes, from and to."""
PAUSE = (2.0, 7.0)
"""Seconds between two blows, from and to."""


class Chaos:
    """`kills` counts what was killed, by group. The same seed strikes in the same order."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.kills: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self._stack = stack
        self._lots = random.Random(seed)  # noqa: S311 - a day, not a secret

    async def run(self) -> None:
        """Strike until cancelled; a short day has its two blows at once."""
        self._kill("worker")
        await self._fault()
        while True:
            await asyncio.sleep(self._lots.uniform(*PAUSE))
            if self._lots.random() < 0.5:
                self._kill(self._lots.choice(GROUPS))
            else:
                await self._fault()

    async def calm(self) -> None:
        """No more faults: what is still planned is forgotten."""
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            for url in self._stack.info["simulators"].values():
                (await client.delete(f"{url}/_sim/faults")).raise_for_status()

    def _kill(self, group: str) -> None:
        pids = self._stack.supervisor.pids().get(group, [])
        if not pids:
            return  # it is being started again
        os.kill(self._lots.choice(pids), signal.SIGKILL)
        self.kills[group] += 1

    async def _fault(self) -> None:
        name, url = self._lots.choice(sorted(self._stack.info["simulators"].items()))
        wanted = some_fault(name, self._lots)
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            answer = await client.post(f"{url}/_sim/faults", json=wanted)
        answer.raise_for_status()
        self.faults[f"{name} {wanted['fault']}"] += 1


def some_fault(system: str, lots: random.Random) -> dict[str, Any]:
    """For the next calls to this system, as its simulator takes it."""
    faults = FAULTS if system.startswith("wms-") else (*FAULTS, LATE)
    fault, count = lots.choice(faults), lots.randint(1, 3)
    answered = {"answer_after_seconds": lots.uniform(*ANSWER)} if fault == LATE else {}
    return {"operation": "*", "match": {}, "fault": fault, "count": count, **answered}

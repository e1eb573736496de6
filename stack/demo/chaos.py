"""Kills our processes at random and makes the outside systems fail in every way they know."""

import asyncio
import os
import random
import signal
from collections import Counter

import httpx

from stack.running import Stack

GROUPS = ("worker", "worker", "api", "postgres", "temporal")
"""What is killed; a worker twice as often as anything else."""
FAULTS = ("outage", "latency", "timeout_after_success", "throttle", "malformed", "duplicate")
"""What outside systems do. Refusals are decisions, not failures: they are stories of their own."""
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
        fault = self._lots.choice(FAULTS)
        wanted = {"operation": "*", "match": {}, "fault": fault, "count": self._lots.randint(1, 3)}
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            answer = await client.post(f"{url}/_sim/faults", json=wanted)
        answer.raise_for_status()
        self.faults[f"{name} {fault}"] += 1

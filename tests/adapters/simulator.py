"""A simulated system as a process of the tests."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from stack.ports import free_ports
from stack.processes import Program


@dataclass
class Simulator:
    """A process that can be ended and started again with its book."""

    name: str
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    port: int = 0

    def __post_init__(self) -> None:
        self.port = free_ports([self.name])[self.name]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def program(self) -> Program:
        command = (sys.executable, "-m", "stack.simulators", self.name)
        book = str(self.folder / f"{self.name}.db")
        return Program(
            self.name,
            (*command, "--port", str(self.port), "--book", book),
            log=self.folder / f"{self.name}.log",
            env=self.env,
        )

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/_sim/mode", trust_env=False).is_success
        except httpx.TransportError:
            return False

"""What the tests of the stack share: waiting with a deadline, and small services to look after."""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from stack.ports import free_ports
from stack.processes import Program
from stack.readiness import answers_http
from stack.supervisor import Service
from stack.testing import running, shared
from tests.adapters.simulator import Listener, Simulator
from tests.stack.days import finished_day

STANDIN = Path(__file__).with_name("standin.py")


def is_gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has waited for yet has ended too."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


async def eventually(condition: Callable[[], bool | Awaitable[bool]], within: float) -> float:
    """Seconds until the condition held; fails when it does not within the given seconds."""
    began = time.monotonic()
    while True:
        held = condition()
        if held if isinstance(held, bool) else await held:
            return time.monotonic() - began
        assert time.monotonic() - began < within, f"not within {within} s"
        await asyncio.sleep(0.02)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a server's own account may pass through, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="throughline-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
def day() -> Iterator[Path]:
    """The data folder of a demo's day that is over; one for all processes of a run.

    Its stack still runs. Nothing may be done there that reserves stock or reaches outside systems:
    the books of that day are being compared.
    """
    with shared("day", finished_day, own=False) as data:
        yield Path(data)


@pytest.fixture
def standin(tmp_path: Path) -> Callable[[str], Service]:
    """Makes services that answer HTTP and note in `notes` when they are told to stop."""

    def make(name: str) -> Service:
        port = free_ports([name])[name]
        program = Program(
            name,
            (sys.executable, str(STANDIN), str(port), str(tmp_path / "notes"), name),
            log=tmp_path / f"{name}.log",
        )
        return Service(program, "simulators", answers_http(f"http://127.0.0.1:{port}/"))

    return make


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made = Listener(free_ports(["api"])["api"])
    serving = asyncio.create_task(made.serve())
    yield made
    made.stop()
    await serving


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture
def start(tmp_path: Path, listener: Listener) -> Iterator[Callable[..., Simulator]]:
    """Starts a simulator that tells the listener what happens, at a quick pace."""
    with ExitStack() as stack:

        def started(name: str, pace: str = "0.01") -> Simulator:
            env = {
                "SIM_API_URL": listener.url,
                "SIM_API_KEY": "k-1",
                "SIM_PACE_SECONDS": pace,
            }
            simulator = Simulator(name, tmp_path, env)
            stack.enter_context(running(simulator.program(), simulator.answers))
            return simulator

        yield started

"""Child processes that never outlive the process that started them."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stack.places import ROOT, Account

LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Program:
    """A program and how it is run. Start it from the main thread: it dies with its starter."""

    name: str
    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to our own environment."""
    cwd: Path = ROOT
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    """What the kernel sends when we die without stopping it."""
    grace: float = 10.0
    """Seconds from `stop_signal` to SIGKILL."""

    def command(self) -> list[str]:
        return launched(*self.argv, account=self.account, orphan_signal=self.orphan_signal)

    def options(self) -> dict[str, Any]:
        """Keyword arguments for `subprocess.Popen` and for asyncio's equivalent, but the log."""
        return {
            "stdin": subprocess.DEVNULL,
            "stderr": subprocess.STDOUT,
            "env": {**os.environ, **self.env},
            "cwd": self.cwd,
            # Ctrl-C reaches us alone: we stop the children, in order.
            "start_new_session": True,
        }

    def log_tail(self, lines: int = 15) -> str:
        """The last lines it wrote, for a message that says why it does not run."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def launched(
    *argv: str,
    account: Account | None = None,
    orphan_signal: signal.Signals = signal.SIGKILL,
) -> list[str]:
    """The command line that runs `argv` under `account`, tied to the life of this process."""
    who = f"{account.uid}:{account.gid}" if account else "-"
    # -I -S: nothing of the virtual environment is imported, which keeps it at some 20 ms.
    python = (sys.executable, "-I", "-S", str(LAUNCH))
    return [*python, str(int(orphan_signal)), str(os.getpid()), who, *argv]


def start(program: Program) -> subprocess.Popen[bytes]:
    program.log.parent.mkdir(parents=True, exist_ok=True)
    with program.log.open("ab") as log:
        return subprocess.Popen(program.command(), stdout=log, **program.options())


def stop(program: Program, process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop, insist after its grace, and return when it has gone."""
    if process.poll() is None:
        process.send_signal(program.stop_signal)
    try:
        process.wait(program.grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

"""Gets Temporal's program once per user: the SDK's download, else a build with Go."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from adapters.process import leave
from stack.places import ROOT
from stack.processes import launched

MODULE = "github.com/temporalio/cli/cmd/temporal"
DOWNLOAD_SECONDS = 120
BUILD_SECONDS = 1800

Report = Callable[[str], None]


class NotObtained(Exception):
    """This way did not lead to a program; the message says which way and why not."""


def download(version: str, target: Path, report: Report) -> None:
    """Let the SDK fetch the server as it does for its own tests, and keep what it fetched."""
    report(f"Downloading Temporal {version} (at most {DOWNLOAD_SECONDS} s)")
    with _beside(target) as folder:
        # A process of its own: what hangs in native code can be ended, and leaves nothing behind.
        fetch = launched(sys.executable, "-m", "stack.temporal_install", version, str(folder))
        try:
            ran = subprocess.run(
                fetch,
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=DOWNLOAD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NotObtained(f"download: not done in {DOWNLOAD_SECONDS} s") from None
        if ran.returncode != 0:
            said = ran.stderr.strip().splitlines() or [f"ended with {ran.returncode}"]
            raise NotObtained(f"download: {said[-1]}")
        fetched = [path for path in folder.iterdir() if path.is_file()]
        if len(fetched) != 1:
            raise NotObtained(f"download: expected one program, got {len(fetched)} files")
        _keep(fetched[0], target)


def build(version: str, target: Path, report: Report) -> None:
    """Build it from Go's module proxy: two to three minutes of both cores, once per user."""
    go = shutil.which("go")
    if go is None:
        raise NotObtained("build: no program `go` on PATH")
    report(f"Building Temporal {version} with Go, once for this user (two to four minutes)")
    with _beside(target) as folder:
        try:
            _watched(
                [go, "install", "-v", "-ldflags", "-s -w", f"{MODULE}@v{version}"],
                {"GOBIN": str(folder), "GOFLAGS": ""},
                report,
            )
        except (OSError, subprocess.SubprocessError) as failure:
            raise NotObtained(f"build: {failure}") from failure
        _keep(folder / "temporal", target)


def _watched(argv: list[str], env: dict[str, str], report: Report) -> None:
    """Run a long command, telling now and then how far it is: one line of output is one package."""
    process = subprocess.Popen(
        launched(*argv),
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    limit = threading.Timer(BUILD_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    last = ""
    with process:
        try:
            limit.start()
            assert process.stdout
            for number, line in enumerate(process.stdout, 1):
                last = line.strip()
                if number % 100 == 0:
                    report(f"  {number} packages so far: {last[:70]}")
            status = process.wait()
        except BaseException:
            # Interrupted: the compilers it started are in its process group.
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            limit.cancel()
    if status != 0:
        raise subprocess.SubprocessError(f"{' '.join(argv[:2])} ended with {status}: {last}")


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A folder on the same file system as `target`, gone afterwards."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        yield Path(folder)


def _keep(program: Path, target: Path) -> None:
    """Put it in its place at once and whole, runnable."""
    if not program.is_file():
        raise NotObtained(f"{program.name} was not made")
    program.chmod(0o755)
    program.replace(target)


async def _fetch(version: str, folder: str) -> None:
    environment = await WorkflowEnvironment.start_local(
        download_dest_dir=folder, dev_server_download_version=f"v{version}"
    )
    await environment.shutdown()


def main() -> None:
    version, folder = sys.argv[1:]
    try:
        asyncio.run(_fetch(version, folder))
    except RuntimeError as failure:
        # The SDK's own word for a download that failed; the caller passes it on.
        print(failure, file=sys.stderr)
        leave(1)
    leave(0)


if __name__ == "__main__":
    main()

"""How processes end: everything written is out, and the status is the one that was meant."""

import subprocess
import sys

import pytest

from stack.places import ROOT


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_what_was_written_is_flushed_and_no_finaliser_runs() -> None:
    ran = _run(
        "import atexit, sys\n"
        "from adapters.process import leave\n"
        "atexit.register(print, 'finaliser')\n"
        "sys.stdout.write('said')\n"
        "leave(3)\n"
    )

    assert (ran.stdout, ran.returncode) == ("said", 3)


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("return None", 0),
        ("return 4", 4),
        ("raise SystemExit(5)", 5),
        ("raise SystemExit('in words')", 1),
        ("raise ValueError('a bug')", 1),
        ("raise KeyboardInterrupt", 130),
    ],
)
def test_an_entry_point_ends_with_the_status_it_means(ending: str, status: int) -> None:
    ran = _run(f"from adapters.process import run\nasync def main():\n    {ending}\nrun(main())\n")

    assert ran.returncode == status
    for words in ("a bug", "in words"):
        assert (words in ran.stderr) == (words in ending)


def test_a_program_that_used_temporal_never_aborts_while_it_ends() -> None:
    code = (
        "import asyncio\n"
        "from adapters.process import leave\n"
        "from temporalio.client import Client\n"
        "try:\n"
        "    asyncio.run(Client.connect('127.0.0.1:1'))\n"
        "except RuntimeError:\n"
        "    leave(0)\n"
    )

    assert [_run(code).returncode for _ in range(3)] == [0, 0, 0]

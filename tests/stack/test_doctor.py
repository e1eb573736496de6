"""The doctor: one line per thing, the remedy beside what is broken, the truth as exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack import doctor, run_file, temporal
from stack.places import ROOT
from stack.ports import free_ports
from stack.testing import temporal_for_tests


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty data folder in place of the checkout's own."""
    monkeypatch.setattr(doctor, "DATA", tmp_path)
    monkeypatch.setattr(run_file, "DATA", tmp_path)
    return tmp_path


def _found(what: str) -> doctor.Finding:
    return next(finding for finding in doctor.examine() if finding.what == what)


def test_a_stale_run_file_is_broken_and_the_remedy_is_said(data: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    run_file.publish({"supervisor": ended.pid}, data)

    finding = _found("run.json")

    assert "stale" in finding.detail
    assert not finding.ok
    assert str(data / "run.json") in finding.remedy


def test_a_run_file_that_others_may_read_is_broken(data: Path) -> None:
    # The one of a stack that runs, so with the places the other checks look at.
    [port] = free_ports(["none"]).values()
    info = {
        "supervisor": os.getpid(),
        "database_url": f"postgresql://nobody@127.0.0.1:{port}/none",
        "temporal": f"127.0.0.1:{port}",
        "processes": {},
    }
    run_file.publish(info, data)
    (data / "run.json").chmod(0o644)

    assert "chmod 600" in _found("run.json").remedy


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "postgres"),
        ("TEMPORAL_ADDRESS", "127.0.0.1:1", "temporal"),
        ("THROUGHLINE_PORT_BASE", "ten", "ports"),
    ],
)
def test_a_setting_that_leads_nowhere_is_broken(
    variable: str, value: str, what: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    assert not _found(what).ok


@pytest.mark.parametrize(
    ("version", "ok"),
    [("1.28.3", False), ("0.9", False), ("1.29.1", True), ("1.31.0-151.2", True), ("2.0.0", True)],
)
def test_a_temporal_older_than_what_is_tested_is_broken(
    version: str, ok: bool, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def said(address: str) -> str:
        return version

    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr(temporal, "server_version", said)

    finding = _found("temporal")

    assert finding.ok is ok
    assert version in finding.detail
    assert "1.29 or later" in finding.remedy


@pytest.mark.parametrize(
    ("said", "ok"),
    [
        ("temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)", True),
        ("temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)", True),
        ("temporal version 1.3.0 (Server 1.27.1, UI 2.36.0)", False),
        ("tctl 1.18", False),
    ],
)
def test_what_counts_of_the_program_is_the_server_in_it(
    said: str, ok: bool, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = data / "temporal"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    monkeypatch.setenv("PATH", f"{data}{os.pathsep}{os.environ['PATH']}")

    finding = _found("temporal program")

    assert said in finding.detail
    assert finding.ok is ok


def test_a_program_that_cannot_be_run_is_a_finding(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = data / "temporal"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    monkeypatch.setenv("PATH", f"{data}{os.pathsep}{os.environ['PATH']}")

    finding = _found("temporal program")

    assert not finding.ok
    assert "does not say its version" in finding.detail


def test_the_server_says_which_one_it_is(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with temporal_for_tests() as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)

        finding = _found("temporal")

    assert finding.ok
    assert finding.detail.startswith("server 1.")


def test_the_exit_status_and_the_json_say_what_is_broken() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "stack", "doctor", "--json"],
        cwd=ROOT,
        env={**os.environ, "TEMPORAL_ADDRESS": "127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )

    broken = [finding["what"] for finding in json.loads(ran.stdout) if not finding["ok"]]
    assert "temporal" in broken
    assert ran.returncode == 1

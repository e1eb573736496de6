"""The doctor: one line per thing, the remedy beside what is broken, the truth as exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack import doctor, run_file
from stack.places import ROOT
from stack.ports import free_ports


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

"""run.json: what readers from outside rely on."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from stack import run_file
from stack.places import StackError
from stack.ports import OFFSETS
from stack.running import Setup, Stack
from stack.services import SIMULATORS, Site
from stack.supervisor import Supervisor


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The data folder of the kept stack."""
    folder = tmp_path / "kept"
    folder.mkdir()
    monkeypatch.setattr(run_file, "DATA", folder)
    return folder


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    folder = tmp_path / "kept" / "demo"
    folder.mkdir(parents=True)
    return folder


def test_it_has_the_fixed_shape(kept: Path) -> None:
    site = Site(
        kept,
        {name: 20_000 + offset for name, offset in OFFSETS.items()},
        "postgresql://throughline:secret@127.0.0.1:20005/throughline",
        "127.0.0.1:20003",
        "tl_key",
    )

    info = Stack(Setup(kept), site, Supervisor(lambda message: None, lambda: None)).info

    assert {"api", "console", "metrics", "temporal", "temporal_ui"} <= info.keys()
    assert info["database_url"] == site.database_url
    assert info["api_key"] == "tl_key"
    assert (info["temporal_namespace"], info["task_queue"]) == ("default", "orders")
    assert set(info["simulators"]) == set(SIMULATORS)
    assert set(info["processes"]) == {"api", "worker", "postgres", "temporal", "simulators"}
    assert json.loads(json.dumps(info)) == info


def test_only_its_owner_may_read_it(kept: Path) -> None:
    run_file.publish({"supervisor": os.getpid()}, kept)

    assert stat.S_IMODE((kept / "run.json").stat().st_mode) == 0o600


def test_it_is_withdrawn_at_the_end(kept: Path) -> None:
    run_file.publish({"supervisor": os.getpid()}, kept)

    run_file.withdraw(kept)

    with pytest.raises(StackError, match="No stack runs here"):
        run_file.read(kept)


def test_one_left_by_a_stack_that_was_killed_is_called_stale(kept: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    run_file.publish({"supervisor": ended.pid}, kept)

    with pytest.raises(StackError, match="stale"):
        run_file.read(kept)


def test_a_fresh_stack_is_found_where_the_kept_one_would_be(kept: Path, demo: Path) -> None:
    run_file.publish({"supervisor": os.getpid(), "api": "demo"}, demo)

    assert run_file.read(kept)["api"] == "demo"
    run_file.withdraw(demo)
    assert not (kept / "run.json").exists()


def test_a_fresh_stack_leaves_a_kept_one_beside_it_alone(kept: Path, demo: Path) -> None:
    beside = os.getppid()
    run_file.publish({"supervisor": beside, "api": "kept"}, kept)

    run_file.publish({"supervisor": os.getpid(), "api": "demo"}, demo)
    run_file.withdraw(demo)

    assert run_file.read(kept)["api"] == "kept"

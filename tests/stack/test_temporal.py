"""Temporal's program: where it is looked for, in which order, and what a failure says."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stack import temporal, temporal_install
from stack.places import StackError


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user with an empty cache and an empty PATH; returns the only folder on it."""
    on_path = tmp_path / "bin"
    on_path.mkdir()
    monkeypatch.setenv("PATH", str(on_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return on_path


@pytest.fixture
def said() -> list[str]:
    return []


def test_the_program_on_path_comes_before_the_cached_one(nothing: Path, said: list[str]) -> None:
    _program(nothing / "temporal")
    _program(temporal.cached_program())

    assert temporal.find_program(said.append) == temporal.Found(nothing / "temporal", "PATH")


def test_the_cached_program_comes_before_getting_one(nothing: Path, said: list[str]) -> None:
    _program(temporal.cached_program())

    found = temporal.find_program(said.append)

    assert found == temporal.Found(temporal.cached_program(), "cache")
    assert said == []


def test_a_download_comes_before_a_build_and_is_kept(
    nothing: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal_install, "download", lambda version, to, report: _program(to))
    monkeypatch.setattr(temporal_install, "build", _must_not_run)

    assert temporal.find_program(said.append).source == "download"
    assert temporal.find_program(said.append).source == "cache"


def test_what_cannot_be_downloaded_is_built_with_go(
    nothing: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal_install, "download", _refused)
    # Stands for Go: leaves a program where `go install` would.
    _program(nothing / "go", 'echo "$@" > "$GOBIN/../asked"; echo x > "$GOBIN/temporal"')

    found = temporal.find_program(said.append)

    assert found == temporal.Found(temporal.cached_program(), "built")
    assert os.access(found.program, os.X_OK)
    asked = (found.program.parent / "asked").read_text()
    assert asked.strip().endswith(f"temporalio/cli/cmd/temporal@v{temporal.VERSION}")


def test_of_two_starts_at_once_one_builds_and_the_other_waits(
    nothing: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal_install, "download", _refused)
    go = 'echo built >> "$GOBIN/../builds"; echo x > "$GOBIN/temporal"'
    _program(nothing / "go", f"/bin/sleep 0.3; {go}")

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(temporal.find_program, [said.append, said.append]))

    assert {one.source for one in found} == {"built", "cache"}
    assert (temporal.cached_program().parent / "builds").read_text() == "built\n"
    assert any("waiting" in line for line in said)


def test_a_build_that_fails_leaves_nothing_behind(
    nothing: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal_install, "download", _refused)
    _program(nothing / "go", 'echo half > "$GOBIN/temporal"; echo "no space left"; exit 1')

    with pytest.raises(StackError, match="no space left"):
        temporal.find_program(said.append)

    assert [path.name for path in temporal.cached_program().parent.iterdir()] == ["lock"]


def test_one_message_says_all_that_was_tried_and_what_to_do(
    nothing: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal_install, "download", _refused)

    with pytest.raises(StackError) as failure:
        temporal.find_program(said.append)

    message = str(failure.value)
    for part in ("PATH", "cache", "download: refused", "go", "TEMPORAL_ADDRESS"):
        assert part in message


def test_a_download_that_fails_says_why(
    nothing: Path, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal_install, "DOWNLOAD_SECONDS", 10)
    # No version is called this: the vendor's server, or a closed network, refuses it.
    with pytest.raises(temporal_install.NotObtained, match="download: "):
        temporal_install.download("0.0.0-none", tmp_path / "to" / "temporal", said.append)

    assert list((tmp_path / "to").iterdir()) == []


def _program(path: Path, script: str = "exit 0") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _must_not_run(*arguments: object) -> None:
    raise AssertionError("not to be tried")


def _refused(*arguments: object) -> None:
    raise temporal_install.NotObtained("download: refused")

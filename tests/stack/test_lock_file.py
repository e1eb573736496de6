"""The lock file: every package pinned and hashed, from no particular registry."""

import re
import tomllib

from stack.places import ROOT

LOCK = (ROOT / "requirements.lock").read_text()


def test_it_names_no_host_and_no_index() -> None:
    assert re.findall(r"://|--(?:extra-)?index|--find-links|--trusted-host", LOCK) == []


def test_every_package_is_pinned_with_its_hashes() -> None:
    entries = re.findall(r"^\S.*?(?=^\S|\Z)", LOCK, re.MULTILINE | re.DOTALL)

    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+ ", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_it_holds_all_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    asked = project["project"]["dependencies"] + groups["dev"] + groups["build"]
    named = [line for line in asked if isinstance(line, str)]  # others name another group
    locked = set(re.findall(r"^([a-z0-9._-]+)", LOCK, re.MULTILINE))

    assert {re.split(r"[\[><=;~! ]", line)[0].lower() for line in named} <= locked

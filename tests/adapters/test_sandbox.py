"""A worker's workflows stay what they were when it began."""

import importlib
import sys
from pathlib import Path

import pytest

from adapters.sandbox import keep_code


def test_a_file_that_is_replaced_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "shipped_flows"
    package.mkdir()
    (package / "__init__.py").write_text("")
    module = package / "order.py"
    module.write_text("VERSION = 'the first'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    name = f"{package.name}.order"
    importlib.import_module(name)

    keep_code(package.name)
    module.write_text("VERSION = 'the second'\n")
    importlib.invalidate_caches()
    del sys.modules[name]

    assert importlib.import_module(name).VERSION == "the first"
    assert importlib.import_module(name).__file__ == str(module), "as a traceback shows it"
    importlib.import_module("shipped_flows")  # kept as well, and still a package
    del sys.modules[name], sys.modules[package.name]

"""Our import names are common words: nothing that is installed beside us may use them, too."""

import tomllib
from importlib.metadata import packages_distributions

import pytest

from stack.places import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OURS = PYPROJECT["project"]["name"]
SHIPPED = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
NAMES = sorted({"tests", *(path.removesuffix(".py") for path in SHIPPED)})


@pytest.mark.parametrize("name", NAMES)
def test_no_dependency_claims_our_name(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {OURS}


def test_claims_would_be_seen() -> None:
    assert packages_distributions()["temporalio"] == ["temporalio"]


def test_every_package_of_ours_is_looked_at() -> None:
    """A new top-level package must be shipped, and is then checked above."""
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert found <= set(NAMES)

"""What is generated is current."""

from stack.lifecycle_doc import PAGE, page, paths
from stack.places import ROOT
from tests.replay.paths import PATHS


def test_the_lifecycle_is_what_the_code_says() -> None:
    """Stale? `throughline docs lifecycle --write`."""
    assert PAGE.read_text() == page()


def test_the_paths_are_those_of_the_table() -> None:
    assert list(paths(ROOT / "tests" / "replay")) == list(PATHS)

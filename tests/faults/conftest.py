import pytest

from tests.workflows.fixtures import outside, running, simulators, temporal, world

__all__ = ["outside", "running", "simulators", "temporal", "world"]

# What is seen in a cell is told as well as what is left in the end.
pytest.register_assert_rewrite("tests.faults.cells")

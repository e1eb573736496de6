from tests.workflows.fixtures import outside, running, simulators, temporal, world

__all__ = ["outside", "running", "simulators", "temporal", "world"]

"""`throughline up`: two stacks side by side, as two checkouts of one machine have them."""

import json
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from stack.ports import OFFSETS, is_free
from tests.stack.conftest import is_gone
from tests.stack.days import folder, run_of, started, throughline, until


def free_bases() -> Iterator[int]:
    """Port bases none of whose ports is taken, far enough from each other, in no order."""
    for base in random.sample(range(20_000, 31_900, 50), 200):
        if all(is_free(base + offset) for offset in OFFSETS.values()):
            yield base


def says_that_it_runs(data: Path) -> bool:
    return "Everything runs." in (data / "output").read_text()


def test_two_stacks_run_side_by_side_and_stop_when_told() -> None:
    bases = free_bases()
    one, other = next(bases), next(bases)
    with (
        folder() as here,
        folder() as there,
        started(here, "up", THROUGHLINE_PORT_BASE=str(one)) as first,
        started(there, "up", THROUGHLINE_PORT_BASE=str(other)) as second,
    ):
        for data, process in ((here, first), (there, second)):
            until(partial(says_that_it_runs, data), process, data)
        infos = run_of(here), run_of(there)
        for base, info in zip((one, other), infos, strict=True):
            assert urlsplit(info["api"]).port == base
            assert urlsplit(info["temporal_ui"]).port == base + OFFSETS["temporal_ui"]
            assert httpx.get(f"{info['api']}/readyz", trust_env=False).status_code == 200
            assert httpx.get(info["temporal_ui"], trust_env=False).is_success
        # What the one is told, the other does not hear of.
        made = throughline(here, "keys", "make", "tester", "--scope", "orders:read", "--json")
        key = json.loads(made.stdout)["id"]
        assert key in throughline(here, "keys").stdout
        assert key not in throughline(there, "keys").stdout

        for process in (first, second):
            process.terminate()
        assert [process.wait(60) for process in (first, second)] == [0, 0]
        pids = [pid for info in infos for group in info["processes"].values() for pid in group]
        assert len(pids) == 22
        assert all(is_gone(pid) for pid in pids)
        assert not any((data / "run.json").exists() for data in (here, there))

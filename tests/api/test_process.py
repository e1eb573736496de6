"""`python -m api`: from waiting for its tables to a quiet end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from stack.ports import free_ports

KEY = "tl_a-key-for-the-first-hour-of-a-new-system"
PATIENCE = 30.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


class Api:
    """One API process with its URLs."""

    def __init__(self, database_url: str, log: Path) -> None:
        ports = free_ports(["api", "metrics"])
        self.url = f"http://127.0.0.1:{ports['api']}"
        self.metrics = f"http://127.0.0.1:{ports['metrics']}/metrics"
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api"],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    "DATABASE_URL": database_url,
                    "THROUGHLINE_API_PORT": str(ports["api"]),
                    "THROUGHLINE_METRICS_PORT": str(ports["metrics"]),
                    "THROUGHLINE_BOOTSTRAP_KEY": KEY,
                },
            )

    def get(self, url: str, **headers: str) -> httpx.Response:
        return httpx.get(url, headers=headers, trust_env=False, timeout=5)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def api(database: str, tmp_path: Path) -> Iterator[Api]:
    started = Api(database, tmp_path / "api.log")
    yield started
    started.process.kill()
    started.process.wait()


def test_the_first_key_may_do_everything_and_is_kept_as_a_hash(api: Api, database: str) -> None:
    until(api.is_ready)

    assert api.get(f"{api.url}/v1/keys", Authorization=f"Bearer {KEY}").status_code == 200
    with psycopg.connect(database) as db:
        kept = db.execute("select to_jsonb(k)::text from access_key k").fetchall()
    assert len(kept) == 1
    assert KEY not in kept[0][0]


def test_requests_are_counted_by_route(api: Api) -> None:
    until(api.is_ready)
    api.get(f"{api.url}/v1/items/BOLT-8", Authorization=f"Bearer {KEY}")

    counted = api.get(api.metrics).text

    wanted = 'method="GET",route="/v1/items/{item_id:path}",status="404"'
    assert f"throughline_http_requests_total{{{wanted}}} 1.0" in counted


def test_no_answer_waits_for_its_head_to_be_acknowledged(api: Api) -> None:
    """A client's kernel puts an acknowledgement off for 40 ms. One answer of many is enough to
    tell: on a busy machine others may take longer for reasons of their own.
    """
    until(api.is_ready)

    with httpx.Client(base_url=api.url, trust_env=False) as client:
        took = [client.get("/healthz").elapsed.total_seconds() for _ in range(50)]

    assert min(took[10:]) < 0.03


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_told_to(api: Api, number: signal.Signals) -> None:
    until(api.is_ready)

    api.process.send_signal(number)

    assert api.process.wait(PATIENCE) == 0
    assert "Traceback" not in api.log.read_text()


def test_it_ends_with_a_failure_when_its_port_is_taken(api: Api, database: str) -> None:
    until(api.is_ready)
    port = api.url.rpartition(":")[2]

    second = subprocess.run(
        [sys.executable, "-m", "api"],
        env={**os.environ, "DATABASE_URL": database, "THROUGHLINE_API_PORT": port},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert second.returncode == 1
    assert "Address already in use" in second.stdout + second.stderr

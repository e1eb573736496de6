"""Commands as a test gives them, and what must be done beforehand for them to find something."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from stack import run_file
from stack.cli import app
from stack.places import ROOT
from tests.stack.days import environment, run_of


class Commands:
    """Runs commands in this process, on the stack of a data folder; what they do is all real."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data = data
        monkeypatch.setattr(run_file, "read", partial(run_file.read, data))

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, words)

    def told(self, *words: str) -> Any:
        """The JSON document of one that succeeds."""
        done = self.run(*words, "--json")
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)


class Client:
    """Our API as the day's stack has it, for what a test must do beforehand."""

    def __init__(self, data: Path) -> None:
        info = run_of(data)
        self._http = httpx.Client(
            base_url=f"{info['api']}/v1",
            headers={"Authorization": f"Bearer {info['api_key']}", "Prefer": "wait=30"},
            timeout=60,
            trust_env=False,
        )

    def place(self, reference: str, expect: int = 200, **said: Any) -> Any:
        """An order of a customer nobody knows: it is held, and takes no stock."""
        answer = self._http.post("/orders", json=an_order(reference, **said))
        assert answer.status_code in (expect, 202), answer.text
        return answer.json()

    def refuse(self, reference: str) -> str:
        """Send an order under a reference that is taken: the dead letter that this becomes."""
        answer = self._http.post("/orders", json=an_order(reference, notes="another one"))
        assert answer.status_code == 409, answer.text
        letters = self._http.get("/dead-letters", params={"limit": 500}).json()["items"]
        return next(str(each["id"]) for each in letters if reference in each["body"])

    def close(self) -> None:
        self._http.close()


@contextmanager
def running(data: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own, killed at the end if it has not ended."""
    with subprocess.Popen(
        [sys.executable, "-m", "stack", *words],
        cwd=ROOT,
        env=environment(data),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def an_order(reference: str, **said: Any) -> dict[str, Any]:
    return {
        "channel": "portal",
        "reference": reference,
        "customer": "C-NOBODY",
        "currency": "USD",
        "ship_to": {
            **{"line1": f"{reference} St", "city": "Reno", "region": "NV"},
            **{"postal_code": "89502", "country": "US"},
        },
        "lines": [{"item": "VALVE-1", "quantity": "1"}],
        **said,
    }

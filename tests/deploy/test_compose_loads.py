"""Docker Compose's own library loads the file: schema, interpolation, references."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import COMPOSE, DEPLOY, compose_services, required_variables

GO = shutil.which("go")
pytestmark = pytest.mark.skipif(GO is None, reason="Go, which nothing else here needs, is not here")


def check(file: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    assert GO
    kept = {name: text for name, text in os.environ.items() if name not in required_variables()}
    return subprocess.run(
        [GO, "-C", str(DEPLOY / "check"), "run", ".", str(file)],
        env={**kept, **variables, "GOFLAGS": "-mod=readonly"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_compose_accepts_the_file() -> None:
    ran = check(COMPOSE, **dict.fromkeys(required_variables(), "secret"))
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == sorted(compose_services())


def test_compose_refuses_to_start_without_a_secret() -> None:
    given = dict.fromkeys(required_variables() - {"TEMPORAL_DB_PASSWORD"}, "secret")
    ran = check(COMPOSE, **given)
    assert ran.returncode != 0
    assert "TEMPORAL_DB_PASSWORD" in ran.stderr


def test_the_check_sees_a_mistake(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text().replace("service_healthy", "service_happy"))
    ran = check(wrong, **dict.fromkeys(required_variables(), "secret"))
    assert ran.returncode != 0
    assert "condition" in ran.stderr

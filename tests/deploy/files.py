"""The files under test, read."""

import re
import tomllib
from functools import cache
from typing import Any

import yaml

from stack.places import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = ROOT / "docker-compose.yml"

REQUIRED = re.compile(r"\$\{([A-Z_]+):\?[^}]*\}")
"""A variable without which Compose does not start."""


@cache
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


def compose_services() -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = compose()["services"]
    return services


@cache
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def shipped() -> list[str]:
    """The paths that make up the installed project."""
    paths: list[str] = pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    return paths


def required_variables() -> set[str]:
    return set(REQUIRED.findall(COMPOSE.read_text()))

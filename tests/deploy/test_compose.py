"""docker-compose.yml: what an engine would not say, and what must agree with the stack's own."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.config import Settings
from stack import services
from stack.places import ROOT
from stack.ports import OFFSETS
from stack.services import SIMULATORS, Site
from stack.supervisor import Service
from tests.deploy.files import (
    DEPLOY,
    REQUIRED,
    compose,
    compose_services,
    pyproject,
    required_variables,
)

NAMES = sorted(compose_services())
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY", re.IGNORECASE)
WITH_PASSWORD = re.compile(r"://[^/@:]+:(?P<password>[^@]+)@")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, OFFSETS, "postgresql://db", "temporal:7233", "tl_key")


def environment(name: str) -> dict[str, str]:
    found: dict[str, str] = compose_services()[name].get("environment", {})
    return found


def runs_once(name: str) -> bool:
    return bool(compose_services()[name]["restart"] == "no")


def dependencies(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose_services()[name].get("depends_on", {})
    return found


@pytest.mark.parametrize("name", NAMES)
def test_images_are_pinned_to_a_version(name: str) -> None:
    assert re.search(r":v?\d+\.\d+(\.\d+)?(-[\w.-]+)?$", compose_services()[name]["image"])


def test_our_image_has_the_version_of_the_project() -> None:
    ours = {s["image"] for s in compose_services().values() if "build" in s}
    assert ours == {f"throughline:{pyproject()['project']['version']}"}


def test_the_schema_is_of_the_version_that_runs_on_it() -> None:
    server = compose_services()["temporal"]["image"].partition(":")[2]
    for job in ("temporal-schema", "temporal-namespace"):
        assert compose_services()[job]["image"].partition(":")[2].startswith(f"{server}-")


@pytest.mark.parametrize("name", NAMES)
def test_every_service_is_checked_or_awaited(name: str) -> None:
    """What keeps running has a health check; what runs once is waited for until it succeeded."""
    if not runs_once(name):
        check = compose_services()[name]["healthcheck"]
        assert check["test"][0] == "CMD"
        assert {"interval", "timeout", "retries", "start_period"} <= check.keys()
        return
    waiting = [dependencies(other).get(name) for other in NAMES]
    assert {"condition": "service_completed_successfully"} in waiting


def test_who_waits_waits_for_the_right_thing() -> None:
    for name in NAMES:
        for other, how in dependencies(name).items():
            wanted = "service_completed_successfully" if runs_once(other) else "service_healthy"
            assert how["condition"] == wanted, f"{name} waits for {other}"


@pytest.mark.parametrize("name", NAMES)
def test_containers_may_do_no_more_than_they_need(name: str) -> None:
    service = compose_services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.keys() & {"cap_add", "privileged", "pid", "ipc", "network_mode", "devices"}
    if "build" in service:
        assert "user" not in service, "the image says which, see test_image.py"
    else:
        assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])


@pytest.mark.parametrize("name", NAMES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    for port in compose_services()[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_no_port_is_published_twice() -> None:
    ports = [port.split(":")[1] for s in compose_services().values() for port in s.get("ports", [])]
    assert len(ports) == len(set(ports)) > 0


@pytest.mark.parametrize("name", NAMES)
def test_secrets_come_from_the_environment(name: str) -> None:
    for variable, value in environment(name).items():
        if SECRET.search(variable):
            assert REQUIRED.fullmatch(value), variable
        if found := WITH_PASSWORD.search(value):
            assert REQUIRED.fullmatch(found["password"]), variable


def test_the_example_names_every_secret_and_holds_none() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert given == dict.fromkeys(required_variables(), "")
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", ["api", "worker"])
def test_settings_are_those_of_the_stack(name: str, site: Site) -> None:
    """Whatever stack/services.py gives is given; what is given beside it, the code reads."""
    ours = {"api": services.api(site), "worker": services.workers(site)[0]}[name]
    assert not ours.program.env.keys() - environment(name).keys()
    nothing = Settings.from_env({})
    for variable in environment(name).keys() - ours.program.env.keys():
        assert Settings.from_env({variable: "1234"}) != nothing, variable


def test_there_is_one_container_for_each_simulator(site: Site) -> None:
    stack = services.simulators(site)
    assert [service.program.name for service in stack] == list(SIMULATORS)
    books = set()
    for service in stack:
        name = service.program.name
        assert environment(name).keys() == service.program.env.keys()
        given, wanted = compose_services()[name]["command"], command(service)
        assert given[: len(wanted[:4])] == wanted[:4]
        options = dict(zip(given[4::2], given[5::2], strict=True))
        assert options.keys() >= set(wanted[4::2])
        assert options["--port"] in environment("api")[f"THROUGHLINE_{variable(name)}_URL"]
        books.add(options["--book"])
    assert len(books) == len(SIMULATORS)


def test_simulators_know_the_options_they_are_given() -> None:
    helped = [sys.executable, "-m", "stack.simulators", "--help"]
    ran = subprocess.run(helped, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in SIMULATORS:
        for option in compose_services()[name]["command"][4::2]:
            assert option in ran.stdout


def test_programs_are_those_of_the_stack(site: Site) -> None:
    assert compose_services()["api"]["command"] == command(services.api(site))
    # The image holds the project installed, so worker.py is found by its name, not by its path.
    assert command(services.workers(site)[0]) == ["python", "worker.py"]
    assert compose_services()["worker"]["command"] == ["python", "-m", "worker"]


def command(service: Service) -> list[str]:
    return ["python", *service.program.argv[1:]]


def variable(name: str) -> str:
    return name.upper().replace("-", "_")


def test_names_that_stay_inside_are_never_proxied() -> None:
    local = environment("api")["NO_PROXY"].split(",")
    assert {"postgres", "temporal", "api", "worker", *SIMULATORS} <= set(local)


def test_only_users_of_the_database_can_reach_it() -> None:
    assert compose()["networks"]["database"]["internal"] is True
    reach = {name for name in NAMES if "database" in compose_services()[name]["networks"]}
    assert reach == {"postgres", "temporal-schema", "temporal", "migrate", "api", "worker"}
    assert compose_services()["postgres"]["networks"] == ["database"]


def test_volumes_are_declared_and_files_exist() -> None:
    named = set()
    for service in compose_services().values():
        for volume in service.get("volumes", []):
            source, _, rest = volume.partition(":")
            if source.startswith("./"):
                assert (ROOT / source).exists()
                assert rest.endswith(":ro")
            else:
                named.add(source)
    assert named == compose()["volumes"].keys()


def test_temporal_is_given_what_its_configuration_asks_for() -> None:
    asked = set(re.findall(r'env "(\w+)"', (DEPLOY / "temporal" / "server.yaml").read_text()))
    assert asked == environment("temporal").keys()


@pytest.mark.parametrize("script", sorted(DEPLOY.rglob("*.sh")), ids=lambda path: path.name)
def test_scripts_can_be_run(script: Path) -> None:
    assert script.stat().st_mode & 0o555 == 0o555
    ran = subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_scripts_use_only_what_they_are_given() -> None:
    for service, script in (
        ("postgres", "postgres/databases.sh"),
        ("temporal-namespace", "temporal/namespace.sh"),
    ):
        text = (DEPLOY / script).read_text()
        used = set(re.findall(r"\$\{?([A-Z_]+)", text)) | set(re.findall(r"getenv \w+ (\w+)", text))
        assert used, script
        assert used <= environment(service).keys()

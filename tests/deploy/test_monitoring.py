"""Prometheus and Grafana: files parse, and name only what exists."""

import json
import re
from typing import Any

import pytest
import yaml

from stack.places import ROOT
from tests.deploy.files import DEPLOY, compose_services, shipped

PROMETHEUS = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
JOBS: dict[str, dict[str, Any]] = {job["job_name"]: job for job in PROMETHEUS["scrape_configs"]}
GROUPS = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
DASHBOARDS = {
    path.name: json.loads(path.read_text())
    for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
}
PROVISIONING = DEPLOY / "grafana" / "provisioning"
PANELS = [
    pytest.param(panel, id=f"{name}-{panel['title']}")
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
]


def queries() -> list[str]:
    asked = [rule["expr"] for rule in RULES]
    for dashboard in DASHBOARDS.values():
        asked += [target["expr"] for p in dashboard["panels"] for target in p["targets"]]
    return asked


def targets(job: dict[str, Any]) -> list[tuple[str, str]]:
    """Host and port of everything a job asks."""
    found = [t for static in job.get("static_configs", []) for t in static["targets"]]
    for dns in job.get("dns_sd_configs", []):
        found += [f"{name}:{dns['port']}" for name in dns["names"]]
    return [(target.split(":")[0], target.split(":")[1]) for target in found]


@pytest.mark.parametrize("job", ["api", "worker"])
def test_our_metrics_are_asked_for_where_they_are(job: str) -> None:
    port = compose_services()[job]["environment"]["THROUGHLINE_METRICS_PORT"]
    assert targets(JOBS[job]) == [(job, port)]


def test_everything_asked_is_within_reach() -> None:
    reach = set(compose_services()["prometheus"]["networks"])
    for job in JOBS.values():
        for host, _ in targets(job):
            assert host == "localhost" or reach & set(compose_services()[host]["networks"])


def test_rules_are_read() -> None:
    mounted = "./deploy/prometheus:/etc/prometheus:ro"
    assert mounted in compose_services()["prometheus"]["volumes"]
    assert PROMETHEUS["rule_files"] == ["/etc/prometheus/rules.yml"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_how_bad_it_is(rule: dict[str, Any]) -> None:
    assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"].keys() == {"summary", "description"}
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))


def test_alerts_have_different_names() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES) > 0


@pytest.mark.parametrize("query", queries())
def test_queries_ask_for_what_is_there(query: str) -> None:
    plain = re.sub(r'"[^"]*"', "", query)
    for opening, closing in ("()", "{}", "[]"):
        assert plain.count(opening) == plain.count(closing)
    assert set(re.findall(r'job="(\w+)"', query)) <= JOBS.keys()
    for name in re.findall(r"\bthroughline_\w+", query):
        assert re.sub(r"_(total|bucket|sum|count)$", "", name) in our_sources(), name


def our_sources() -> str:
    files = [file for name in shipped() for file in [ROOT / name, *(ROOT / name).rglob("*.py")]]
    return "\n".join(file.read_text() for file in files if file.is_file())


def test_grafana_finds_its_dashboards() -> None:
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "throughline.yml").read_text())[
        "providers"
    ]
    mounted = f"./deploy/grafana/dashboards:{provider['options']['path']}:ro"
    volumes = compose_services()["grafana"]["volumes"]
    assert mounted in volumes
    assert "./deploy/grafana/provisioning:/etc/grafana/provisioning:ro" in volumes
    home = compose_services()["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.removeprefix(provider["options"]["path"] + "/") in DASHBOARDS


@pytest.mark.parametrize("panel", PANELS)
def test_panels_ask_the_data_source_that_is_set_up(panel: dict[str, Any]) -> None:
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    wanted = {"type": source["type"], "uid": source["uid"]}
    assert panel["datasource"] == wanted
    assert panel["targets"]
    assert all(target["datasource"] == wanted for target in panel["targets"])
    assert source["url"] == "http://prometheus:9090"

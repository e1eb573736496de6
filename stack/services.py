"""The services of the stack, as data: what is run, with which environment, and when it works."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters.config import Settings
from stack.processes import Program
from stack.readiness import answers_http, answers_sql, lost_its_tables, serves_orders
from stack.supervisor import Service

SIMULATORS = ("erp", "wms-east", "wms-west", "tms-1", "tms-2", "tax", "payment")

_LOCAL = {
    "PYTHONUNBUFFERED": "1",
    # What the services say to each other stays on this machine, whatever proxy its user has.
    "NO_PROXY": ",".join(filter(None, ("127.0.0.1", os.environ.get("NO_PROXY")))),
    "no_proxy": ",".join(filter(None, ("127.0.0.1", os.environ.get("no_proxy")))),
}


@dataclass(frozen=True)
class Site:
    """Where one running stack has its things."""

    data: Path
    ports: Mapping[str, int]
    database_url: str
    temporal_address: str
    api_key: str
    """With all scopes; the API stores its hash when it starts."""
    shop_secret: str = ""
    """What the sample company's web shop signs its webhooks with."""
    patience: str = ""
    """How long orders wait for what, where that is not as usual; JSON."""
    workers: int = 1
    has_temporal_ui: bool = True
    """Where the engine is not ours, we do not know where its UI is."""
    temporal_namespace: str = "default"
    task_queue: str = "orders"
    """Of this stack alone, also where it shares its engine: whoever works on it gets its orders."""

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    @property
    def temporal_ui(self) -> str:
        return self.url("temporal_ui") if self.has_temporal_ui else ""

    def log(self, name: str) -> Path:
        return self.data / "logs" / f"{name}.log"

    @property
    def settings(self) -> Settings:
        """Where the orders are, and what runs them."""
        return Settings(
            database_url=self.database_url,
            temporal_address=self.temporal_address,
            temporal_namespace=self.temporal_namespace,
            task_queue=self.task_queue,
        )

    def environment(self) -> dict[str, str]:
        """What the API and the workers are configured with."""
        systems = {
            f"THROUGHLINE_{name.upper().replace('-', '_')}_URL": self.url(name)
            for name in SIMULATORS
        }
        return {
            **_LOCAL,
            "DATABASE_URL": self.database_url,
            "TEMPORAL_ADDRESS": self.temporal_address,
            "TEMPORAL_NAMESPACE": self.temporal_namespace,
            "TASK_QUEUE": self.task_queue,
            "THROUGHLINE_API_PORT": str(self.ports["api"]),
            "THROUGHLINE_API_URL": self.url("api"),
            "THROUGHLINE_TEMPORAL_UI_URL": self.temporal_ui,
            "THROUGHLINE_SHOPIFY_SECRETS": self.shop_secret,
            "THROUGHLINE_SHOPIFY_ACCOUNT": "C-WEBSHOP",
            # Subscribers of a stack on one machine are on that machine, too.
            "THROUGHLINE_PRIVATE_WEBHOOKS": "true",
            **systems,
        }


def postgres(program: Program, url: str) -> Service:
    return Service(program, "postgres", answers_sql(url))


def temporal(program: Program, address: str) -> Service:
    return Service(program, "temporal", serves_orders(address), lost_its_tables(address))


def simulators(site: Site) -> list[Service]:
    return [_simulator(site, name) for name in SIMULATORS]


def api(site: Site) -> Service:
    program = Program(
        "api",
        (sys.executable, "-m", "api"),
        log=site.log("api"),
        env={
            **site.environment(),
            "THROUGHLINE_METRICS_PORT": str(site.ports["metrics"]),
            "THROUGHLINE_BOOTSTRAP_KEY": site.api_key,
            **({"THROUGHLINE_PATIENCE": site.patience} if site.patience else {}),
        },
    )
    return Service(program, "api", answers_http(site.url("api") + "/readyz"))


def workers(site: Site) -> list[Service]:
    """The first has the remembered metrics port, the others the ports they were given."""
    names = ["worker", *(f"worker-{number}" for number in range(2, site.workers + 1))]
    return [_worker(site, name) for name in names]


def metrics_port_name(worker: str) -> str:
    return worker.replace("worker", "worker_metrics", 1)


def extra_port_names(workers: int) -> list[str]:
    """Ports that more than one worker need beside the usual ones."""
    return [metrics_port_name(f"worker-{number}") for number in range(2, workers + 1)]


def _worker(site: Site, name: str) -> Service:
    port = metrics_port_name(name)
    program = Program(
        name,
        (sys.executable, "worker.py"),
        log=site.log(name),
        env={**site.environment(), "THROUGHLINE_METRICS_PORT": str(site.ports[port])},
    )
    return Service(program, "worker", answers_http(site.url(port) + "/metrics"))


def _simulator(site: Site, name: str) -> Service:
    books = site.data / "simulators"
    books.mkdir(exist_ok=True)
    program = Program(
        name,
        (
            *(sys.executable, "-m", "stack.simulators", name),
            *("--port", str(site.ports[name]), "--book", str(books / f"{name}.db")),
        ),
        log=site.log(name),
        env={
            **_LOCAL,
            "SIM_API_URL": site.url("api"),
            "SIM_API_KEY": site.api_key,
        },
    )
    return Service(program, "simulators", answers_http(site.url(name) + "/_sim/effects?key="))

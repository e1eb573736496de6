"""Every environment variable the application reads, in one place."""

import json
import os
import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, field_validator

from domain.patience import Patience

_URL = re.compile(r"THROUGHLINE_(.+)_URL")
_SECRETS = re.compile(r"THROUGHLINE_(.+)_SECRETS")
_VENDOR = re.compile(r"THROUGHLINE_(.+)_VENDOR")
_KEY = re.compile(r"THROUGHLINE_(.+)_KEY")
_ACCOUNT = re.compile(r"THROUGHLINE_(.+)_ACCOUNT")


class MissingSetting(Exception):
    """The environment lacks something that is needed now."""


class Settings(BaseModel):
    """Read once when a process starts; empty variables count as not given."""

    model_config = ConfigDict(frozen=True)

    database_url: str = "postgresql://localhost/throughline"
    temporal_address: str = "localhost:7233"
    temporal_namespace: str = "default"
    task_queue: str = "orders"
    api_host: str = "127.0.0.1"
    api_port: int = 8400
    api_url: str = "http://127.0.0.1:8400"
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
    """0: no metrics are served."""
    bootstrap_key: str = Field("", repr=False)
    """An API key with all scopes, stored (as its hash) when the API starts."""
    again_after: float = 60
    """Seconds after which a message that was handed over and not applied is handed over again."""
    patience: Patience = Patience()
    """How long the orders that are placed from now on wait for what: THROUGHLINE_PATIENCE, as JSON
    with ISO 8601 durations, such as `{"delivery": "P7D", "close": "P30D"}`."""
    rate_limit: int = 200
    """Requests a second for a key that has no limit of its own."""
    temporal_ui_url: str = ""
    private_webhooks: bool = False
    """Whether events may be sent to addresses inside our own network."""
    systems: Mapping[str, str] = {}
    """URL by name of each outside system: THROUGHLINE_WMS_EAST_URL is that of `wms-east`."""
    vendors: Mapping[str, str] = {}
    """Whose adapter speaks to a system, if not the usual one: THROUGHLINE_<NAME>_VENDOR."""
    credentials: Mapping[str, str] = Field({}, repr=False)
    """What a system knows us by: THROUGHLINE_<NAME>_KEY."""
    channel_secrets: Mapping[str, tuple[str, ...]] = Field({}, repr=False)
    """What a channel may sign its messages with: THROUGHLINE_<CHANNEL>_SECRETS, by commas."""
    channel_accounts: Mapping[str, str] = {}
    """The customer who buys what a channel sells to people: THROUGHLINE_<CHANNEL>_ACCOUNT."""

    @field_validator("patience", mode="before")
    @classmethod
    def _from_json(cls, given: object) -> object:
        return json.loads(given) if isinstance(given, str) else given

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        given: dict[str, object] = {}
        for name in cls.model_fields:
            value = env.get(_variable(name), "")
            if value:
                given[name] = value
        systems = _named(env, _URL)
        for ours in ("api", "temporal-ui"):
            systems.pop(ours, None)
        secrets = _named(env, _SECRETS)
        given["systems"] = systems
        given["channel_secrets"] = {
            name: tuple(filter(None, map(str.strip, value.split(","))))
            for name, value in secrets.items()
        }
        given["vendors"] = _named(env, _VENDOR)
        given["credentials"] = {
            name: key for name, key in _named(env, _KEY).items() if name in systems
        }
        given["channel_accounts"] = _named(env, _ACCOUNT)
        return cls.model_validate(given)

    def system_url(self, name: str) -> str:
        """Where an outside system answers. Raises `MissingSetting`."""
        try:
            return self.systems[name]
        except KeyError:
            variable = f"THROUGHLINE_{name.upper().replace('-', '_')}_URL"
            raise MissingSetting(f"{variable} is not set") from None


_SHARED = {"database_url", "temporal_address", "temporal_namespace", "task_queue"}


def _variable(name: str) -> str:
    return name.upper() if name in _SHARED else f"THROUGHLINE_{name.upper()}"


def _named(env: Mapping[str, str], pattern: re.Pattern[str]) -> dict[str, str]:
    found = {}
    for variable, value in env.items():
        if value and (match := pattern.fullmatch(variable)):
            found[match[1].lower().replace("_", "-")] = value
    return found

"""Which adapter speaks to which system is a matter of settings."""

import pytest

from adapters.config import MissingSetting, Settings
from adapters.registry import VENDORS, Systems, open_systems
from adapters.tms.easypost import EasyPost
from adapters.wms.stockyard import Stockyard

ENVIRONMENT = {
    "THROUGHLINE_WMS_EAST_URL": "http://127.0.0.1:1",
    "THROUGHLINE_TMS_1_URL": "http://127.0.0.1:1",
    "THROUGHLINE_TMS_1_KEY": "secret",
}


async def opened(**more: str) -> Systems:
    async with open_systems(Settings.from_env({**ENVIRONMENT, **more})) as systems:
        return systems


async def test_an_instance_belongs_to_the_capability_its_name_begins_with() -> None:
    systems = await opened()

    assert {c: names for c, names in systems.instances.items() if names} == {
        "wms": ["wms-east"],
        "tms": ["tms-1"],
    }
    assert isinstance(systems.wms["wms-east"], Stockyard)
    assert (systems.routing.wms, systems.routing.tms) == ("wms-east", "tms-1")


async def test_settings_name_the_vendor_and_the_credentials() -> None:
    settings = Settings.from_env({**ENVIRONMENT, "THROUGHLINE_TMS_1_VENDOR": "easypost"})

    assert settings.credentials == {"tms-1": "secret"}
    assert "secret" not in repr(settings)
    async with open_systems(settings) as systems:
        assert isinstance(systems.tms["tms-1"], EasyPost)


async def test_a_vendor_without_an_adapter_is_named_with_those_there_are() -> None:
    with pytest.raises(MissingSetting, match=r"tms-1: .* 'pigeon' \(there are: easypost\)"):
        await opened(THROUGHLINE_TMS_1_VENDOR="pigeon")


def test_every_capability_has_an_adapter() -> None:
    assert all(VENDORS.values())
    assert set(VENDORS) == set(Systems().instances)

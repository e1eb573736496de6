"""The channels we know, by the name in their URL."""

from adapters.channels.port import NativeChannel
from adapters.channels.shopify import Shopify
from adapters.config import Settings

CHANNELS: dict[str, type[Shopify]] = {"shopify": Shopify}


def open_channels(settings: Settings) -> dict[str, NativeChannel]:
    """Every channel, with its secrets and the account that its retail customers buy on."""
    return {
        name: kind(settings.channel_secrets.get(name, ()), settings.channel_accounts.get(name))
        for name, kind in CHANNELS.items()
    }

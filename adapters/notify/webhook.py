"""One event to one subscriber: a CloudEvent, signed as Standard Webhooks says."""

import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import quote

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from adapters.notify.client import Header, Unreachable, WebhookClient
from adapters.notify.cloudevents import CONTENT_TYPE

SECRET_PREFIX = "whsec_"  # noqa: S105 - how every secret begins, not one
SECRET_BYTES = 24


class BadSecret(ValueError):
    """The secret is not base64 of at least one byte."""


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt; no error: it was delivered."""

    error: str = ""
    retry_after: timedelta | None = None


def new_secret() -> str:
    """A secret to sign with, as Standard Webhooks writes them."""
    return SECRET_PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def check_secret(secret: str) -> None:
    """Raises `BadSecret`."""
    try:
        Webhook(secret)
    except (EmptyWebhookSecretError, RuntimeError, ValueError):
        raise BadSecret("a webhook secret is base64, with or without whsec_ before it") from None


class WebhookSender:
    """Signs and sends."""

    def __init__(
        self, client: WebhookClient, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._client = client
        self._clock = clock

    async def send(self, url: str, secret: str, event_id: str, body: bytes) -> Outcome:
        """Try once. Any status of the two hundreds is a delivery; nothing is raised."""
        try:
            headers = signed(secret, event_id, body, self._clock())
            answer = await self._client.post(url, headers, body)
        except Unreachable as failure:
            return Outcome(str(failure))
        except BadSecret as failure:
            return Outcome(str(failure))
        if 200 <= answer.status < 300:
            return Outcome()
        return Outcome(f"answered {answer.status}", answer.retry_after)


def signed(secret: str, event_id: str, body: bytes, at: datetime) -> list[Header]:
    """The headers of a request with this body."""
    # An id may be any text; what is signed is the header as it is sent.
    message_id = quote(event_id, safe="!#$&'()*+,/:;=?@[]~")
    signature = _signer(secret).sign(message_id, at, body.decode())
    return [
        (b"Content-Type", CONTENT_TYPE.encode()),
        (b"webhook-id", message_id.encode()),
        (b"webhook-timestamp", b"%d" % int(at.timestamp())),
        (b"webhook-signature", signature.encode()),
    ]


@lru_cache(1_000)
def _signer(secret: str) -> Webhook:
    check_secret(secret)
    return Webhook(secret)

"""Dead letters of webhooks, sent again."""

import json
from datetime import UTC, datetime

from psycopg_pool import AsyncConnectionPool

from adapters.notify.client import WebhookClient
from adapters.notify.cloudevents import encoded
from adapters.notify.guard import AddressGuard
from adapters.notify.resend import resend
from adapters.notify.webhook import WebhookSender
from adapters.postgres.dead_letters import DeadLetters
from adapters.postgres.events import StoredEvent
from adapters.postgres.subscriptions import Subscriptions
from tests.notify.subscriber import Told, subscriber


async def test_it_is_resolved_when_the_subscriber_has_taken_it(pool: AsyncConnectionPool) -> None:
    answers = [500, 200]

    async def second_time(_: Told) -> int:
        return answers.pop(0)

    letters, subscriptions = DeadLetters(pool), Subscriptions(pool)
    body = encoded(
        StoredEvent("e", "throughline.order.held.v1", "orders/1", datetime.now(UTC), position=7)
    )
    client = WebhookClient(AddressGuard(allow_private=True))
    sender = WebhookSender(client)
    async with subscriber(second_time) as told:
        await subscriptions.create("s", told.url, told.secret)
        await letters.add(
            "l",
            kind="webhook",
            source="s",
            reason="undeliverable",
            detail={"event": "e"},
            body=body,
        )
        letter = await letters.get("l")
        assert letter

        assert (await resend(letter, letters, subscriptions, sender)).error == "answered 500"
        assert await letters.page() == [letter]
        assert (await resend(letter, letters, subscriptions, sender)).error == ""
        assert await letters.page() == []
        assert told.accepted == [json.loads(body)]

    await subscriptions.remove("s")
    assert "no longer there" in (await resend(letter, letters, subscriptions, sender)).error
    await client.aclose()

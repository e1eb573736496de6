"""A webhook that had become a dead letter, sent once more because a person said so."""

from adapters.notify.webhook import Outcome, WebhookSender
from adapters.postgres.dead_letters import DeadLetter, DeadLetters
from adapters.postgres.subscriptions import Subscriptions

KIND = "webhook"


async def resend(
    letter: DeadLetter, letters: DeadLetters, subscriptions: Subscriptions, sender: WebhookSender
) -> Outcome:
    """Send it now, to where its subscriber is today; resolved when that took it.

    It comes behind later events of its subject, which had not waited for it.
    """
    assert letter.kind == KIND, letter.kind
    to = await subscriptions.get(letter.source)
    if to is None or letter.body is None:
        return Outcome("the subscription is no longer there")
    outcome = await sender.send(to.url, to.secret, letter.detail["event"], letter.body)
    if not outcome.error:
        await letters.resolve(letter.id, "resubmitted")
    return outcome

import json

from temporalio import activity

from adapters.postgres.dead_letters import DeadLetters
from adapters.postgres.inbox import Inbox
from domain.request import Asked, Kept, NoCommand, command_of

SOURCE = "temporal-ui"


class RequestActivities:
    """What support asks for from Temporal's pages goes the way of everything that comes in."""

    def __init__(self, inbox: Inbox, dead_letters: DeadLetters) -> None:
        self._inbox = inbox
        self._dead_letters = dead_letters

    @activity.defn
    async def keep_request(self, asked: Asked) -> Kept:
        """Store it as a command, once; what is none becomes a dead letter."""
        raw = json.dumps(asked.body).encode()
        try:
            command = command_of(asked)
        except NoCommand as why:
            await self._dead_letters.add(
                asked.id,
                kind="command",
                source=SOURCE,
                reason="not_understood",
                detail={"order_id": asked.order_id, "detail": str(why)},
                body=raw,
            )
            return Kept(did=f"refused: {why}")
        stored = await self._inbox.store(
            asked.order_id, command, source=SOURCE, raw=raw, known_only=True
        )
        return Kept(did=f"{command.kind} by {command.by}: {stored.outcome} as {stored.n}")

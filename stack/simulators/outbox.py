"""What a system tells us by itself: kept until it is heard, in order per topic."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

from stack.simulators.book import Book, Json

AT_ONCE = 8
LONGEST_PAUSE = 5.0
"""Seconds between two attempts, when many have failed."""
ASK_AGAIN = frozenset({401, 403, 408, 425, 429})
"""Refusals that are about the moment, or about a key the API may learn yet."""


class Outbox:
    """Posts to the API at `url`, which may be away; without a URL everything waits."""

    def __init__(self, book: Book, url: str = "", key: str = "") -> None:
        self._book = book
        self._url = url
        self._key = key
        self._wake = asyncio.Event()

    def put(self, path: str, body: Json, *, topic: str, times: int = 1) -> None:
        """To be posted after everything that waits under the same topic."""
        for _ in range(times):
            self._book.db.execute(
                "insert into outbox (path, topic, body, due) values (?, ?, ?, ?)",
                (path, topic, json.dumps(body), time.time()),
            )
        self._wake.set()

    def messages(self) -> list[Json]:
        """Everything ever put here, with what became of it: waiting, delivered or rejected."""
        rows = self._book.db.execute("select * from outbox order by id")
        return [
            {
                "path": row["path"],
                "body": json.loads(row["body"]),
                "state": row["state"],
                "attempts": row["attempts"],
                "answer": row["answer"],
            }
            for row in rows
        ]

    async def deliver(self) -> None:
        """For ever: post what is due, a few at once, never two of a topic."""
        if not self._url:
            await asyncio.Event().wait()  # nobody to tell: what there is to tell is kept
        async with httpx.AsyncClient(
            base_url=self._url,
            headers={"Authorization": f"Bearer {self._key}"} if self._key else None,
            timeout=10,
            trust_env=False,
            limits=httpx.Limits(keepalive_expiry=2.0),
        ) as http:
            while True:
                self._wake.clear()
                first = self._first()
                if first:
                    await asyncio.gather(*(self._post(http, message) for message in first))
                else:
                    await self._rest()

    def _first(self) -> list[Mapping[str, Any]]:
        """The oldest message of each topic, where it is due."""
        return self._book.db.execute(
            "select o.id, o.path, o.body, o.attempts from outbox o where state = 'waiting'"
            " and due <= ? and not exists (select 1 from outbox e"
            "   where e.state = 'waiting' and e.topic = o.topic and e.id < o.id)"
            " order by o.id limit ?",
            (time.time(), AT_ONCE),
        ).fetchall()

    async def _rest(self) -> None:
        """Until something new comes, or an old message is due again."""
        found = self._book.db.execute(
            "select min(due) as due from outbox where state = 'waiting' and due > ?",
            (time.time(),),
        ).fetchone()
        pause = None if found["due"] is None else max(0.0, found["due"] - time.time())
        try:
            async with asyncio.timeout(pause):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _post(self, http: httpx.AsyncClient, message: Mapping[str, Any]) -> None:
        try:
            response = await http.post(
                message["path"],
                content=message["body"],
                headers={"Content-Type": "application/json"},
            )
        except httpx.TransportError as trouble:
            self._settle(message, "waiting", type(trouble).__name__)
            return
        again = response.is_server_error or response.status_code in ASK_AGAIN
        heard = "delivered" if response.is_success else "rejected"
        self._settle(message, "waiting" if again else heard, str(response.status_code))

    def _settle(self, message: Mapping[str, Any], state: str, answer: str) -> None:
        pause = min(LONGEST_PAUSE, 0.1 * 2 ** min(message["attempts"], 10))
        self._book.db.execute(
            "update outbox set state = ?, answer = ?, attempts = attempts + 1, due = ?"
            " where id = ?",
            (state, answer, time.time() + pause, message["id"]),
        )

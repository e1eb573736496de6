"""A simulated system as a process of the tests, and an API in miniature for it to talk to."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from stack.ports import free_ports
from stack.processes import Program
from stack.simulators.server import Server

Json = dict[str, Any]


@dataclass
class Simulator:
    """A process that can be ended and started again with its book."""

    name: str
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    port: int = 0

    def __post_init__(self) -> None:
        self.port = free_ports([self.name])[self.name]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def program(self) -> Program:
        command = (sys.executable, "-m", "stack.simulators", self.name)
        book = str(self.folder / f"{self.name}.db")
        return Program(
            self.name,
            (*command, "--port", str(self.port), "--book", book),
            log=self.folder / f"{self.name}.log",
            env=self.env,
        )

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/_sim/mode", trust_env=False).is_success
        except httpx.TransportError:
            return False


class Listener:
    """Notes what is posted to it, and answers as it is told to."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.status = 202
        self.posts: list[tuple[str, str, Json]] = []
        config = uvicorn.Config(
            self._app, interface="asgi3", port=port, log_level="warning", lifespan="off", ws="none"
        )
        self._server = Server(config)

    def heard(self, order_id: str) -> list[Json]:
        return [body for _, _, body in self.posts if body.get("order_id") == order_id]

    async def serve(self) -> None:
        await self._server.serve()

    def stop(self) -> None:
        self._server.should_exit = True

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        headers = dict(scope["headers"])
        key = headers.get(b"authorization", b"").decode()
        self.posts.append((scope["path"], key, json.loads(body)))
        start = {"type": "http.response.start", "status": self.status, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": b"{}"})

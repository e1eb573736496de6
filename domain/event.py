"""News for others: what happened to an order or to stock, in the past tense, with a version."""

from datetime import datetime
from typing import Any

from domain.base import Fact

PREFIX = "throughline"


class Event(Fact):
    """`id` comes from the fact behind it, so that telling it twice tells it once.

    `kind` is the short name, `order.shipped`; `cause` is the id of the message behind it, if any.
    """

    id: str
    kind: str
    data: dict[str, Any] = {}
    at: datetime
    cause: str = ""

    @property
    def type(self) -> str:
        """The name in the contract: `throughline.order.shipped.v1`."""
        return f"{PREFIX}.{self.kind}.v1"

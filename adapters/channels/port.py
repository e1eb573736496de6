"""What we need of a channel that sends its own kind of order."""

from collections.abc import Mapping
from typing import Protocol

from domain.base import Fact
from domain.order_in import OrderIn


class Ignored(Fact):
    """Understood, and nothing for us to do; `rule` says why."""

    rule: str


class Unmappable(Exception):
    """It is the channel's, but no order of ours can be made of it: a person has to look.

    `rule` names what is wrong.
    """

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail


class NativeChannel(Protocol):
    """Pure: it reads what came, and stores nothing."""

    def is_signed(self, raw: bytes, headers: Mapping[str, str]) -> bool:
        """Whether the channel itself sent exactly this."""
        ...

    def message_id(self, headers: Mapping[str, str]) -> str | None:
        """The channel's own id of this message, the same whenever it sends it again."""
        ...

    def read(self, document: object, headers: Mapping[str, str]) -> OrderIn | Ignored:
        """The order in our words. Raises `Unmappable`."""
        ...

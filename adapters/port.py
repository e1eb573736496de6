"""The one shape of every effect on an outside system."""

from typing import Protocol, TypeVar

from domain.answer import Answer, Done
from domain.documents import Document

D = TypeVar("D", bound=Document, contravariant=True)


class Standing(Protocol[D]):
    """A kind of thing that can stand at a system under a key of ours."""

    async def make_stand(self, key: str, document: D) -> Answer:
        """Make exactly `document.goal` stand under `key`; an empty goal takes it back.

        Raises `Unavailable` when the outcome is unknown or nothing was tried, and
        `UnexpectedAnswer` when the system says something its contract does not know.
        """
        ...

    async def find(self, key: str) -> Done | None:
        """What stands under `key`, or `None` when the system never heard of it.

        Raises as `make_stand` does.
        """
        ...

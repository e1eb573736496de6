"""The documentation as text: what it links to, what it calls by name, what it tells to type."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stack.places import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Link:
    """`text` is what is shown, `target` what is linked, as written."""

    text: str
    target: str


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text())


def blocks(page: Path, language: str) -> list[str]:
    """Its fenced blocks of a language; those without one are of the language ``."""
    return [text for kind, text in _FENCE.findall(page.read_text()) if kind == language]


def links(page: Path) -> list[Link]:
    """Those that stay in the project."""
    found = (Link(text, target) for text, target in _LINK.findall(prose(page)))
    return [link for link in found if not re.match(r"[a-z]+:", link.target)]


def typed(page: Path) -> Iterator[str]:
    """Everything in backticks and in blocks to be typed, a line at a time, without comments."""
    yield from _SPAN.findall(prose(page))
    for language in ("", "sh", "python"):
        for block in blocks(page, language):
            yield from (line.partition("  #")[0].strip() for line in block.splitlines())


def anchors(page: Path) -> set[str]:
    """What a link to this page may name behind `#`."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}

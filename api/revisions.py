"""ETag and If-Match: a change that names the revision it was made for."""

import re

from api.problems import Problem

_TAG = re.compile(r'(?:W/)?"(\d{1,18})"')


def to_etag(revision: int) -> str:
    return f'"{revision}"'


def expected_revision(if_match: str | None) -> int | None:
    """The revision named, `None` for any. Raises `Problem` (412) for a tag that is none of ours."""
    if if_match is None or if_match.strip() == "*":
        return None
    if match := _TAG.fullmatch(if_match.strip()):
        return int(match[1])
    raise stale()


def stale(detail: str = "It was changed since: read it again.") -> Problem:
    return Problem(412, "stale_revision", detail)

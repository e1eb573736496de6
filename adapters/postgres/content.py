"""Whether two messages say the same: their hashes, and the comparison with what is stored."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

from pydantic import ValidationError

from domain.message import MESSAGE, Message, Placed
from domain.order_in import OrderIn

BY_VALUE = "v2:"
"""Begins every hash made of values. Those of before were made of what was written: `5` and `5.0`
gave two."""
OURS = {"n", "correlation_id", "received_at"}
"""What a message is told of itself when it is handed over, not by its sender."""
_LARGEST_WHOLE = 64
"""Digits. The door takes no longer number, so every whole one that was written out has fewer."""
_EXACT = Context(prec=200, Emax=MAX_EMAX, Emin=MIN_EMIN)


def hash_of(content: Any, told: Callable[[Any], Any] = str) -> str:
    """The same for the same content, in whatever order its names are; `told` puts into JSON what
    JSON has no word for.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=told)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_of_message(message: Message) -> str:
    """Of all a message says, whatever its number and the request it came by."""
    return _hash_by_value(message.model_dump(exclude=OURS))


def hashes_of(order: OrderIn) -> tuple[str, str]:
    """Of the content, and of what makes two orders alike.

    Alike are lines of any number: some channels give every line of every order one of its own. (An
    order hashed before values were is like none that came since: nobody is warned of it.)
    """
    content = order.numbered().model_dump(exclude_defaults=True)
    alike = {name: content[name] for name in ("customer", "ship_to")}
    lines = [{name: line[name] for name in line if name != "line"} for line in content["lines"]]
    return _hash_by_value(content), _hash_by_value(alike | {"lines": lines})


def stored_hash(content: str, body: Mapping[str, Any] | None) -> str:
    """By value, the hash of what is stored as `body` under the hash `content`: an order's is that
    of what was ordered. Where that cannot be told any more, it is that of nothing else.
    """
    if content.startswith(BY_VALUE):
        return content
    try:
        message = MESSAGE.validate_python(body)
    except ValidationError:
        return f"{BY_VALUE}{content}"
    return hashes_of(message.order)[0] if isinstance(message, Placed) else hash_of_message(message)


def _hash_by_value(content: Any) -> str:
    return BY_VALUE + hash_of(content, _by_value)


def _by_value(value: object) -> object:
    """Equal for equal numbers and equal moments, however they were written."""
    if isinstance(value, Decimal):
        least = value.normalize(_EXACT)
        # As JSON's own whole numbers, which are read as such and never come here.
        if least == least.to_integral_value() and least.adjusted() < _LARGEST_WHOLE:
            return int(least)
        return {"number": str(least)}
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).isoformat()
    return str(value)

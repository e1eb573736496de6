"""JSON whose fractions are decimals, there and back: no amount ever passes through a float."""

import json
from decimal import Decimal
from typing import Any


def to_json(value: object) -> bytes:
    """JSON in which a `Decimal` is an exact number."""
    return _written(value).encode()


def from_json(text: bytes | str) -> Any:
    """The value; numbers with a fraction are `Decimal`. Raises `ValueError`."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _written(value: object) -> str:
    match value:
        case Decimal():
            return format(value, "f")
        case dict():
            return "{" + ",".join(f"{json.dumps(k)}:{_written(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value)


def _no_number(name: str) -> object:
    """`NaN` and its like are no JSON, though Python reads them."""
    raise ValueError(f"{name} is not a number")

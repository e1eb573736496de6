"""docs/events.md: every kind of event that is told, and its examples do what they say."""

import ast
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from adapters.notify.webhook import new_secret, signed
from api.events import CloudEvent, NewSubscription
from stack.places import ROOT
from tests.docs.pages import blocks

PAGE = ROOT / "docs" / "events.md"
BODY = b'{"id": "1", "type": "throughline.order.closed.v1"}'


def told() -> set[str]:
    """The kinds that the code tells: in the domain, and in SQL."""
    kinds = set()
    for file in (ROOT / "domain").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="tell"), args=[ast.Constant(value=str(kind)), *_]
                ):
                    kinds.add(f"throughline.{kind}.v1")
    for file in (ROOT / "adapters" / "postgres" / "functions").glob("*.sql"):
        kinds |= set(re.findall(r"'(throughline\.\w+\.\w+\.v\d+)'", file.read_text()))
    return kinds


def test_every_kind_that_is_told_is_described_and_no_other() -> None:
    described = re.findall(r"^### `(.+)`$", PAGE.read_text(), re.MULTILINE)

    assert sorted(described) == sorted(told())


def test_every_kind_has_an_example_whose_fields_are_explained() -> None:
    sections = re.split(r"^### ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    for section in sections:
        text, example = section.split("```json\n")[:2]
        said = json.loads(example.partition("```")[0])
        assert said.keys() - {"order_id"} <= {*re.findall(r"`(\w+)`", text)}, text


def test_the_whole_event_is_one_the_api_would_show() -> None:
    event = json.loads(blocks(PAGE, "json")[0])

    assert CloudEvent.model_validate(event).model_dump(mode="json")["data"] == event["data"]


def test_the_subscription_is_one_the_api_would_make() -> None:
    asked = json.loads(blocks(PAGE, "json")[-1])

    assert NewSubscription.model_validate(asked).id == "shop"


def test_a_webhook_is_checked_as_described() -> None:
    (example,) = blocks(PAGE, "python")
    described: dict[str, Any] = {}
    exec(example, described)
    secret = new_secret()
    sent = signed(secret, "order/closed/1", BODY, datetime.now(UTC))
    headers = {name.decode().title(): value.decode() for name, value in sent}

    assert described["read_event"](headers, BODY, secret) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        described["read_event"](headers, BODY + b" ", secret)

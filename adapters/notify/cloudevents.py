"""An event as others see it: CloudEvents 1.0 in JSON."""

import json
from typing import Any

from adapters.postgres.events import StoredEvent

SOURCE = "/throughline"
CONTENT_TYPE = "application/cloudevents+json"


def cloud_event(event: StoredEvent, source: str = SOURCE) -> dict[str, Any]:
    """The event with its attributes; ids that are not known are left out."""
    shown = {
        "specversion": "1.0",
        "id": event.id,
        "source": source,
        "type": event.kind,
        "subject": event.subject,
        "time": event.occurred_at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "position": event.position,
    }
    if event.correlation_id:
        shown["correlationid"] = event.correlation_id
    if event.causation_id:
        shown["causationid"] = event.causation_id
    return {**shown, "data": event.data}


def encoded(event: StoredEvent, source: str = SOURCE) -> bytes:
    """The body of a request that tells the event."""
    return json.dumps(
        cloud_event(event, source), ensure_ascii=False, separators=(",", ":")
    ).encode()

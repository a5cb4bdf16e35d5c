"""The message a receiver gets: thin, and the same on every attempt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from holdfast.log.public import TEST_TYPE, public_facts, public_subject
from holdfast.webhooks.model import Delivery, DueDelivery

CONTENT_TYPE: Final = "application/json"
USER_AGENT: Final = "Holdfast-Webhooks/1"


def message_body(
    *, type: str, at: datetime, subject_id: UUID, sequence: int, version: int, data: Mapping[str, Any]
) -> bytes:
    """``{type, timestamp, version, sequence, data: {id, …}}`` in UTF-8. ``timestamp`` is when it happened.

    ``sequence`` counts the events about one subject: a receiver that has seen a higher one may ignore this.
    """
    subject = {} if type == TEST_TYPE else {"id": public_subject(type, subject_id)}
    message = {
        "type": type,
        "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "version": version,
        "sequence": sequence,
        "data": {**subject, **public_facts(data)},
    }
    return json.dumps(message, separators=(",", ":")).encode()


def message_of(delivery: Delivery | DueDelivery) -> bytes:
    """The body of a delivery: the same bytes on every attempt."""
    return message_body(
        type=delivery.type,
        at=delivery.at if isinstance(delivery, DueDelivery) else delivery.event_at,
        subject_id=delivery.subject_id,
        sequence=delivery.sequence,
        version=delivery.version,
        data=delivery.data,
    )

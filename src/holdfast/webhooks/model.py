"""Endpoints, deliveries and attempts as they are read. Instants are aware, in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from holdfast.ids import public_id


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an organization's events are sent. Its secret is shown once, when it is made, and never read again.

    ``disables_at``: after the warning, when it is disabled unless it answers. ``not_before``: it did not answer, or
    asked to be left in peace. ``dead``: how many dead letters it has.
    """

    id: UUID
    url: str
    description: str
    events: list[str]
    status: str
    created_at: datetime
    previous_secret_ends_at: datetime | None
    failing_since: datetime | None
    warned_at: datetime | None
    disables_at: datetime | None
    not_before: datetime | None
    disabled_at: datetime | None
    disabled_cause: str | None
    dead: int


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An endpoint's secret at the one moment when it can be shown."""

    endpoint_id: UUID
    secret: str

    def __repr__(self) -> str:
        return f"NewSecret(endpoint_id={self.endpoint_id})"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is owed to an endpoint for an event. ``waits_behind_id``: an earlier delivery about the same subject."""

    id: UUID
    endpoint_id: UUID
    url: str
    endpoint_status: str
    event_id: int
    type: str
    event_at: datetime
    version: int
    data: Mapping[str, Any]
    subject_id: UUID
    sequence: int
    state: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    settled_at: datetime | None
    last_status: int | None
    last_cause: str | None
    last_response: str | None
    discard_reason: str | None
    waits_behind_id: UUID | None
    epoch: int
    tried_for: timedelta | None

    @property
    def why(self) -> str:
        """Why it is not delivered, in plain words; empty when it is, or has only just been owed."""
        if self.state == "discarded":
            return self.discard_reason or ""
        if self.waits_behind_id is not None:
            return f"waits behind {public_id('delivery', self.waits_behind_id)}"
        if self.endpoint_status == "disabled" and self.state == "pending":
            return "the endpoint is disabled"
        return "" if self.state == "delivered" else self._cause_and_since()

    def _cause_and_since(self) -> str:
        cause = self.last_cause or ""
        since = how_long(self.tried_for) if cause and self.tried_for else ""
        return f"{cause} So it has been for {since}." if since else cause


def how_long(time: timedelta) -> str:
    """``two hours`` or ``3 days``, in words for a sentence; empty for less than an hour."""
    hours = round(time.total_seconds() / 3600)
    count, noun = (round(hours / 24), "day") if hours >= 36 else (hours, "hour")
    return "" if count < 1 else f"{count} {noun}{'s' if count > 1 else ''}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: the status they answered (None: no answer), what it means in plain words, their answer's beginning.

    The headers are what was said both ways; None for attempts from before they were kept.
    """

    at: datetime
    status: int | None
    cause: str | None
    response: str | None
    latency_ms: int
    request_headers: Mapping[str, str] | None
    response_headers: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery as the sender gets it, with the endpoint's sealed secrets: the present one first."""

    id: UUID
    url: str
    secrets: list[bytes]
    attempts: int
    sequence: int
    event_id: int
    epoch: int
    at: datetime
    type: str
    version: int
    subject_id: UUID
    data: Mapping[str, Any]

"""The JSON of webhook endpoints and deliveries. Instants are in UTC: none of them belongs to a location."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from holdfast.http.shapes import Ask, Reason
from holdfast.ids import public_id
from holdfast.log.public import TEST_TYPE, EventNames, public_subject
from holdfast.webhooks.message import message_of
from holdfast.webhooks.model import Attempt, Delivery, Endpoint

Url = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Events = Annotated[
    list[Annotated[str, StringConstraints(max_length=80)]],
    Field(
        min_length=1,
        max_length=100,
        description="Types of event, `appointment.*`, or `*`.",
        examples=[["appointment.*"]],
    ),
]


class EndpointAsk(Ask):
    url: Url
    events: Events
    description: Reason = ""


class EndpointChange(Ask):
    url: Url | None = None
    events: Events | None = None
    description: Reason | None = None
    enabled: bool | None = None


class RotateAsk(Ask):
    overlap_hours: Annotated[int, Field(ge=0, le=168, description="How long the old secret signs too.")] = 24


class SinceAsk(Ask):
    """From which moment on."""

    since: Annotated[datetime, Field(description="ISO 8601 with an offset.")]
    webhook: Annotated[str | None, StringConstraints(max_length=64)] = None


class ReplayAsk(Ask):
    since: Annotated[datetime, Field(description="ISO 8601 with an offset.")]
    until: Annotated[datetime | None, Field(description="ISO 8601 with an offset; without one, until now.")] = None


class DiscardAsk(Ask):
    reason: Annotated[Reason, Field(min_length=1)]


class EndpointShape(BaseModel):
    """A webhook endpoint. `disabled_cause` and `failing_since` say what is wrong with it.

    `warned_at`: it fails for days, and its managers were told; it is disabled at `disables_at` unless it answers.
    `not_before`: it did not answer, or asked to be left in peace; then one delivery tries. `dead`: its dead letters.
    """

    id: str
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

    @classmethod
    def of(cls, endpoint: Endpoint) -> EndpointShape:
        return cls(
            id=public_id("webhook_endpoint", endpoint.id),
            url=endpoint.url,
            description=endpoint.description,
            events=endpoint.events,
            status=endpoint.status,
            created_at=endpoint.created_at,
            previous_secret_ends_at=endpoint.previous_secret_ends_at,
            failing_since=endpoint.failing_since,
            warned_at=endpoint.warned_at,
            disables_at=endpoint.disables_at,
            not_before=endpoint.not_before,
            disabled_at=endpoint.disabled_at,
            disabled_cause=endpoint.disabled_cause,
            dead=endpoint.dead,
        )


class EndpointWithSecret(EndpointShape):
    """A webhook endpoint and its secret, which is shown this once."""

    secret: str | None


class EndpointList(BaseModel):
    """The organization's webhook endpoints, newest first."""

    items: list[EndpointShape]


class AttemptShape(BaseModel):
    """One try, with the headers both ways. `status` null: no answer; `response`: the beginning of what they said."""

    at: datetime
    status: int | None
    cause: str | None
    response: str | None
    latency_ms: int
    request_headers: dict[str, str] | None
    response_headers: dict[str, str] | None

    @classmethod
    def of(cls, attempt: Attempt) -> AttemptShape:
        return cls(
            at=attempt.at,
            status=attempt.status,
            cause=attempt.cause,
            response=attempt.response,
            latency_ms=attempt.latency_ms,
            request_headers=None if attempt.request_headers is None else dict(attempt.request_headers),
            response_headers=None if attempt.response_headers is None else dict(attempt.response_headers),
        )


class DeliveryShape(BaseModel):
    """What a webhook endpoint is owed for one event. `cause` says in plain words why it has not gone through."""

    id: str
    webhook: str
    url: str
    event: str
    type: str
    subject: str | None
    state: str
    cause: str | None
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    settled_at: datetime | None
    last_status: int | None
    discard_reason: str | None
    waits_behind: str | None

    @classmethod
    def of(cls, delivery: Delivery, organization_id: UUID, names: EventNames) -> DeliveryShape:
        waits_behind_id = delivery.waits_behind_id
        return cls(
            id=public_id("delivery", delivery.id),
            webhook=public_id("webhook_endpoint", delivery.endpoint_id),
            url=delivery.url,
            event=names.event(organization_id, delivery.event_id, delivery.epoch),
            type=delivery.type,
            subject=None if delivery.type == TEST_TYPE else public_subject(delivery.type, delivery.subject_id),
            state=delivery.state,
            cause=delivery.last_cause,
            attempts=delivery.attempts,
            created_at=delivery.created_at,
            next_attempt_at=delivery.next_attempt_at,
            settled_at=delivery.settled_at,
            last_status=delivery.last_status,
            discard_reason=delivery.discard_reason,
            waits_behind=public_id("delivery", waits_behind_id) if waits_behind_id else None,
        )


class DeliveryDetail(BaseModel):
    """A delivery with the message as it is sent and every attempt."""

    delivery: DeliveryShape
    message: dict[str, Any]
    attempts: list[AttemptShape]

    @classmethod
    def of(
        cls, delivery: Delivery, attempts: list[Attempt], organization_id: UUID, names: EventNames
    ) -> DeliveryDetail:
        return cls(
            delivery=DeliveryShape.of(delivery, organization_id, names),
            message=json.loads(message_of(delivery)),
            attempts=[AttemptShape.of(each) for each in attempts],
        )


class DeliveryList(BaseModel):
    """Deliveries, newest first."""

    items: list[DeliveryShape]
    next: str | None


class Count(BaseModel):
    """How many deliveries it was."""

    deliveries: int

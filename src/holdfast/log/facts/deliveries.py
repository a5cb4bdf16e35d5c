"""Events of webhook endpoints and deliveries. The subject is the endpoint or the delivery."""

from __future__ import annotations

from uuid import UUID

from holdfast.log.facts import Facts, Instant


class WebhookEndpointAdded(Facts):
    """Somebody outside is told of events of these types."""

    types = ("webhook_endpoint.added",)
    events: tuple[str, ...]


class WebhookEndpointChanged(Facts):
    """It is told of other events, elsewhere, or (not) any more."""

    types = ("webhook_endpoint.changed",)
    events: tuple[str, ...]
    enabled: bool


class WebhookEndpointNoted(Facts):
    """It was removed, given a new secret, or sent a test message."""

    types = ("webhook_endpoint.removed", "webhook_endpoint.secret_rotated", "webhook_endpoint.tested")


class WebhookEndpointFailing(Facts):
    """It has failed for two days, and will be disabled after five."""

    types = ("webhook_endpoint.failing",)
    cause: str
    failing_since: Instant


class WebhookEndpointDisabled(Facts):
    """It failed for days after a warning, or said that it is gone."""

    types = ("webhook_endpoint.disabled",)
    cause: str


class WebhookEndpointReplayed(Facts):
    """It is sent again what happened since, as far as it has not got it."""

    types = ("webhook_endpoint.replayed",)
    since: Instant
    deliveries: int


class DeliveryDied(Facts):
    """The last attempt failed: a dead letter, which needs a person."""

    types = ("delivery.died",)
    endpoint_id: UUID
    cause: str


class DeliveryRetried(Facts):
    """A person had it tried again."""

    types = ("delivery.retried",)
    from_state: str


class DeliveriesRetried(Facts):
    """A person had every dead letter since then tried again. The subject is the endpoint, or the organization: all."""

    types = ("delivery.all_retried",)
    since: Instant
    deliveries: int


class DeliveryDiscarded(Facts):
    """A person gave it up."""

    types = ("delivery.discarded",)

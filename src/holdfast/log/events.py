"""The catalogue of events: everything that can happen, as the log tells it and as webhooks will.

An event says who did what to which subject, and when. Its ``data`` depends on ``type`` and ``version``; the classes
here are its documentation. Ids are UUIDs, instants are UTC, ranges are half open, and no event holds a client's name,
address or words: those are read by id, so that they can be erased. A published version never changes; a new shape is a
new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from holdfast.log import staff_facts
from holdfast.log.facts import Facts, Instant

__all__ = ["Facts", "staff_facts"]  # the latter's classes are part of the catalogue below


class UnknownEvent(ValueError):
    """An event of a type or version that this Holdfast does not know, or whose data breaks its shape."""


class Claim(Facts):
    """One unit for one time, buffers included."""

    unit_id: UUID
    role: str
    starts_at: Instant
    ends_at: Instant


class VisitClaim(Claim):
    """A visit's claim: the segment is what is worked; ``overbook``: put there on purpose, behind somebody else."""

    segment_starts_at: Instant
    segment_ends_at: Instant
    overbook: bool


# -- holds: the subject is the hold


class HoldPlaced(Facts):
    """A visit is held: ``live`` until ``expires_at``, or ``confirmed`` at once when it was booked in one step."""

    types = ("hold.placed",)
    state: str
    service_id: UUID
    location_id: UUID
    starts_at: Instant
    ends_at: Instant
    expires_at: Instant
    overbook_reason: str | None
    outside_rules: bool
    claims: tuple[VisitClaim, ...]


class HoldExtended(Facts):
    """A live hold got a fresh term."""

    types = ("hold.extended",)
    expires_at: Instant


class HoldLeft(Facts):
    """The visitor closed the booking page: the hold ends soon, unless they come back."""

    types = ("hold.left",)
    expires_at: Instant


class HoldReturnedTo(Facts):
    """The visitor is back in time: the hold has its term again."""

    types = ("hold.returned_to",)
    expires_at: Instant


class HoldConfirmed(Facts):
    """A live hold became (or was put under) an appointment."""

    types = ("hold.confirmed",)


class HoldReleased(Facts):
    """A hold let go of its claims: given back, or its appointment was cancelled, missed, or (``moved``) moved."""

    types = ("hold.released",)
    moved: bool = False


class HoldExpired(Facts):
    """A hold ran out and let go of its claims; ``displaced``: because somebody needed the place."""

    types = ("hold.expired",)
    displaced: bool = False


# -- claims: the subject is the hold, block or busy time that they belong to


class ClaimPromoted(Facts):
    """The place behind which an overbook stood became free, and it took it: it is an ordinary claim now."""

    types = ("claim.promoted",)
    unit_id: UUID
    role: str
    starts_at: Instant


class ClaimMoved(Facts):
    """A claim went to another unit at the same time: a capacity shrank, or two resources were merged."""

    types = ("claim.moved",)
    role: str
    starts_at: Instant
    from_unit_id: UUID
    unit_id: UUID
    overbook: bool


# -- appointments: the subject is the appointment


class AppointmentBooked(Facts):
    """A visit is agreed, for this client, on the claims of this hold."""

    types = ("appointment.booked",)
    hold_id: UUID
    client_id: UUID
    service_id: UUID
    location_id: UUID
    starts_at: Instant
    ends_at: Instant
    price_cents: int
    revision: int
    overbook: bool


class AppointmentRescheduled(Facts):
    """The same appointment at another time or place, on the claims of another hold."""

    types = ("appointment.rescheduled",)
    hold_id: UUID
    location_id: UUID
    starts_at: Instant
    ends_at: Instant
    from_hold_id: UUID
    from_starts_at: Instant
    from_location_id: UUID
    revision: int


class AppointmentStepped(Facts):
    """The appointment took a step: the client arrived, was served, called it off, or did not come."""

    types = ("appointment.checked_in", "appointment.completed", "appointment.cancelled", "appointment.no_show")
    from_state: str
    revision: int


class AppointmentLinkIssued(Facts):
    """Whoever has the private link may see, move and cancel the visit."""

    types = ("appointment.link_issued",)


# -- blocks and busy times: the subject is the block or the busy time


class BlockPlaced(Facts):
    """Staff closed a resource, all its units, for a time."""

    types = ("block.placed",)
    resource_id: UUID
    starts_at: Instant
    ends_at: Instant
    claims: tuple[Claim, ...]


class BlockRemoved(Facts):
    """Staff opened it again."""

    types = ("block.removed",)


class BusyRecorded(Facts):
    """An outside calendar says that a resource is busy; ``claims``: the part that was still free, now taken.

    Told again, with the new times, when the event over there moves.
    """

    types = ("busy.recorded",)
    resource_id: UUID
    source: str
    starts_at: Instant
    ends_at: Instant
    claims: tuple[Claim, ...]


class BusyRemoved(Facts):
    """The outside event is gone, or is about to be told with new times."""

    types = ("busy.removed",)


class CollisionFound(Facts):
    """An outside event and something else are in one place: the measured double-booking."""

    types = ("collision.found",)
    resource_id: UUID
    busy_id: UUID
    other_kind: str
    other_id: UUID
    starts_at: Instant
    ends_at: Instant


class CollisionResolved(Facts):
    """Somebody decided, or the outside event went away. The subject is the collision."""

    types = ("collision.resolved",)


# -- people and keys: the subject is the client or the key


class ClientAdded(Facts):
    """Somebody booked for the first time."""

    types = ("client.added",)


class ApiKeyCreated(Facts):
    """A key may act on these surfaces within these scopes."""

    types = ("api_key.created",)
    scopes: tuple[str, ...]
    surfaces: tuple[str, ...]


class ApiKeyRevoked(Facts):
    """A key may act no more."""

    types = ("api_key.revoked",)


# -- webhooks: the subject is the endpoint or the delivery


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


# -- messages to clients: the subject is the message, the client, or the organization


class MessageDied(Facts):
    """The last attempt failed, or the carrier could not deliver: a person must tell the client."""

    types = ("message.died",)
    appointment_id: UUID
    kind: str
    cause: str


class MessageRetried(Facts):
    """A person had it tried again."""

    types = ("message.retried",)
    from_state: str


class MessageDiscarded(Facts):
    """A person gave it up."""

    types = ("message.discarded",)


class MessageAnswered(Facts):
    """The client answered by text: ``confirm`` (will come) or ``cancel``, which also cancels the appointment."""

    types = ("message.answered",)
    appointment_id: UUID
    answer: str


class MessagePolicyChanged(Facts):
    """What is said, when clients are reminded, or when it is quiet has changed. The subject is the organization."""

    types = ("message_policy.changed",)


class MessageTemplateChanged(Facts):
    """The words of a kind of message changed in one language. The subject is the organization."""

    types = ("message_template.changed",)
    kind: str
    language: str


class MessagePreferenceChanged(Facts):
    """A client wants messages by this channel, or none any more. The subject is the client."""

    types = ("message_preference.changed",)
    channel: str
    allowed: bool
    source: str


class ClientLanguageSet(Facts):
    """A client is written to in another language."""

    types = ("client.language_set",)


# -- the waitlist: the subject is the entry, the opening, the offer, or (policy) the service


class WaitlistJoined(Facts):
    """Somebody waits for a time; with ``appointment_id``, for an earlier one."""

    types = ("waitlist_entry.joined",)
    client_id: UUID
    service_ids: tuple[UUID, ...]
    provider_ids: tuple[UUID, ...]
    location_ids: tuple[UUID, ...]
    windows: tuple[dict[str, Any], ...]
    earliest_on: date | None
    latest_on: date | None
    notice_minutes: int
    party_size: int
    priority: int
    appointment_id: UUID | None
    joined_at: Instant


class WaitlistEnded(Facts):
    """Somebody waits no more: they left, or their days are over."""

    types = ("waitlist_entry.left", "waitlist_entry.expired")


class WaitlistOpeningFound(Facts):
    """Time fell free that may be offered; ``service_id`` is of the visit that went."""

    types = ("waitlist_opening.found",)
    location_id: UUID
    cause: str
    service_id: UUID | None
    starts_at: Instant
    ends_at: Instant


class OfferMade(Facts):
    """A visit is held for a waitlist entry until ``expires_at``; without an opening, offered by hand."""

    types = ("offer.made",)
    entry_id: UUID
    opening_id: UUID | None
    hold_id: UUID
    service_id: UUID
    location_id: UUID
    starts_at: Instant
    ends_at: Instant
    expires_at: Instant


class OfferAccepted(Facts):
    """The client took it: this appointment was booked, or moved to that time."""

    types = ("offer.accepted",)
    entry_id: UUID
    appointment_id: UUID


class OfferDeclined(Facts):
    """The client does not want it; ``skipped``: the desk passed them over."""

    types = ("offer.declined",)
    entry_id: UUID
    skipped: bool


class OfferEnded(Facts):
    """No answer in time; or the desk gave the time away, knowingly; or somebody else accepted first."""

    types = ("offer.lapsed", "offer.overridden", "offer.lost")
    entry_id: UUID


class WaitlistPolicySet(Facts):
    """How freed times of a service are offered from now on."""

    types = ("waitlist_policy.set",)
    mode: str
    offer_minutes_max: int
    offer_minutes_min: int
    answer_percent: int
    cut_off_minutes: int
    quiet_from: time
    quiet_until: time
    offers_per_slot_max: int
    offers_per_client_and_day_max: int
    partial_fit_min_cents: int | None


# -- the catalog: the whole row as it is (removed: as it was). The subject is the row, of a linking row the thing it is
# part of.


def _changes(table: str) -> tuple[str, ...]:
    return tuple(f"{table}.{change}" for change in ("added", "changed", "removed"))


class Organization(Facts):
    types = _changes("organization")
    id: UUID
    slug: str
    name: str
    currency: str
    created_at: Instant
    assign: str
    rank: str


class HoldPolicy(Facts):
    """What a hold may be on one surface. The subject is the organization."""

    types = _changes("hold_policy")
    surface: str
    ttl_seconds: int
    ttl_seconds_max: int
    extensions_max: int
    grace_seconds: int
    live_holds_per_visitor_max: int | None
    live_holds_per_network_max: int | None
    live_holds_per_actor_max: int | None


class Location(Facts):
    types = _changes("location")
    id: UUID
    slug: str
    name: str
    time_zone: str
    address: str | None
    retired_at: Instant | None
    holiday_country: str | None
    holiday_region: str | None


class Resource(Facts):
    types = _changes("resource")
    id: UUID
    slug: str
    name: str
    kind: str
    retired_at: Instant | None
    merged_into_id: UUID | None
    visits_per_day: int | None


class ResourceAttribute(Facts):
    """A resource has a credential, or a fixed device. The subject is the resource."""

    types = _changes("resource_attribute")
    resource_id: UUID
    name: str
    good_until: date | None


class ResourceLocation(Facts):
    """A resource works at a location. The subject is the resource."""

    types = _changes("resource_location")
    resource_id: UUID
    location_id: UUID


class Unit(Facts):
    types = _changes("unit")
    id: UUID
    resource_id: UUID
    ordinal: int
    retired_at: Instant | None


class Pool(Facts):
    types = _changes("pool")
    id: UUID
    slug: str
    name: str
    requires: tuple[str, ...]


class PoolMember(Facts):
    """A resource can serve a pool's roles; a smaller preference is tried first. The subject is the pool."""

    types = _changes("pool_member")
    pool_id: UUID
    resource_id: UUID
    preference: int


class Service(Facts):
    types = _changes("service")
    id: UUID
    slug: str
    name: str
    category: str
    duration_minutes: int
    price_cents: int
    retired_at: Instant | None
    grid_minutes: int
    off_grid_after_claims: bool


class ServiceLead(Facts):
    """How soon and how far ahead a surface may book a service. The subject is the service."""

    types = _changes("service_lead")
    service_id: UUID
    surface: str
    notice_minutes: int
    horizon_days: int


class ServiceLocation(Facts):
    """A service is sold at a location. The subject is the service."""

    types = _changes("service_location")
    service_id: UUID
    location_id: UUID


class Requirement(Facts):
    """What a visit needs of a pool, in minutes after its start."""

    types = _changes("requirement")
    id: UUID
    service_id: UUID
    role: str
    pool_id: UUID
    quantity: int
    segment_start_minutes: int
    segment_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int


class WeeklyRule(Facts):
    """Opening hours or a break of every week, on the wall clock of the location."""

    types = _changes("weekly_rule")
    id: UUID
    location_id: UUID | None
    resource_id: UUID | None
    kind: str
    weekday: int
    starts: time
    ends: time
    valid_from: date | None
    valid_until: date | None
    every_weeks: int
    anchor: date | None


class DatedRule(Facts):
    """A closure, extra hours or time off, on the wall clock of the location; why is read by id."""

    types = _changes("dated_rule")
    id: UUID
    location_id: UUID | None
    resource_id: UUID | None
    kind: str
    starts: datetime
    ends: datetime


def _catalogue() -> dict[tuple[str, int], type[Facts]]:
    return {(type, facts.version): facts for facts in Facts.__subclasses__() for type in facts.types}


CATALOGUE: Final = _catalogue()


@dataclass(frozen=True, slots=True)
class EventRow:
    """A row of the log as it is stored; ``position`` tells a reader where to go on."""

    id: int
    position: str
    at: datetime
    type: str
    version: int
    subject_id: UUID
    actor: str
    surface: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: ``subject_id`` names the row it is about, ``facts`` what happened to it."""

    id: int
    position: str
    at: datetime
    type: str
    subject_id: UUID
    actor: str
    surface: str
    facts: Facts


def decode(row: EventRow) -> Event:
    """The event of a stored row. Raises UnknownEvent where the catalogue has no such type, version or shape."""
    facts = CATALOGUE.get((row.type, row.version))
    if facts is None:
        raise UnknownEvent(f"event {row.id} is {row.type!r} version {row.version}, which is not in the catalogue")
    try:
        decoded = facts.model_validate(row.data)
    except ValidationError as error:
        # only where it is wrong: the values may be anybody's
        where = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in error.errors())
        raise UnknownEvent(f"event {row.id} ({row.type}) breaks its shape: {where}") from None
    return Event(row.id, row.position, row.at, row.type, row.subject_id, row.actor, row.surface, decoded)

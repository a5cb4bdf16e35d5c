"""What the booking commands take and give. Instants are aware ``datetime`` in UTC; ids are UUIDs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from holdfast.availability.permit import Choices


class Claim(TypedDict):
    """One unit for one time. ``starts_at``/``ends_at`` include buffers, the segment does not. ISO 8601 text."""

    role: str
    kind: str
    resource_id: str
    resource_name: str
    unit_id: str
    starts_at: str
    ends_at: str
    segment_starts_at: str
    segment_ends_at: str
    overbook: bool


@dataclass(frozen=True, slots=True)
class Hold:
    id: UUID
    state: str
    service_id: UUID
    location_id: UUID
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    expires_at: datetime
    extensions: int
    surface: str
    overbook_reason: str | None
    claims: list[Claim]
    visit_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Appointment:
    id: UUID
    state: str
    revision: int
    hold_id: UUID
    client_id: UUID
    client_name: str
    client_email: str | None
    client_phone: str | None
    service_id: UUID
    service_name: str
    location_id: UUID
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    local_start: datetime
    confirmation_code: str
    price_cents: int
    currency: str
    surface: str
    note: str | None
    cancel_reason: str | None
    created_at: datetime
    overbook_reason: str | None
    claims: list[Claim]
    visit_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Block:
    id: UUID
    resource_id: UUID
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Busy:
    """What an outside calendar (``source``) says of a resource: one occurrence of an event, ``external_id`` there."""

    id: UUID
    resource_id: UUID
    source: str
    external_id: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """``added``: it was news (new, or moved). ``collisions``: how many of it are open, of news."""

    busy_id: UUID
    added: bool
    collisions: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A time that is taken on a resource: ``kind`` is booking, block or busy."""

    holder_id: UUID
    kind: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Collision:
    """Reality has two things in one place: an outside event, and ``other`` (appointment, hold, block or busy)."""

    id: UUID
    resource_id: UUID
    busy_id: UUID
    source: str
    other_kind: str
    other_id: UUID
    starts_at: datetime
    ends_at: datetime
    found_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None


@dataclass(frozen=True, slots=True)
class CollisionTold:
    """A collision with the names that people know: a client and a service, or a block's reason.

    ``time_zone`` is that of the resource's first location.
    """

    id: UUID
    resource_id: UUID
    resource_name: str
    time_zone: str
    source: str
    busy_starts_at: datetime
    busy_ends_at: datetime
    other_kind: str
    other_id: UUID
    client_name: str | None
    service_name: str | None
    appointment_state: str | None
    block_reason: str | None
    starts_at: datetime
    ends_at: datetime
    found_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None


@dataclass(frozen=True, slots=True)
class CollisionFilter:
    """Which collisions: those that overlap [from_at, to_at), and match every field that is given."""

    is_open: bool | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    resource_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """What is wanted. ``choices`` = {role: [resource ids for the first unit it needs, for the second, …]}, best first.

    Nothing said about a unit means that the whole pool may serve. ``outside_rules``: a person decided that opening
    hours, notice, breaks and caps do not count this time. The guard always does.
    """

    service_id: UUID
    location_id: UUID
    start: datetime
    choices: Choices = field(default_factory=dict)
    outside_rules: bool = False


@dataclass(frozen=True, slots=True)
class HeldBefore:
    """A hold, or a visit of several, that was wanted and has ended; the appointment would have moved onto it."""

    hold_id: UUID | None = None
    visit_id: UUID | None = None
    appointment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who holds, on a public surface, as keyed hashes: quotas need to recognise them, not to know them."""

    visitor: bytes | None = None
    network: bytes | None = None


@dataclass(frozen=True, slots=True)
class ClientDetails:
    """The person a booking is for: an id, or a name with an e-mail address or an E.164 phone number."""

    id: UUID | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class AppointmentFilter:
    """Which appointments: those that start in [from_at, to_at), and match every field that is given."""

    from_at: datetime | None = None
    to_at: datetime | None = None
    state: str | None = None
    client_id: UUID | None = None
    location_id: UUID | None = None
    resource_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of the page before."""

    at: datetime
    id: UUID

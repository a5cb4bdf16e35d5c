"""The catalog as it is read. Ids are UUIDs, lengths are whole minutes, prices are hundredths of the currency."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

KINDS: Final = ("provider", "room", "device", "other")
SLUG: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")  # as the domain holdfast.slug


@dataclass(frozen=True, slots=True)
class Organization:
    """The business whose catalog it is."""

    id: UUID
    slug: str
    name: str
    currency: str


@dataclass(frozen=True, slots=True)
class HoldPolicy:
    """What a hold may be on one surface. A limit of None means no limit."""

    surface: str
    ttl_seconds: int
    ttl_seconds_max: int
    extensions_max: int
    grace_seconds: int
    live_holds_per_visitor_max: int | None
    live_holds_per_network_max: int | None
    live_holds_per_actor_max: int | None
    bookings_per_visitor_and_day_max: int | None
    bookings_per_network_and_day_max: int | None


@dataclass(frozen=True, slots=True)
class Location:
    """A site; ``time_zone`` is an IANA name."""

    id: UUID
    slug: str
    name: str
    time_zone: str
    address: str | None
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Resource:
    """A provider, room, device or other thing, wherever it is shared. Only its units in service are listed."""

    id: UUID
    slug: str
    name: str
    kind: str
    location_ids: list[UUID]
    unit_ids: list[UUID]
    retired_at: datetime | None
    merged_into_id: UUID | None

    @property
    def capacity(self) -> int:
        return len(self.unit_ids)


@dataclass(frozen=True, slots=True)
class PoolMember:
    """A smaller preference is tried first."""

    resource_id: UUID
    preference: int


@dataclass(frozen=True, slots=True)
class Pool:
    """The resources in service that can serve a role."""

    id: UUID
    slug: str
    name: str
    members: list[PoolMember]


@dataclass(frozen=True, slots=True)
class Requirement:
    """``quantity`` units of the pool for ``segment_minutes`` from ``segment_start_minutes`` after the visit's start."""

    role: str
    pool_id: UUID
    quantity: int
    segment_start_minutes: int
    segment_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int


@dataclass(frozen=True, slots=True)
class Service:
    """What is sold, where, and what a visit requires."""

    id: UUID
    slug: str
    name: str
    category: str
    duration_minutes: int
    price_cents: int
    location_ids: list[UUID]
    requirements: list[Requirement]
    retired_at: datetime | None

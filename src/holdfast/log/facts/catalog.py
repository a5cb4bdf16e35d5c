"""Events of the catalog: the whole row as it is (removed: as it was).

The subject is the row; of a linking row, the thing it is part of.
"""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

from holdfast.log.facts import Facts, Instant


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
    bookings_per_visitor_and_day_max: int | None = None
    bookings_per_network_and_day_max: int | None = None


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

"""The JSON of what can be booked."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from holdfast.catalog.model import Location, Pool, Requirement, Resource, Service
from holdfast.http.shapes import Ask, Page, Reference
from holdfast.ids import public_id


class LocationShape(BaseModel):
    """A site; wall times there are read in its `time_zone`."""

    id: str
    slug: str
    name: str
    time_zone: str
    address: str | None

    @classmethod
    def of(cls, location: Location) -> LocationShape:
        """The location as the API shows it."""
        return cls(
            id=public_id("location", location.id),
            slug=location.slug,
            name=location.name,
            time_zone=location.time_zone,
            address=location.address,
        )


class ResourceShape(BaseModel):
    """A person, a room, a device: `capacity` units, each of which one visit at a time can claim."""

    id: str
    slug: str
    name: str
    kind: str
    capacity: int
    units: list[str]
    locations: list[str]
    retired: bool

    @classmethod
    def of(cls, resource: Resource) -> ResourceShape:
        """The resource as the API shows it."""
        return cls(
            id=public_id("resource", resource.id),
            slug=resource.slug,
            name=resource.name,
            kind=resource.kind,
            capacity=resource.capacity,
            units=_ids("unit", resource.unit_ids),
            locations=_ids("location", resource.location_ids),
            retired=resource.retired_at is not None,
        )


class RequirementShape(BaseModel):
    """`quantity` units of a pool, from `starts_minute` of the visit for `minutes`; buffers are kept free around it."""

    role: str
    pool: str
    quantity: int
    starts_minute: int
    minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int

    @classmethod
    def of(cls, requirement: Requirement) -> RequirementShape:
        """The requirement as the API shows it."""
        return cls(
            role=requirement.role,
            pool=public_id("pool", requirement.pool_id),
            quantity=requirement.quantity,
            starts_minute=requirement.segment_start_minutes,
            minutes=requirement.segment_minutes,
            buffer_before_minutes=requirement.buffer_before_minutes,
            buffer_after_minutes=requirement.buffer_after_minutes,
        )


class ServiceShape(BaseModel):
    """What is sold, where, and what a visit requires."""

    id: str
    slug: str
    name: str
    category: str
    duration_minutes: int
    price_cents: int
    locations: list[str]
    requires: list[RequirementShape]

    @classmethod
    def of(cls, service: Service) -> ServiceShape:
        """The service as the API shows it."""
        return cls(
            id=public_id("service", service.id),
            slug=service.slug,
            name=service.name,
            category=service.category,
            duration_minutes=service.duration_minutes,
            price_cents=service.price_cents,
            locations=_ids("location", service.location_ids),
            requires=[RequirementShape.of(each) for each in service.requirements],
        )


class MemberShape(BaseModel):
    resource: str
    preference: int


class PoolShape(BaseModel):
    """The resources that can serve a role; a smaller preference is tried first."""

    id: str
    slug: str
    name: str
    members: list[MemberShape]

    @classmethod
    def of(cls, pool: Pool) -> PoolShape:
        """The pool as the API shows it."""
        return cls(
            id=public_id("pool", pool.id),
            slug=pool.slug,
            name=pool.name,
            members=[
                MemberShape(resource=public_id("resource", each.resource_id), preference=each.preference)
                for each in pool.members
            ],
        )


class LocationList(Page):
    items: list[LocationShape]


class ResourceList(Page):
    items: list[ResourceShape]


class ServiceList(Page):
    items: list[ServiceShape]


class PoolList(Page):
    items: list[PoolShape]


class CapacityAsk(Ask):
    capacity: Annotated[int, Field(strict=True, ge=1, le=500)]


class MergeAsk(Ask):
    into: Reference


def _ids(kind: str, ids: list[UUID]) -> list[str]:
    return [public_id(kind, each) for each in ids]

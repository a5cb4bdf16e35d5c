"""The JSON of availability: slots, days, and explanations. They name resources, never anybody's booking."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel

from holdfast.availability.explain import Explanation
from holdfast.availability.model import Slot
from holdfast.ids import KINDS
from holdfast.wallclock import to_local


class SlotResource(BaseModel):
    """Who or what would serve a role; ``service`` where a visit has several."""

    role: str
    resource: str
    service: str | None = None


class SlotPart(BaseModel):
    """When one service of a visit begins and ends."""

    service: str
    start: datetime
    end: datetime


class SlotShape(BaseModel):
    """`services` where a visit has several."""

    start: datetime
    end: datetime
    location: str
    resources: list[SlotResource]
    services: list[SlotPart] | None = None
    why: str | None = None

    @classmethod
    def of(cls, location_id: str, slot: Slot, zone: str) -> SlotShape:
        """The slot on the clock of that zone."""
        several = len(slot.parts) > 1
        return cls(
            start=to_local(slot.start, zone),
            end=to_local(slot.end, zone),
            location=shown("location", location_id),
            resources=[
                SlotResource(
                    role=pick.role,
                    resource=shown("resource", pick.resource),
                    service=shown("service", pick.service) if several else None,
                )
                for pick in slot.picks
            ],
            services=[
                SlotPart(
                    service=shown("service", part.service),
                    start=to_local(part.start, zone),
                    end=to_local(part.end, zone),
                )
                for part in slot.parts
            ]
            if several
            else None,
            why=slot.why or None,
        )


class SlotList(BaseModel):
    """What can be booked. ``time_zone`` is that of the times; null when they are of locations in several zones."""

    slots: list[SlotShape]
    as_of: datetime
    time_zone: str | None


class DayList(BaseModel):
    """The days on which anything can be booked. ``time_zone`` is whose days they are; null: each location's own."""

    days: list[date]
    as_of: datetime
    time_zone: str | None


class ObstacleShape(BaseModel):
    """``count`` of those who could serve are out for this reason; ``until``, when a hold ends by itself."""

    reason: Literal[
        "no_credential", "closed", "on_break", "away", "not_working", "cap_reached", "booked", "held", "blocked", "busy"
    ]
    count: int
    until: datetime | None = None


class RoleShape(BaseModel):
    role: str
    service: str | None = None
    needed: int
    free: int
    obstacles: list[ObstacleShape]


class ExplanationShape(BaseModel):
    """Why a start works or not. ``rules`` forbid it whoever is free; ``shared``: enough are free, but the same ones."""

    works: bool
    start: datetime
    rules: list[Literal["too_soon", "too_far", "off_grid", "outside_window", "outside_part_of_day"]]
    roles: list[RoleShape]
    shared: bool
    nearest: SlotShape | None
    as_of: datetime
    time_zone: str

    @classmethod
    def of(cls, why: Explanation, start: datetime, location_id: str, as_of: datetime, zone: str) -> ExplanationShape:
        """The explanation on the clock of that zone."""
        several = len({role.service for role in why.roles}) > 1
        return cls(
            works=why.works,
            start=to_local(start, zone),
            rules=list(why.rules),  # type: ignore[arg-type]  # the engine has no other words
            roles=[
                RoleShape(
                    role=role.role,
                    service=shown("service", role.service) if several else None,
                    needed=role.needed,
                    free=role.free,
                    obstacles=[
                        ObstacleShape(
                            reason=obstacle.reason,  # type: ignore[arg-type]
                            count=obstacle.count,
                            until=obstacle.until and to_local(obstacle.until, zone),
                        )
                        for obstacle in role.obstacles
                    ],
                )
                for role in why.roles
            ],
            shared=why.shared,
            nearest=SlotShape.of(location_id, why.nearest, zone) if why.nearest else None,
            as_of=to_local(as_of, zone),
            time_zone=zone,
        )


def shown(kind: str, id: str) -> str:
    """The public id of an id as the engine has it."""
    return f"{KINDS[kind]}_{id.replace('-', '')}"

"""A visit that a person put together by hand, as the search takes it: one service with the roles of all its parts.

Its parts keep their distance from each other, so another start moves all of them. One unit may work in two parts that
do not overlap, as in any visit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from holdfast.access.model import SURFACES
from holdfast.availability.bitmap import MINUTE
from holdfast.availability.catalog import Catalog
from holdfast.availability.model import Lead, Part, Request, Service, Slot
from holdfast.availability.permit import Choices

TOGETHER: Final = "together"
_APART: Final = " "  # no role has it


@dataclass(frozen=True, slots=True)
class WantedPart:
    service_id: UUID
    start: datetime
    choices: Choices = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WantedTogether:
    """A visit of such parts that was refused; ``without_holds`` would be given up for it."""

    location_id: UUID
    parts: tuple[WantedPart, ...]
    without_holds: tuple[UUID, ...] = ()

    @property
    def start(self) -> datetime:
        return min(part.start for part in self.parts)


def with_together(catalog: Catalog, wanted: WantedTogether) -> Catalog:
    """The catalog with one service more. Raises NotFound and Invalid as ``Catalog.service`` does."""
    services = [catalog.service(str(part.service_id)) for part in wanted.parts]
    offered = frozenset.intersection(*(catalog.offered[service.id] for service in services))
    together = _together(services, [(part.start - wanted.start) // MINUTE for part in wanted.parts])
    return replace(
        catalog,
        services={**catalog.services, TOGETHER: together},
        offered={**catalog.offered, TOGETHER: offered},
    )


def request_of(wanted: WantedTogether) -> Request:
    """The question for its start alone."""
    return Request(
        location=str(wanted.location_id),
        services=(TOGETHER,),
        start=wanted.start,
        until=wanted.start,
        prefer=tuple(
            str(id) for part in wanted.parts for units in part.choices.values() for unit in units for id in unit
        ),
    )


def untied(slot: Slot, wanted: WantedTogether, catalog: Catalog) -> Slot:
    """The slot with its parts and roles by their own names again."""
    picks, parts = [], []
    for pick in slot.picks:
        number, _, role = pick.role.partition(_APART)
        part = int(number)
        picks.append(pick._replace(role=role, part=part, service=str(wanted.parts[part].service_id)))
    for each in wanted.parts:
        service = catalog.service(str(each.service_id))
        start = slot.start + (each.start - wanted.start)
        parts.append(Part(service.id, start, start + MINUTE * service.length_minutes))
    return replace(slot, picks=tuple(picks), parts=tuple(parts))


def _together(services: Sequence[Service], after_minutes: Sequence[int]) -> Service:
    """The strictest of their leads; the grid of the one that begins first, for which alone it counts."""
    first = services[after_minutes.index(0)]
    leads = {surface: [service.lead_on(surface) for service in services] for surface in (*SURFACES, "system")}
    return Service(
        id=TOGETHER,
        length_minutes=max(
            after + service.length_minutes for service, after in zip(services, after_minutes, strict=True)
        ),
        requirements=tuple(
            replace(need, role=f"{number}{_APART}{need.role}", offset_minutes=need.offset_minutes + after)
            for number, (service, after) in enumerate(zip(services, after_minutes, strict=True))
            for need in service.requirements
        ),
        grid_minutes=first.grid_minutes,
        lead_by_surface={
            surface: Lead(max(lead.notice_minutes for lead in each), min(lead.horizon_days for lead in each))
            for surface, each in leads.items()
        },
    )

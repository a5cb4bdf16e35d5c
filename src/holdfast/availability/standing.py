"""What a catalog says of a visit that stands: where it differs from what would be booked today. Pure, no I/O.

A change of the rules never moves a claim, so what is booked can come to lie outside them. Two catalogs asked about the
same visit, before and after a change, tell what the change does to it. The rules are those of the search: hours, breaks
and credentials are read by ``explain.absence_reason``, from the same bitmaps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, NamedTuple

from holdfast import wallclock
from holdfast.availability.bitmap import MINUTE
from holdfast.availability.catalog import Catalog
from holdfast.availability.explain import absence_reason
from holdfast.availability.masks import Masks
from holdfast.availability.model import Requirement, Service
from holdfast.availability.permit import masks_around

SENTENCES: Final = {
    "location_closed": "The location is no longer open for business.",
    "not_sold": "The service is no longer sold.",
    "not_offered_here": "The service is no longer offered at this location.",
    "nothing_required": "The service would need nobody and nothing, so it could not be booked.",
    "nobody_serves_role": "Nobody would be left to serve as {role}.",
    "other_wall_time": "On the clock of its location it would begin at {start}.",
    "longer": "Longer than booked: it would need until {end}.",
    "shorter": "Shorter than booked: it would end at {end}.",
    "other_number": "It would need {limit} as {role}, where {count} are booked.",
    "out_of_service": "{resource} would be out of service.",
    "not_here": "{resource} would no longer serve at this location.",
    "not_in_pool": "{resource} would no longer be among those who serve as {role}.",
    "closed": "It would be closed then.",
    "on_break": "It would be during a break.",
    "away": "{resource} would be away then.",
    "not_working": "{resource} would not be working then.",
    "no_credential": "{resource} would lack, on that day, what serving as {role} takes.",
    "over_cap": "{resource} would have {count} visits that day, where {limit} are allowed.",
    "other_time": "{resource} would be needed from {start} to {end} as {role}.",
    "longer_buffer": "{resource} would be kept from {start} to {end}, buffers included.",
    "in_the_way": "{resource} cannot be taken away while it has this.",
}


class StandingClaim(NamedTuple):
    """One unit of a booked visit; instants. ``start`` and ``end`` are the claim, buffers included."""

    role: str
    resource: str
    unit: str
    start: datetime
    end: datetime
    segment_start: datetime
    segment_end: datetime


@dataclass(frozen=True, slots=True)
class StandingVisit:
    """A booked visit as it was written: ``zone`` is its location's at the time. Ids are text."""

    id: str
    service: str
    location: str
    zone: str
    start: datetime
    end: datetime
    claims: Sequence[StandingClaim]


@dataclass(frozen=True, slots=True)
class Effect:
    """One way in which a visit is not what would be booked today; ``reason`` is a key of SENTENCES.

    ``start`` and ``end`` are instants where the rules would have it, ``count`` is what stands where ``limit`` should.
    """

    reason: str
    role: str | None = None
    resource: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    count: int | None = None
    limit: int | None = None
    zone: str | None = None

    def sentence(self, zone: str, resource_name: str) -> str:
        """The effect in words, on the clock of ``zone`` unless it is about another."""
        on_clock = self.zone or zone
        start, end = (moment and f"{wallclock.to_local(moment, on_clock):%H:%M}" for moment in (self.start, self.end))
        return SENTENCES[self.reason].format(
            role=self.role, resource=resource_name, start=start, end=end, count=self.count, limit=self.limit
        )


Loads = Mapping[tuple[str, date], int]


class Reading:
    """One catalog, asked about many visits; those of one location and day in a row share their bitmaps."""

    def __init__(self, catalog: Catalog, visits: Iterable[StandingVisit], now: datetime) -> None:
        self._catalog = catalog
        self._now = now
        self._loads = self._count(visits)
        self._near: tuple[str, date] | None = None
        self._masks: Masks

    def effects(self, visit: StandingVisit) -> list[Effect]:
        """How the visit differs from what would be booked; in order: the whole, then role by role."""
        catalog = self._catalog
        location = catalog.locations.get(visit.location)
        if location is None:
            return [Effect("location_closed")]
        found = []
        if location.zone != visit.zone and _wall(visit.start, location.zone) != _wall(visit.start, visit.zone):
            # the instant stays; what the client has in mind is the time on the wall
            found.append(Effect("other_wall_time", start=visit.start, zone=location.zone))
        if visit.service in catalog.broken:
            facts = catalog.broken[visit.service].facts
            return [*found, Effect(facts["reason"], role=facts.get("role"))]
        if visit.service not in catalog.services:
            return [*found, Effect("not_sold")]
        if visit.location not in catalog.offered[visit.service]:
            found.append(Effect("not_offered_here"))
        return found + list(self._of_service(visit, catalog.services[visit.service]))

    def _of_service(self, visit: StandingVisit, service: Service) -> Iterator[Effect]:
        end = visit.start + MINUTE * service.length_minutes
        if end != visit.end:
            yield Effect("longer" if end > visit.end else "shorter", end=end)
        needs = {need.role: need for need in service.requirements}
        have = Counter(claim.role for claim in visit.claims)
        for role in sorted(needs.keys() | have.keys()):
            needed = needs[role].quantity if role in needs else 0
            if have[role] != needed:
                yield Effect("other_number", role=role, count=have[role], limit=needed)
        for claim in visit.claims:
            if claim.role in needs:
                yield from self._of_claim(visit, needs[claim.role], claim)

    def _of_claim(self, visit: StandingVisit, need: Requirement, claim: StandingClaim) -> Iterator[Effect]:
        resource = self._catalog.resources.get(claim.resource)
        about = Effect("", role=claim.role, resource=claim.resource)
        if resource is None:
            yield replace(about, reason="out_of_service")
            return
        if visit.location not in resource.timetables:
            yield replace(about, reason="not_here")
            return
        if resource.id not in need.pool.members:
            yield replace(about, reason="not_in_pool")
        masks = self._masks_of(visit)
        # the segment as it stands: hours are asked about the time that is booked, not about what a new rule would book
        booked = as_booked(need, visit.start, claim.segment_start, claim.segment_end)
        if reason := absence_reason(masks, booked, resource, masks.window.index(visit.start)):
            yield replace(about, reason=reason)
        load = self._loads.get((resource.id, masks.days.date_of(masks.window.index(visit.start))), 0)
        if resource.visits_per_day is not None and load > resource.visits_per_day:
            yield replace(about, reason="over_cap", count=load, limit=resource.visits_per_day)
        yield from _of_time(visit, need, claim, about)

    def _masks_of(self, visit: StandingVisit) -> Masks:
        near = visit.location, visit.start.date()
        if near != self._near:
            self._near, self._masks = near, masks_around(self._catalog, visit.location, visit.start, self._now)
        return self._masks

    def _count(self, visits: Iterable[StandingVisit]) -> Loads:
        """How many of the visits each resource has on each local day."""
        loads: Counter[tuple[str, date]] = Counter()
        for visit in visits:
            if (location := self._catalog.locations.get(visit.location)) is not None:
                day = wallclock.local_date(visit.start, location.zone)
                loads.update({(claim.resource, day) for claim in visit.claims})
        return loads


def as_booked(need: Requirement, start: datetime, segment_start: datetime, segment_end: datetime) -> Requirement:
    """The requirement with the segment of a visit as it stands, which began under other rules perhaps."""
    return replace(
        need,
        offset_minutes=(segment_start - start) // MINUTE,
        length_minutes=(segment_end - segment_start) // MINUTE,
    )


def _of_time(visit: StandingVisit, need: Requirement, claim: StandingClaim, about: Effect) -> Iterator[Effect]:
    """Where the claim would be instead. A shorter buffer is nothing to act on, so it is not told."""
    start = visit.start + MINUTE * need.offset_minutes
    end = start + MINUTE * need.length_minutes
    if (start, end) != (claim.segment_start, claim.segment_end):
        yield replace(about, reason="other_time", start=start, end=end)
        return
    start -= MINUTE * need.buffer_before_minutes
    end += MINUTE * need.buffer_after_minutes
    # claims of one visit on one unit share what lies between them
    own = [each for each in visit.claims if each.unit == claim.unit]
    if start < min(each.start for each in own) or end > max(each.end for each in own):
        yield replace(about, reason="longer_buffer", start=start, end=end)


def _wall(instant: datetime, zone: str) -> datetime:
    return wallclock.to_local(instant, zone).replace(tzinfo=None)


def changed_between(before: Catalog, after: Catalog) -> tuple[set[str], set[str], set[str]]:
    """The ids of the locations, resources and services of which the two say something different."""
    locations = _differ(before.locations, after.locations)
    resources = _differ(before.resources, after.resources)
    services = _differ(before.services, after.services) | _differ(before.offered, after.offered)
    return locations, resources, services | (before.broken.keys() ^ after.broken.keys())


def _differ(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    return {id for id in before.keys() | after.keys() if before.get(id) != after.get(id)}

"""The plan of ``handover`` for visits of the record: who could serve instead, and who could make way for whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from holdfast.availability.catalog import Catalog
from holdfast.availability.explain import resource_reason
from holdfast.availability.masks import Masks
from holdfast.availability.model import Requirement
from holdfast.availability.permit import Choices, masks_around
from holdfast.availability.service import Absence
from holdfast.availability.snapshot import QUERIES, current_catalog
from holdfast.availability.standing import as_booked
from holdfast.booking import service as booking
from holdfast.booking.handover import Job, hand_over
from holdfast.booking.model import Appointment, AppointmentFilter, Claim, Cursor
from holdfast.db.transact import Transaction

PAGE: Final = 200
# Who stands beside an affected visit may have begun up to a day before it.
BESIDE: Final = timedelta(days=1)

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Step:
    """One visit moves: for each role, the one resource for each of its units."""

    visit: Appointment
    choices: Choices


async def chains(tx: Transaction, out: Absence, affected: Sequence[Appointment]) -> list[list[Step]]:
    """Moves that hand over what ``out`` loses, group by group in an order in which they can be done.

    What is stranded has no step. A plan: the guard, and caps that fill up on the way, decide when it is done.
    """
    if not affected:
        return []
    catalog = await current_catalog(tx)
    first, last = affected[0].starts_at - BESIDE, affected[-1].ends_at + BESIDE
    # nobody who has come already makes way
    first_beside = max(first, tx.scene.began_at)
    beside = await every_appointment(tx, AppointmentFilter(from_at=first_beside, to_at=last, state="confirmed"))
    visits = {visit.id: visit for visit in [*beside, *affected] if not any(each["overbook"] for each in visit.claims)}
    fixed = await _fixed(tx, catalog, {visit.hold_id for visit in visits.values()}, (first - BESIDE, last + BESIDE))
    lost = {visit.id: claims_lost(visit, out) for visit in affected}
    options = _Options(catalog, out, fixed, tx.scene.began_at)
    places = [
        (visit, claim)
        for visit in sorted(visits.values(), key=lambda each: (each.location_id, each.starts_at, each.id))
        for claim in visit.claims
    ]
    jobs = [Job(str(visit.id), claim["unit_id"], *_span(claim), options.of(visit, claim)) for visit, claim in places]
    displaced = [job for job, (visit, claim) in enumerate(places) if claim in lost.get(visit.id, ())]
    owners = {unit: UUID(id) for id, resource in catalog.resources.items() for unit in resource.units}
    plans = hand_over(jobs, displaced)
    return [[_step(places, moves, owners) for moves in plan.moves] for plan in plans if plan.moves]


def claims_lost(visit: Appointment, out: Absence) -> list[Claim]:
    """The claims of the visit that the resource works for in its absence."""
    return [
        claim
        for claim in visit.claims
        if UUID(claim["resource_id"]) == out.resource_id
        and datetime.fromisoformat(claim["segment_starts_at"]) < out.end
        and datetime.fromisoformat(claim["segment_ends_at"]) > out.start
    ]


async def every_appointment(tx: Transaction, wanted: AppointmentFilter) -> list[Appointment]:
    """All pages of a list, by start."""
    found: list[Appointment] = []
    after: Cursor | None = None
    while page := await booking.list_appointments(tx, wanted, limit=PAGE, after=after):
        found += page
        after = Cursor(page[-1].starts_at, page[-1].id)
    return found


async def _fixed(tx: Transaction, catalog: Catalog, movable: Collection[UUID], span: Span) -> Mapping[str, list[Span]]:
    """By unit, what cannot make way: blocks, busy times, holds, visits that have begun or were put there on purpose."""
    units = [UUID(unit) for resource in catalog.resources.values() for unit in resource.units]
    rows = await tx.tuples(QUERIES["claims_between"], unit_ids=units, from_at=span[0], to_at=span[1])
    fixed: dict[str, list[Span]] = defaultdict(list)
    for unit_id, starts_at, ends_at, _, hold_id, *_ in rows:
        if hold_id not in movable:
            fixed[str(unit_id)].append((starts_at, ends_at))
    return fixed


class _Options:
    """The other units that may serve a claim at its own time, by the rules and the pool's order."""

    def __init__(self, catalog: Catalog, out: Absence, fixed: Mapping[str, Sequence[Span]], now: datetime) -> None:
        self._catalog = catalog
        self._out = out
        self._fixed = fixed
        self._now = now
        self._near: tuple[UUID, date] | None = None
        self._masks: Masks

    def of(self, visit: Appointment, claim: Claim) -> tuple[str, ...]:
        need = self._need(visit, claim["role"])
        if need is None:
            return ()
        masks = self._masks_of(visit)
        segment = (datetime.fromisoformat(claim[end]) for end in ("segment_starts_at", "segment_ends_at"))
        booked = as_booked(need, visit.starts_at, *segment)
        at = masks.window.index(visit.starts_at)
        return tuple(
            unit
            for resource in masks.members(need.pool)
            if resource.id != str(self._out.resource_id) and resource_reason(masks, booked, resource, at) is None
            for unit in resource.units
            if unit != claim["unit_id"] and self._may_be_had(unit, _span(claim))
        )

    def _need(self, visit: Appointment, role: str) -> Requirement | None:
        service = self._catalog.services.get(str(visit.service_id))
        if service is None or str(visit.location_id) not in self._catalog.offered[service.id]:
            return None
        return next((need for need in service.requirements if need.role == role), None)

    def _masks_of(self, visit: Appointment) -> Masks:
        near = visit.location_id, visit.starts_at.date()
        if near != self._near:
            self._near = near
            self._masks = masks_around(self._catalog, str(visit.location_id), visit.starts_at, self._now)
        return self._masks

    def _may_be_had(self, unit: str, span: Span) -> bool:
        return not any(start < span[1] and span[0] < end for start, end in self._fixed.get(unit, ()))


def _step(places: Sequence[tuple[Appointment, Claim]], moves: Mapping[int, str], owners: Mapping[str, UUID]) -> Step:
    visit = places[next(iter(moves))][0]
    roles = {places[job][1]["role"] for job in moves}
    choices: dict[str, list[list[UUID]]] = {role: [] for role in roles}
    for job, (owner, claim) in enumerate(places):
        if owner is visit and claim["role"] in roles:
            choices[claim["role"]].append([owners[moves.get(job, claim["unit_id"])]])
    return Step(visit, choices)


def _span(claim: Claim) -> Span:
    return datetime.fromisoformat(claim["starts_at"]), datetime.fromisoformat(claim["ends_at"])

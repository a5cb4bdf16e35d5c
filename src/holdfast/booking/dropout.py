"""A provider is ill, a device breaks: which visits that touches, and who else in their pools could take over.

The plan strands as few visits as it can, and of such plans moves the fewest (``handover``): where the only one who
could take over is busy with a visit that somebody else could serve, that visit makes way. The plan is made by doing it,
under the rules and the guard, in one transaction that is taken back: so it is possible by construction. Whoever
approves it names its fingerprint, and applying does the same again, to the end.

That the resource is out is recorded with the moves (``absence``): otherwise what they free could be booked again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from holdfast.availability.model import Slot
from holdfast.availability.permit import Choices, Wanted
from holdfast.availability.service import Absence, alternatives
from holdfast.availability.snapshot import current_catalog
from holdfast.booking import service as booking
from holdfast.booking.absence import TimeOff, record_absence
from holdfast.booking.chains import chains, claims_lost, every_appointment
from holdfast.booking.model import Appointment, AppointmentFilter
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import HoldfastError, Invalid, NotBookable, SlotTaken, StateRefused, said

LONGEST: Final = timedelta(days=92)
# A visit may need somebody up to a day, and a buffer, after it starts.
REACH: Final = timedelta(hours=56)


@dataclass(frozen=True, slots=True)
class Move:
    """A visit that keeps its time: ``resource_id`` takes over ``role`` from whatever is called ``from_name``.
    ``makes_way``: the visit did not have what is out, but has somewhere else to go, so that another can have its place.
    """

    appointment_id: UUID
    revision: int
    starts_at: datetime
    time_zone: str
    role: str
    resource_id: UUID
    resource_name: str
    makes_way: bool
    from_name: str = ""


@dataclass(frozen=True, slots=True)
class Stranded:
    """A visit that nobody else can take at its time; ``reason`` as a refusal names it. A person has to decide.

    ``alternatives``: the nearest starts at which it could be held instead, after all moves of the plan.
    """

    appointment_id: UUID
    revision: int
    starts_at: datetime
    location_id: UUID
    time_zone: str
    reason: str
    alternatives: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class DropoutPlan:
    """``absence`` is the time off that the record gets with the moves, whether or not any visit is touched."""

    moves: tuple[Move, ...]
    stranded: tuple[Stranded, ...]
    absence: TimeOff

    @property
    def fingerprint(self) -> str:
        """Says which plan it is: the same absence, the same visits at the same revisions, to the same resources."""
        lines = [f"{self.absence.resource_id} {self.absence.start.isoformat()} {self.absence.end.isoformat()}"]
        lines += [f"{each.appointment_id} {each.revision} {each.role} {each.resource_id}" for each in self.moves]
        lines += [f"{each.appointment_id} {each.revision} stranded" for each in self.stranded]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


async def plan_dropout(
    record: Record, caller: Caller, resource_id: UUID, from_at: datetime, to_at: datetime
) -> DropoutPlan:
    """What becomes of the confirmed visits that have the resource in ``[from_at, to_at)``. Nothing is changed.

    Raises Invalid for a span without sense.
    """
    try:
        await record.transact(caller, lambda tx: _carry_out(tx, resource_id, from_at, to_at, approved=None))
    except _Planned as planned:
        return planned.plan
    raise AssertionError("a plan is always taken back")


async def apply_dropout(
    tx: Transaction, resource_id: UUID, from_at: datetime, to_at: datetime, *, approved: str, reason: str = ""
) -> DropoutPlan:
    """Do what the plan with that fingerprint said, all or nothing; stranded visits stay where they are.

    From then on the resource is away for the span, for that ``reason``: nobody is offered it, and nobody can hold it.

    Raises StateRefused when the plan would be another one by now.
    """
    return await _carry_out(tx, resource_id, from_at, to_at, approved=approved, reason=reason)


class _Planned(Exception):
    """The way back out of a transaction that was only meant to find out."""

    def __init__(self, plan: DropoutPlan) -> None:
        self.plan = plan


async def _carry_out(
    tx: Transaction, resource_id: UUID, from_at: datetime, to_at: datetime, *, approved: str | None, reason: str = ""
) -> DropoutPlan:
    if not from_at < to_at <= from_at + LONGEST:
        raise Invalid(
            said("Give a span that ends after it starts and lasts at most {days} days.", days=LONGEST.days), field="to"
        )
    out = Absence(resource_id, from_at, to_at)
    # read before it changes: a catalog with our own uncommitted change in it is not remembered, but read every time
    catalog = await current_catalog(tx)
    absence = await record_absence(tx, catalog, out, reason)
    visits = {visit.id: visit for visit in await _affected(tx, out)}
    moves: list[Move] = []
    for chain in await chains(tx, out, list(visits.values())):
        # what the plan did not foresee (a cap, a hold that came meanwhile) leaves these visits to the next step
        with suppress(SlotTaken, NotBookable):
            async with tx.attempt():
                moves += [move for step in chain for move in await _take_over(tx, step.visit, step.choices, visits)]
    stranded: list[Stranded] = []
    for visit in (visit for visit in visits.values() if visit.id not in {move.appointment_id for move in moves}):
        try:
            async with tx.attempt():
                moves += await _take_over(tx, visit, await _others(tx, visit, resource_id), visits)
        except (SlotTaken, NotBookable) as refused:
            stranded.append(await _stranded(tx, visit, str(refused.facts.get("reason", "taken")), out))
    moves.sort(key=lambda each: (each.starts_at, each.appointment_id, each.role))
    plan = DropoutPlan(tuple(moves), tuple(stranded), absence)
    if approved is None:
        raise _Planned(plan)
    if approved != plan.fingerprint:
        raise StateRefused("Bookings changed since the plan was made. Look at the new one, and approve that.")
    return plan


async def _affected(tx: Transaction, out: Absence) -> list[Appointment]:
    wanted = AppointmentFilter(
        from_at=out.start - REACH, to_at=out.end + REACH, state="confirmed", resource_id=out.resource_id
    )
    return [visit for visit in await every_appointment(tx, wanted) if claims_lost(visit, out)]


async def _take_over(tx: Transaction, visit: Appointment, choices: Choices, affected: Collection[UUID]) -> list[Move]:
    """Move one visit onto others at its own time; what it keeps, it keeps. Raises SlotTaken, NotBookable."""
    before = {(claim["role"], claim["unit_id"]) for claim in visit.claims}
    moved = await booking.reschedule_to_start(tx, visit.id, visit.starts_at, revision=visit.revision, choices=choices)
    after = {(claim["role"], claim["unit_id"]) for claim in moved.claims}
    given_up: dict[str, list[str]] = {}
    for claim in visit.claims:
        if (claim["role"], claim["unit_id"]) not in after:
            given_up.setdefault(claim["role"], []).append(claim["resource_name"])
    return [
        Move(
            visit.id,
            visit.revision,
            visit.starts_at,
            visit.time_zone,
            claim["role"],
            UUID(claim["resource_id"]),
            claim["resource_name"],
            visit.id not in affected,
            given_up[claim["role"]].pop(0) if given_up.get(claim["role"]) else "",
        )
        for claim in moved.claims
        if (claim["role"], claim["unit_id"]) not in before
    ]


async def _stranded(tx: Transaction, visit: Appointment, reason: str, out: Absence) -> Stranded:
    wanted = Wanted(visit.service_id, visit.location_id, visit.starts_at, without_hold=visit.hold_id)
    instead: list[Slot] = []
    with suppress(HoldfastError):  # what is sold no more, or not there, has no other time either
        instead = await alternatives(tx, wanted, without=out)
    return Stranded(
        visit.id, visit.revision, visit.starts_at, visit.location_id, visit.time_zone, reason, tuple(instead)
    )


async def _others(tx: Transaction, visit: Appointment, resource_id: UUID) -> Choices:
    """For each role the members of its pool without the resource."""
    catalog = await current_catalog(tx)
    try:
        service = catalog.service(str(visit.service_id))
    except HoldfastError as gone:
        raise NotBookable(gone.detail, reason="not_sold_any_more") from None
    choices = {}
    for need in service.requirements:
        if str(resource_id) in need.pool.members:
            others = [UUID(member) for member in need.pool.members if UUID(member) != resource_id]
            if not others:
                raise NotBookable("Nobody else is in the pool.", reason="nobody_else", role=need.role)
            choices[need.role] = [others] * need.quantity
    return choices

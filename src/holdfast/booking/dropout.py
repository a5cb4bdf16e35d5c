"""A provider is ill, a device breaks: which visits that touches, and who else in their pools could take over.

The plan is made by doing it: each visit is moved onto somebody else at its own time, under the rules and the guard, in
one transaction that is taken back. So a plan is possible by construction, and only visits that must move do. Whoever
approves it names its fingerprint, and applying does the same again, to the end.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from holdfast.availability.permit import Choices
from holdfast.availability.snapshot import current_catalog
from holdfast.booking import service as booking
from holdfast.booking.model import Appointment, AppointmentFilter, Cursor
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import HoldfastError, Invalid, NotBookable, SlotTaken, StateRefused

LONGEST: Final = timedelta(days=92)
PAGE: Final = 200
# A visit may need somebody up to a day, and a buffer, after it starts.
REACH: Final = timedelta(hours=56)


@dataclass(frozen=True, slots=True)
class Move:
    """A visit that keeps its time: ``resource_id`` takes over ``role``."""

    appointment_id: UUID
    revision: int
    starts_at: datetime
    role: str
    resource_id: UUID
    resource_name: str


@dataclass(frozen=True, slots=True)
class Stranded:
    """A visit that nobody else can take at its time; ``reason`` as a refusal names it. A person has to decide."""

    appointment_id: UUID
    revision: int
    starts_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class DropoutPlan:
    moves: tuple[Move, ...]
    stranded: tuple[Stranded, ...]

    @property
    def fingerprint(self) -> str:
        """Says which plan it is: the same visits, at the same revisions, to the same resources."""
        lines = [f"{each.appointment_id} {each.revision} {each.role} {each.resource_id}" for each in self.moves]
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
    tx: Transaction, resource_id: UUID, from_at: datetime, to_at: datetime, *, approved: str
) -> DropoutPlan:
    """Do what the plan with that fingerprint said, all or nothing; stranded visits stay where they are.

    Raises StateRefused when the plan would be another one by now.
    """
    return await _carry_out(tx, resource_id, from_at, to_at, approved=approved)


class _Planned(Exception):
    """The way back out of a transaction that was only meant to find out."""

    def __init__(self, plan: DropoutPlan) -> None:
        self.plan = plan


async def _carry_out(
    tx: Transaction, resource_id: UUID, from_at: datetime, to_at: datetime, *, approved: str | None
) -> DropoutPlan:
    if not from_at < to_at <= from_at + LONGEST:
        raise Invalid(f"Give a span that ends after it starts and lasts at most {LONGEST.days} days.", field="to")
    moves: list[Move] = []
    stranded: list[Stranded] = []
    for visit in await _affected(tx, resource_id, from_at, to_at):
        try:
            async with tx.attempt():
                moves += await _hand_over(tx, visit, resource_id)
        except (SlotTaken, NotBookable) as refused:
            reason = str(refused.facts.get("reason", "taken"))
            stranded.append(Stranded(visit.id, visit.revision, visit.starts_at, reason))
    plan = DropoutPlan(tuple(moves), tuple(stranded))
    if approved is None:
        raise _Planned(plan)
    if approved != plan.fingerprint:
        raise StateRefused("Bookings changed since the plan was made. Look at the new one, and approve that.")
    return plan


async def _affected(tx: Transaction, resource_id: UUID, from_at: datetime, to_at: datetime) -> list[Appointment]:
    wanted = AppointmentFilter(from_at=from_at - REACH, to_at=to_at + REACH, state="confirmed", resource_id=resource_id)
    found: list[Appointment] = []
    after: Cursor | None = None
    while page := await booking.list_appointments(tx, wanted, limit=PAGE, after=after):
        found += page
        after = Cursor(page[-1].starts_at, page[-1].id)
    return [visit for visit in found if _roles_of(visit, resource_id, from_at, to_at)]


def _roles_of(visit: Appointment, resource_id: UUID, from_at: datetime, to_at: datetime) -> set[str]:
    """The roles that the resource serves in the visit during that span."""
    return {
        claim["role"]
        for claim in visit.claims
        if UUID(claim["resource_id"]) == resource_id
        and datetime.fromisoformat(claim["segment_starts_at"]) < to_at
        and datetime.fromisoformat(claim["segment_ends_at"]) > from_at
    }


async def _hand_over(tx: Transaction, visit: Appointment, resource_id: UUID) -> list[Move]:
    """Move one visit onto others at its own time; what it keeps, it keeps. Raises SlotTaken, NotBookable."""
    choices = await _others(tx, visit, resource_id)
    before = {(claim["role"], claim["unit_id"]) for claim in visit.claims}
    moved = await booking.reschedule_to_start(tx, visit.id, visit.starts_at, revision=visit.revision, choices=choices)
    return [
        Move(
            visit.id, visit.revision, visit.starts_at, claim["role"], UUID(claim["resource_id"]), claim["resource_name"]
        )
        for claim in moved.claims
        if (claim["role"], claim["unit_id"]) not in before
    ]


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

"""Which booked visits a change of the catalog touches, found before it takes effect.

The change is made, the catalog is read as it would then be, and everything is taken back: so any change that a command
can make can be previewed, and what is compared is what would be true. Claims do not move, neither in the preview nor by
the change itself; what becomes of the visits is for a person to decide.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from holdfast.availability.catalog import Catalog
from holdfast.availability.snapshot import load_catalog
from holdfast.availability.standing import Effect, Reading, StandingClaim, StandingVisit, changed_between
from holdfast.booking.model import Appointment
from holdfast.booking.service import QUERIES
from holdfast.catalog.transfer import ACTOR, SURFACE, BookingsInTheWay, Plan, carry_out
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import ClaimsInTheWay

T = TypeVar("T")

Proposal = Callable[[Transaction], Awaitable[object]]
"""A change: any calls of ``catalog.service``, such as ``lambda tx: set_rules(tx, rules, location_id=id)``."""

IN_THE_WAY: Final = "in_the_way"


@dataclass(frozen=True, slots=True)
class AffectedAppointment:
    """A confirmed visit to come, and what the change does to it; ``effects`` is never empty."""

    appointment: Appointment
    effects: tuple[Effect, ...]

    @property
    def sentences(self) -> list[str]:
        """The effects in words, each once, times on the clock of the visit's location."""
        names = {claim["resource_id"]: claim["resource_name"] for claim in self.appointment.claims}
        said = (each.sentence(self.appointment.time_zone, names.get(each.resource or "", "")) for each in self.effects)
        return list(dict.fromkeys(said))


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would touch, by start. ``refusal`` is what the change meets as things stand, None when it could be
    made; the appointments in its way are among ``affected``.
    """

    affected: list[AffectedAppointment]
    refusal: ClaimsInTheWay | None = None


async def affected_by(tx: Transaction, change: Proposal) -> Preview:
    """The visits that ``change`` would touch. It is made and taken back: nothing is changed, no event is left.

    Raises whatever else the change raises.
    """
    before = await load_catalog(tx)
    try:
        return Preview(await try_out(tx, change, lambda tx: affected_since(tx, before)))
    except ClaimsInTheWay as refusal:
        return Preview(await _in_the_way(tx, refusal), refusal)


async def try_out(tx: Transaction, change: Proposal, look: Callable[[Transaction], Awaitable[T]]) -> T:
    """Make the change, look at what it did, and take it back: nothing is changed, no event is left.

    Raises whatever the change raises.
    """
    seen: list[T] = []
    with suppress(_TakenBack):
        async with tx.attempt():
            await change(tx)
            seen.append(await look(tx))
            raise _TakenBack
    return seen[0]


async def affected_by_import(record: Record, plan: Plan) -> Preview:
    """The same for a catalog file. ``refusal`` is a BookingsInTheWay; what else raises is what ``carry_out`` raises."""
    if plan.organization_id is None:
        await carry_out(record, plan, dry_run=True)
        return Preview([])
    caller = Caller(plan.organization_id, ACTOR, SURFACE)
    before = await record.transact(caller, load_catalog)
    found: list[AffectedAppointment] = []

    async def inspect(tx: Transaction) -> None:
        found[:] = await affected_since(tx, before)

    try:
        await carry_out(record, plan, dry_run=True, inspect=inspect)
    except BookingsInTheWay as error:
        refusal = error
    else:
        return Preview(found)
    return Preview(_merged(found + await record.transact(caller, lambda tx: _in_the_way(tx, refusal))), refusal)


async def affected_since(tx: Transaction, before: Catalog) -> list[AffectedAppointment]:
    """The visits to come of which the catalog, as this transaction has it by now, says something it did not before."""
    after = await load_catalog(tx)
    locations, resources, services = changed_between(before, after)
    appointments = await tx.rows(
        Appointment,
        QUERIES["appointments_to_come"],
        location_ids=_uuids(locations),
        resource_ids=_uuids(resources),
        service_ids=_uuids(services),
    )
    visits = [standing_visit(each) for each in appointments]
    readings = [Reading(catalog, visits, tx.scene.began_at) for catalog in (before, after)]
    affected = []
    for appointment, visit in zip(appointments, visits, strict=True):
        known, now = (reading.effects(visit) for reading in readings)
        if effects := dict.fromkeys(effect for effect in now if effect not in known):
            affected.append(AffectedAppointment(appointment, tuple(effects)))
    return sorted(affected, key=_by_start)


async def _in_the_way(tx: Transaction, refusal: ClaimsInTheWay) -> list[AffectedAppointment]:
    """The appointments among the conflicts of a refused change, by start."""
    effects: dict[UUID, list[Effect]] = {}
    for each in refusal.facts["conflicts"]:
        if each["kind"] == "appointment":
            effects.setdefault(UUID(each["id"]), []).append(Effect(IN_THE_WAY, resource=each["resource_id"]))
    appointments = await tx.rows(Appointment, QUERIES["appointments_by_id"], ids=list(effects))
    return [AffectedAppointment(each, tuple(dict.fromkeys(effects[each.id]))) for each in appointments]


def _merged(found: Iterable[AffectedAppointment]) -> list[AffectedAppointment]:
    """Each visit once, with all that was found of it, by start."""
    by_id: dict[UUID, AffectedAppointment] = {}
    for each in found:
        known = by_id.get(each.appointment.id, AffectedAppointment(each.appointment, ()))
        by_id[each.appointment.id] = AffectedAppointment(each.appointment, known.effects + each.effects)
    return sorted(by_id.values(), key=_by_start)


def _by_start(affected: AffectedAppointment) -> tuple[datetime, UUID]:
    return affected.appointment.starts_at, affected.appointment.id


class _TakenBack(Exception):
    """The way back out of a change that was only meant to be looked at."""


def _uuids(ids: Iterable[str]) -> list[UUID]:
    return [UUID(id) for id in ids]


def standing_visit(appointment: Appointment) -> StandingVisit:
    """The visit as ``availability.standing`` reads it."""
    return StandingVisit(
        id=str(appointment.id),
        service=str(appointment.service_id),
        location=str(appointment.location_id),
        zone=appointment.time_zone,
        start=appointment.starts_at,
        end=appointment.ends_at,
        claims=[
            StandingClaim(
                claim["role"],
                claim["resource_id"],
                claim["unit_id"],
                *(
                    datetime.fromisoformat(claim[name])
                    for name in ("starts_at", "ends_at", "segment_starts_at", "segment_ends_at")
                ),
            )
            for claim in appointment.claims
        ],
    )

"""What a hold that has ended was for, so that whoever had it can be offered other times."""

from __future__ import annotations

from uuid import UUID

from holdfast.availability.permit import Choices, Wanted
from holdfast.availability.service import WantedVisit
from holdfast.availability.together import WantedTogether
from holdfast.booking import service as booking
from holdfast.booking import visits
from holdfast.booking.model import Claim, HeldBefore
from holdfast.db.transact import Transaction


async def wanted_again(tx: Transaction, ended: HeldBefore) -> Wanted | WantedVisit | WantedTogether:
    """The visit at its own start, with the same people and rooms first. Raises NotFound."""
    if ended.visit_id is not None:
        visit = await visits.get_visit(tx, ended.visit_id)
        return visits.wanted_of(visit, visit.standing, visit.standing[0].starts_at)
    assert ended.hold_id is not None
    hold = await booking.get_hold(tx, ended.hold_id)
    moved = await booking.get_appointment(tx, ended.appointment_id) if ended.appointment_id else None
    given_up = moved.hold_id if moved else None
    return Wanted(hold.service_id, hold.location_id, hold.starts_at, _who(hold.claims), given_up)


def _who(claims: list[Claim]) -> Choices:
    roles: dict[str, list[list[UUID]]] = {}
    for claim in claims:
        roles.setdefault(claim["role"], []).append([UUID(claim["resource_id"])])
    return roles

"""The booking commands: hold, confirm, book, move, cancel and the rest. One call is one SQL function.

Every function takes the open Transaction of its caller and raises the domain error of whatever the record refused
(db/constraints.py lists them); then nothing was changed.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeVar
from uuid import UUID

from holdfast.availability.permit import Choices, Wanted, choices_as_json, local_day, permit
from holdfast.booking.model import (
    Appointment,
    AppointmentFilter,
    Block,
    ClientDetails,
    Cursor,
    HeldBefore,
    Hold,
    Visit,
    Visitor,
)
from holdfast.db.queries import load_queries
from holdfast.db.transact import Transaction
from holdfast.errors import Bug, HoldExpired, NotBookable, NotFound, SlotTaken

QUERIES: Final = load_queries("holdfast.booking")
NOBODY: Final = Visitor()

T = TypeVar("T")
Step = Literal["check_in", "complete", "no_show"]


async def place_hold(
    tx: Transaction, visit: Visit, *, ttl_seconds: int | None = None, visitor: Visitor = NOBODY
) -> Hold:
    """Hold everything the visit needs, or nothing.

    Raises SlotTaken (``roles`` lost), NotBookable (``reason``: the rule that says no), TooManyHolds, Invalid for a term
    the surface does not give.
    """
    async with _permitted(tx, visit) as parameters:
        return await _hold(
            tx,
            "place_hold",
            **parameters,
            ttl_seconds=ttl_seconds,
            visitor=visitor.visitor,
            network=visitor.network,
        )


async def extend_hold(tx: Transaction, hold_id: UUID, *, ttl_seconds: int | None = None) -> Hold:
    """A fresh term from now. Raises HoldExpired, HoldNotLive, ExtensionRefused, NotFound."""
    with telling(HeldBefore(hold_id)):
        return await _hold(tx, "extend_hold", hold_id=hold_id, ttl_seconds=ttl_seconds)


async def release_hold(tx: Transaction, hold_id: UUID) -> Hold:
    """Give it back; a hold that has ended already is returned as it is. Raises HoldNotLive once confirmed, NotFound."""
    return await _hold(tx, "release_hold", hold_id=hold_id)


async def get_hold(tx: Transaction, hold_id: UUID) -> Hold:
    """The hold as it stands. Raises NotFound."""
    hold = await tx.one(Hold, QUERIES["hold_by_id"], hold_id=hold_id)
    if hold is None:
        raise NotFound("There is no such hold.")
    return hold


async def sweep_holds(tx: Transaction) -> int:
    """Tidy up to 500 holds that ran out; how many. Correctness does not depend on it."""
    return int(await tx.value(QUERIES["sweep_holds"]))


async def confirm_hold(
    tx: Transaction, hold_id: UUID, client: ClientDetails, *, note: str | None = None
) -> Appointment:
    """Turn a live hold into an appointment. Raises HoldExpired (I12), HoldNotLive, NotFound."""
    with telling(HeldBefore(hold_id)):
        return await _appointment(tx, "confirm_hold", hold_id=hold_id, client=client_as_json(client), note=note)


async def book(
    tx: Transaction,
    visit: Visit,
    client: ClientDetails,
    *,
    note: str | None = None,
    visitor: Visitor = NOBODY,
    overbook_reason: str | None = None,
) -> Appointment:
    """Hold and confirm in one step. ``overbook_reason`` lets roles that are taken be overbooked on purpose, marked.

    Raises what ``place_hold`` raises.
    """
    async with _permitted(tx, visit) as parameters:
        return await _appointment(
            tx,
            "book",
            **parameters,
            client=client_as_json(client),
            note=note,
            visitor=visitor.visitor,
            network=visitor.network,
            overbook_reason=overbook_reason,
        )


async def reschedule_to_start(
    tx: Transaction,
    appointment_id: UUID,
    start: datetime,
    *,
    revision: int | None = None,
    location_id: UUID | None = None,
    choices: Choices | None = None,
    overbook_reason: str | None = None,
    outside_rules: bool = False,
) -> Appointment:
    """Move to another start; the same people, room and device are kept where they are free.

    The new time may overlap the old. Raises SlotTaken or NotBookable, and then the appointment stands as it was;
    RevisionMismatch, StateRefused, NotFound.
    """
    now = await tx.one(_VisitOfAppointment, QUERIES["visit_of_appointment"], appointment_id=appointment_id)
    if now is None:
        raise NotFound("There is no such appointment.")
    visit = Visit(now.service_id, location_id or now.location_id, start, choices or {}, outside_rules)
    async with _permitted(tx, visit, replaces_id=now.hold_id) as parameters:
        del parameters["service_id"]
        return await _appointment(
            tx,
            "reschedule",
            **parameters,
            appointment_id=appointment_id,
            revision=revision,
            hold_id=None,
            overbook_reason=overbook_reason,
        )


async def reschedule_to_hold(
    tx: Transaction, appointment_id: UUID, hold_id: UUID, *, revision: int | None = None
) -> Appointment:
    """Move onto a live hold of the same service. Raises HoldExpired, and then the appointment stands as it was."""
    with telling(HeldBefore(hold_id, appointment_id=appointment_id)):
        return await _appointment(
            tx,
            "reschedule",
            appointment_id=appointment_id,
            revision=revision,
            start=None,
            location_id=None,
            choices="{}",
            hold_id=hold_id,
            overbook_reason=None,
            outside_rules=False,
        )


async def cancel(
    tx: Transaction, appointment_id: UUID, *, revision: int | None = None, reason: str | None = None
) -> Appointment:
    """Cancel; the time is free at once. Raises RevisionMismatch, StateRefused, NotFound."""
    return await _appointment(tx, "cancel", appointment_id=appointment_id, revision=revision, reason=reason)


async def take_step(tx: Transaction, step: Step, appointment_id: UUID, *, revision: int | None = None) -> Appointment:
    """Check in, complete or mark as no-show. Raises RevisionMismatch, StateRefused, NotFound."""
    return await _appointment(tx, step, appointment_id=appointment_id, revision=revision)


async def change_note(tx: Transaction, appointment_id: UUID, note: str, *, revision: int) -> Appointment:
    """Replace what staff wrote about the visit; empty: nothing. Raises RevisionMismatch, NotFound, Invalid."""
    return await _appointment(tx, "change_note", appointment_id=appointment_id, revision=revision, note=note)


async def find_appointment(tx: Transaction, code: str) -> UUID | None:
    """The id of the appointment with this confirmation code, in any case."""
    id: UUID | None = await tx.value(QUERIES["appointment_of_code"], code=code.strip().upper())
    return id


async def services_by_use(tx: Transaction) -> list[UUID]:
    """The services of the last 30 days' visits, the most frequent first."""
    return [row[0] for row in await tx.tuples(QUERIES["services_by_use"])]


async def get_appointment(tx: Transaction, appointment_id: UUID) -> Appointment:
    """The appointment as it stands. Raises NotFound."""
    found = await tx.one(Appointment, QUERIES["appointment_by_id"], appointment_id=appointment_id)
    if found is None:
        raise NotFound("There is no such appointment.")
    return found


async def get_appointments(tx: Transaction, ids: Collection[UUID]) -> list[Appointment]:
    """Those of these appointments that there are, by start."""
    return await tx.rows(Appointment, QUERIES["appointments_by_id"], ids=list(ids))


async def list_appointments(
    tx: Transaction, wanted: AppointmentFilter, *, limit: int, after: Cursor | None = None
) -> list[Appointment]:
    """Up to ``limit`` appointments by start, after the cursor."""
    return await tx.rows(
        Appointment,
        QUERIES["appointments"],
        from_at=wanted.from_at,
        to_at=wanted.to_at,
        state=wanted.state,
        client_id=wanted.client_id,
        location_id=wanted.location_id,
        resource_id=wanted.resource_id,
        after_at=after and after.at,
        after_id=after and after.id,
        limit=limit,
    )


async def place_block(tx: Transaction, resource_id: UUID, start: datetime, end: datetime, reason: str) -> Block:
    """Close a resource. Raises ClaimsInTheWay (``conflicts`` listed, nothing changed), NotFound, StateRefused."""
    return await _block(tx, "place_block", resource_id=resource_id, start=start, end=end, reason=reason)


async def remove_block(tx: Transaction, block_id: UUID) -> Block:
    """Open it again. Raises NotFound."""
    return await _block(tx, "remove_block", block_id=block_id)


async def get_block(tx: Transaction, block_id: UUID) -> Block:
    """One block, removed or not. Raises NotFound."""
    block = await tx.one(Block, QUERIES["block_by_id"], block_id=block_id)
    if block is None:
        raise NotFound("There is no such block.")
    return block


async def list_blocks(
    tx: Transaction,
    *,
    limit: int,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    resource_id: UUID | None = None,
    after_id: UUID | None = None,
) -> list[Block]:
    """Up to ``limit`` blocks that stand somewhere in [from_at, to_at), by id."""
    return await tx.rows(
        Block,
        QUERIES["blocks"],
        from_at=from_at,
        to_at=to_at,
        resource_id=resource_id,
        after_id=after_id,
        limit=limit,
    )


async def _hold(tx: Transaction, query: str, **parameters: Any) -> Hold:
    return _made(await tx.one(Hold, QUERIES[query], **parameters))


async def _appointment(tx: Transaction, query: str, **parameters: Any) -> Appointment:
    return _made(await tx.one(Appointment, QUERIES[query], **parameters))


async def _block(tx: Transaction, query: str, **parameters: Any) -> Block:
    return _made(await tx.one(Block, QUERIES[query], **parameters))


def _made(row: T | None) -> T:
    # a command function answers with its row or refuses; nothing at all would be a mistake of ours
    if row is None:
        raise Bug
    return row


@dataclass(frozen=True, slots=True)
class _VisitOfAppointment:
    service_id: UUID
    location_id: UUID
    hold_id: UUID


@asynccontextmanager
async def _permitted(
    tx: Transaction, visit: Visit, *, replaces_id: UUID | None = None
) -> AsyncIterator[dict[str, Any]]:
    """The visit as parameters of a command, with whom the rules permit; a refusal says what was wanted."""
    wanted = Wanted(visit.service_id, visit.location_id, visit.start, visit.choices, replaces_id)
    with telling(wanted):
        choices = visit.choices if visit.outside_rules else await permit(tx, wanted)
        yield {
            "service_id": visit.service_id,
            "location_id": visit.location_id,
            "start": visit.start,
            "choices": json.dumps(choices_as_json(choices, await local_day(tx, visit.location_id, visit.start))),
            "outside_rules": visit.outside_rules,
        }


@contextmanager
def telling(wanted: object) -> Iterator[None]:
    """A refusal says what was wanted, so that other starts can be found for it."""
    try:
        yield
    except (SlotTaken, NotBookable, HoldExpired) as refused:
        refused.wanted = refused.wanted or wanted
        raise


def client_as_json(client: ClientDetails) -> str:
    """The client as the SQL functions take it."""
    if client.id is not None:
        return json.dumps({"id": str(client.id)})
    return json.dumps({"name": client.name, "email": client.email, "phone": client.phone})

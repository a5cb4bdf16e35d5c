"""Appointments: book, read, move, and take through the day."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query, Request, Response

from holdfast.booking import service as booking
from holdfast.booking.model import Appointment, AppointmentFilter, Visitor
from holdfast.db.transact import Caller, Transaction
from holdfast.http.api.references import (
    find_choices,
    find_id,
    find_start,
    find_visit,
    read_time_cursor,
    steps_outside,
    write_cursor,
)
from holdfast.http.callers import BookKey, ChangeKey, ReadKey, VisitorHeader, visitor_of
from holdfast.http.commands import Answer, answer, expected_revision, read, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.http.history_shapes import Story
from holdfast.http.shapes import (
    AppointmentAsk,
    AppointmentList,
    AppointmentShape,
    CancelAsk,
    RescheduleAsk,
    StepAsk,
    VisitAsk,
)
from holdfast.ids import parse_id
from holdfast.log.public import EventNames
from holdfast.log.service import history
from holdfast.wallclock import parse_instant

router = APIRouter(prefix="/v1/appointments", tags=["appointments"], responses=REFUSALS)

State = Literal["confirmed", "checked_in", "completed", "cancelled", "no_show"]


@router.post("", status_code=201, responses=made(AppointmentShape))
async def create_appointment(
    request: Request, ask: AppointmentAsk, principal: BookKey, visitor: VisitorHeader
) -> Response:
    """Confirm a hold, or book in one step. An expired hold is confirmed only if nobody took its place, within grace.

    A key that may only book is answered with the client's details as it sent them, never with what is on record.
    """
    caller = principal.caller(ask.surface)
    may_read = "read" in principal.scopes
    if ask.client.id is not None:
        principal.require("read")
    if ask.overbook is not None:
        principal.require("overbook")

    async def work(tx: Transaction) -> Answer:
        booked = await _create(tx, ask, visitor_of(request, caller, visitor))
        shape = AppointmentShape.of(booked)
        if not may_read:
            shape.client = ask.client.echo()
        address = f"/v1/appointments/{shape.id}"
        return answer(201, shape, revision=booked.revision, location=address)

    return await run_command(request, caller, work)


async def _create(tx: Transaction, ask: AppointmentAsk, visitor: Visitor) -> Appointment:
    client = ask.client.details(parse_id("client", ask.client.id) if ask.client.id else None)
    if ask.hold_id is not None:
        return await booking.confirm_hold(tx, parse_id("hold", ask.hold_id), client, note=ask.note)
    visit = VisitAsk.model_validate(ask.model_dump(include=set(VisitAsk.model_fields)))
    return await booking.book(
        tx,
        await find_visit(tx, visit),
        client,
        note=ask.note,
        visitor=visitor,
        overbook_reason=ask.overbook.reason if ask.overbook else None,
    )


@router.get("", responses=made(AppointmentList, 200))
async def list_appointments(
    request: Request,
    principal: ReadKey,
    from_: Annotated[str | None, Query(alias="from", max_length=40, description="First start, inclusive.")] = None,
    to: Annotated[str | None, Query(max_length=40, description="Last start, exclusive.")] = None,
    resource: Annotated[str | None, Query(max_length=64)] = None,
    location: Annotated[str | None, Query(max_length=64)] = None,
    client: Annotated[str | None, Query(max_length=64)] = None,
    state: State | None = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Appointments by start. Times need an offset (`2027-03-06T00:00:00-06:00`)."""
    after = read_time_cursor(cursor)

    async def work(tx: Transaction) -> Answer:
        wanted = AppointmentFilter(
            from_at=parse_instant(from_, None, field="from") if from_ else None,
            to_at=parse_instant(to, None, field="to") if to else None,
            state=state,
            client_id=parse_id("client", client) if client else None,
            location_id=await find_id(tx, "location", location) if location else None,
            resource_id=await find_id(tx, "resource", resource) if resource else None,
        )
        found = await booking.list_appointments(tx, wanted, limit=limit + 1, after=after)
        page, last = found[:limit], found[limit - 1] if len(found) > limit else None
        return answer(
            200,
            AppointmentList(
                items=[AppointmentShape.of(each) for each in page],
                next=write_cursor(last.starts_at.isoformat(), str(last.id)) if last else None,
            ),
        )

    return await read(request, principal.caller(), work)


@router.get("/{appointment_id}", responses=made(AppointmentShape, 200))
async def get_appointment(request: Request, appointment_id: str, principal: ReadKey) -> Response:
    """One appointment. Its ETag is its revision, for `If-Match`."""
    id = parse_id("appointment", appointment_id)

    async def work(tx: Transaction) -> Answer:
        return _answer(await booking.get_appointment(tx, id))

    return await read(request, principal.caller(), work)


@router.get("/{appointment_id}/history", responses=made(Story, 200))
async def get_history(request: Request, appointment_id: str, principal: ReadKey) -> Response:
    """Its story, from the first hold to now: who did what, on which surface, when."""
    id = parse_id("appointment", appointment_id)
    names: EventNames = request.app.state.event_names

    async def work(tx: Transaction) -> Answer:
        appointment = await booking.get_appointment(tx, id)
        return answer(200, Story.of(await history(tx, id), names, principal.organization_id, appointment.time_zone))

    return await read(request, principal.caller(), work)


@router.post("/{appointment_id}/reschedule", responses=made(AppointmentShape, 200))
async def reschedule(request: Request, appointment_id: str, ask: RescheduleAsk, principal: ChangeKey) -> Response:
    """Move it, to a start or onto a hold. If the new time cannot be had, the appointment stands as it was.

    The same provider, room and device are kept where they are free. The new time may overlap the old.
    """
    id, revision = parse_id("appointment", appointment_id), expected_revision(request)
    if ask.overbook is not None:
        principal.require("overbook")

    async def work(tx: Transaction) -> Answer:
        if ask.hold_id is not None:
            hold_id = parse_id("hold", ask.hold_id)
            return _answer(await booking.reschedule_to_hold(tx, id, hold_id, revision=revision))
        assert ask.start is not None
        location_id = await find_id(tx, "location", ask.location) if ask.location else None
        zone_at = location_id or (await booking.get_appointment(tx, id)).location_id
        moved = await booking.reschedule_to_start(
            tx,
            id,
            await find_start(tx, ask.start, zone_at),
            revision=revision,
            location_id=location_id,
            choices=await find_choices(tx, ask.resources),
            overbook_reason=ask.overbook.reason if ask.overbook else None,
            outside_rules=steps_outside(tx, ask.outside_rules),
        )
        return _answer(moved)

    return await run_command(request, principal.caller(ask.surface), work)


@router.post("/{appointment_id}/cancel", responses=made(AppointmentShape, 200))
async def cancel(
    request: Request, appointment_id: str, principal: ChangeKey, ask: Annotated[CancelAsk | None, Body()] = None
) -> Response:
    """Cancel it; everything it kept is free at once."""
    id, revision = parse_id("appointment", appointment_id), expected_revision(request)
    reason = ask.reason if ask else None

    async def work(tx: Transaction) -> Answer:
        return _answer(await booking.cancel(tx, id, revision=revision, reason=reason))

    return await run_command(request, principal.caller(ask.surface if ask else None), work)


@router.post("/{appointment_id}/check_in", responses=made(AppointmentShape, 200))
async def check_in(
    request: Request, appointment_id: str, principal: ChangeKey, ask: Annotated[StepAsk | None, Body()] = None
) -> Response:
    """The client is here."""
    return await _step(request, appointment_id, "check_in", principal.caller(ask.surface if ask else None))


@router.post("/{appointment_id}/complete", responses=made(AppointmentShape, 200))
async def complete(
    request: Request, appointment_id: str, principal: ChangeKey, ask: Annotated[StepAsk | None, Body()] = None
) -> Response:
    """The visit is over."""
    return await _step(request, appointment_id, "complete", principal.caller(ask.surface if ask else None))


@router.post("/{appointment_id}/no_show", responses=made(AppointmentShape, 200))
async def no_show(
    request: Request, appointment_id: str, principal: ChangeKey, ask: Annotated[StepAsk | None, Body()] = None
) -> Response:
    """Nobody came; what the visit kept is free."""
    return await _step(request, appointment_id, "no_show", principal.caller(ask.surface if ask else None))


async def _step(request: Request, appointment_id: str, step: booking.Step, caller: Caller) -> Response:
    id, revision = parse_id("appointment", appointment_id), expected_revision(request)

    async def work(tx: Transaction) -> Answer:
        return _answer(await booking.take_step(tx, step, id, revision=revision))

    return await run_command(request, caller, work)


def _answer(appointment: Appointment) -> Answer:
    return answer(200, AppointmentShape.of(appointment), revision=appointment.revision)

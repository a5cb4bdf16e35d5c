"""Moving an appointment from the board: dragged (JSON, with the revision that was seen) or typed into a form.

Nothing here decides: the record takes the new time and gives back the old one, or refuses and everything stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holdfast.access.staff import SignedIn
from holdfast.availability.permit import Choices, Wanted
from holdfast.booking import service as booking
from holdfast.booking.model import Appointment
from holdfast.catalog.service import get_service, list_pools, list_resources
from holdfast.db.transact import Transaction
from holdfast.errors import HoldfastError, Invalid, NotBookable, RevisionMismatch, SlotTaken, StateRefused
from holdfast.http.alternatives import Alternatives
from holdfast.http.commands import Answer, answer, expected_revision, run_command
from holdfast.http.pages.board_words import refusal, role_name
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.http.problems import problem_response, status_of
from holdfast.ids import parse_id, public_id
from holdfast.wallclock import parse_instant, to_local

router = APIRouter(route_class=PageRoute, include_in_schema=False)


class MoveAsk(BaseModel):
    """``start`` is a wall time where the appointment is. ``resource`` takes over ``role`` from ``from_resource``."""

    model_config = ConfigDict(extra="forbid")

    start: str = Field(max_length=40)
    role: str | None = Field(None, max_length=40)
    resource: str | None = Field(None, max_length=64)
    from_resource: str | None = Field(None, max_length=64)
    outside_rules: bool = False


class MovedShape(BaseModel):
    """Where the appointment stands now."""

    id: str
    revision: int
    start: datetime
    end: datetime


@router.post("/desk/appointments/{appointment_id}/move")
async def move(request: Request, staff: Desk, appointment_id: str) -> Response:
    """Move it. A script gets JSON, or a problem with up to three alternatives; a form gets a page."""
    staff.require("book")
    id = parse_id("appointment", appointment_id)
    if request.headers.get("content-type", "").startswith("application/json"):
        return await _dragged(request, staff, id)
    return await _typed(request, staff, id)


@router.get("/desk/appointments/{appointment_id}/move")
async def choose(request: Request, staff: Desk, appointment_id: str) -> Response:
    """The form: another day, time or person."""
    staff.require("book")
    return await _form(request, staff, parse_id("appointment", appointment_id))


async def _dragged(request: Request, staff: SignedIn, id: UUID) -> Response:
    try:
        ask = MoveAsk.model_validate_json(await request.body())
    except ValidationError:
        return problem_response(request, Invalid("This is not a move that can be read."))
    try:
        revision = expected_revision(request)
        if revision is None:
            raise Invalid("Say which revision was seen, with If-Match.", field="If-Match")

        async def work(tx: Transaction) -> Answer:
            moved = await _move(tx, id, ask, revision)
            shape = MovedShape(
                id=public_id("appointment", moved.id),
                revision=moved.revision,
                start=to_local(moved.starts_at, moved.time_zone),
                end=to_local(moved.ends_at, moved.time_zone),
            )
            return answer(200, shape, revision=moved.revision)

        return await run_command(request, staff.caller(), work)
    except HoldfastError as error:
        await _offer(request, staff, id, ask.start, error)
        error.detail = refusal(error, language_of(request))
        return problem_response(request, error)


async def _typed(request: Request, staff: SignedIn, id: UUID) -> Response:
    form = {name: str(value) for name, value in (await request.form()).items()}
    chosen = {name.removeprefix("role."): value for name, value in form.items() if name.startswith("role.") and value}
    start = form.get("start") or f"{form.get('date', '')}T{form.get('time', '')}"
    try:
        revision = int(form.get("revision", ""))

        async def work(tx: Transaction) -> Appointment:
            choices = {role: [[parse_id("resource", value)]] for role, value in chosen.items()}
            return await _reschedule(tx, id, start, choices, revision, "outside_rules" in form)

        await record_of(request).transact(staff.caller(), work)
    except ValueError:
        return await _form(request, staff, id, typed=form, error=Invalid("Reload this page and try again."))
    except (SlotTaken, NotBookable, RevisionMismatch, StateRefused, Invalid) as error:
        await _offer(request, staff, id, start, error)
        return await _form(request, staff, id, typed=form, error=error)
    return see(f"/desk/appointments/{public_id('appointment', id)}")


async def _move(tx: Transaction, id: UUID, ask: MoveAsk, revision: int) -> Appointment:
    choices: Choices = {}
    if ask.role and ask.resource:
        now = await booking.get_appointment(tx, id)
        serving = [UUID(claim["resource_id"]) for claim in now.claims if claim["role"] == ask.role]
        choices = {ask.role: _replaced(serving, ask.from_resource, parse_id("resource", ask.resource))}
    return await _reschedule(tx, id, ask.start, choices, revision, ask.outside_rules)


def _replaced(serving: Sequence[UUID], before: str | None, after: UUID) -> list[list[UUID]]:
    """Who serves a role, with one of them replaced; whoever is named is meant."""
    gone = parse_id("resource", before) if before else None
    if gone not in serving:
        return [[after]]
    place = serving.index(gone)
    return [[after if index == place else each] for index, each in enumerate(serving)]


async def _reschedule(
    tx: Transaction, id: UUID, start: str, choices: Choices, revision: int, outside_rules: bool
) -> Appointment:
    now = await booking.get_appointment(tx, id)
    at = parse_instant(start, now.time_zone)
    return await booking.reschedule_to_start(
        tx, id, at, revision=revision, choices=choices, outside_rules=outside_rules
    )


async def _offer(request: Request, staff: SignedIn, id: UUID, start: str, error: HoldfastError) -> None:
    """Alternatives for a refusal that has none yet: near what was wanted, with the time that is had given up."""

    async def wanted(tx: Transaction) -> Wanted:
        now = await booking.get_appointment(tx, id)
        return Wanted(now.service_id, now.location_id, parse_instant(start, now.time_zone), {}, now.hold_id)

    if "alternatives" in error.facts or not isinstance(error, SlotTaken | NotBookable):
        return
    # without alternatives the refusal is still true
    with suppress(HoldfastError):
        near = await record_of(request).transact(staff.caller(), wanted)
        instead: Alternatives = request.app.state.alternatives
        error.facts["alternatives"] = await instead.find(staff.caller(), near)


async def _form(
    request: Request,
    staff: SignedIn,
    id: UUID,
    *,
    typed: dict[str, str] | None = None,
    error: HoldfastError | None = None,
) -> Response:
    async def work(tx: Transaction) -> tuple[Appointment, list[dict[str, Any]]]:
        visit = await booking.get_appointment(tx, id)
        return visit, await _roles(tx, visit)

    visit, roles = await record_of(request).transact(staff.caller(), work)
    local = to_local(visit.starts_at, visit.time_zone)
    alternatives = error.facts.get("alternatives", ()) if error else ()
    return await desk_page(
        request,
        staff,
        "desk/day_move.html",
        section="day",
        status=status_of(error) if error else 200,
        typed=typed or {"date": local.date().isoformat(), "time": f"{local:%H:%M}"},
        visit=visit,
        id=public_id("appointment", id),
        roles=roles,
        problem=refusal(error, language_of(request)) if error else "",
        alternatives=[(each, datetime.fromisoformat(str(each["start"]))) for each in alternatives],
    )


async def _roles(tx: Transaction, visit: Appointment) -> list[dict[str, Any]]:
    """The roles that a person may choose for: those with one unit, and who and what could serve them there."""
    service = await get_service(tx, visit.service_id)
    pools = {pool.id: pool for pool in await list_pools(tx)}
    here = {each.id: each for each in await list_resources(tx, location_id=visit.location_id)}
    now = {claim["role"]: claim["resource_id"] for claim in visit.claims}
    return [
        {
            "role": need.role,
            "name": role_name(need.role),
            "now": now.get(need.role),
            "choices": [
                (str(member.resource_id), public_id("resource", member.resource_id), here[member.resource_id].name)
                for member in pools[need.pool_id].members
                if member.resource_id in here
            ],
        }
        for need in service.requirements
        if need.quantity == 1 and need.pool_id in pools
    ]

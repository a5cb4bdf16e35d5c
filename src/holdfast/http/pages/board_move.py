"""Moving an appointment by dragging it on the board; by keyboard it is moved on its own page.

Nothing here decides: the record takes the new time and gives back the old one, or refuses and everything stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holdfast.access.staff import SignedIn
from holdfast.booking import service as booking
from holdfast.booking.model import Appointment
from holdfast.db.transact import Transaction
from holdfast.errors import HoldfastError, Invalid
from holdfast.http.commands import Answer, answer, expected_revision, run_command
from holdfast.http.pages.board_words import refusal
from holdfast.http.pages.pages import PageRoute, language_of
from holdfast.http.pages.staff_session import Desk
from holdfast.http.problems import problem_response
from holdfast.ids import parse_id, public_id
from holdfast.wallclock import parse_instant, to_local

router = APIRouter(route_class=PageRoute, include_in_schema=False)


class Serving(BaseModel):
    """Who or what serves in a role."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(max_length=40)
    resource: str = Field(max_length=64)


class MoveAsk(BaseModel):
    """``start`` is a wall time where the appointment is. ``resource`` takes over ``role`` from ``from_resource``; or
    ``resources`` says all who are to serve, as the answer to the move before it did.
    """

    model_config = ConfigDict(extra="forbid")

    start: str = Field(max_length=40)
    role: str | None = Field(None, max_length=40)
    resource: str | None = Field(None, max_length=64)
    from_resource: str | None = Field(None, max_length=64)
    resources: list[Serving] = Field([], max_length=100)


class Standing(BaseModel):
    """Where it was before: sent back, it undoes the move."""

    start: str
    resources: list[Serving]


class MovedShape(BaseModel):
    """Where the appointment stands now, and where it stood."""

    id: str
    revision: int
    start: datetime
    end: datetime
    before: Standing


@router.post("/desk/appointments/{appointment_id}/drag")
async def drag(request: Request, staff: Desk, appointment_id: str) -> Response:
    """Move it. Answers with JSON, or with a problem and up to three alternatives."""
    try:
        return await _drag(request, staff, parse_id("appointment", appointment_id))
    except HoldfastError as error:
        error.detail = refusal(error, language_of(request))
        return problem_response(request, error)


async def _drag(request: Request, staff: SignedIn, id: UUID) -> Response:
    staff.require("book")
    try:
        ask = MoveAsk.model_validate_json(await request.body())
    except ValidationError:
        raise Invalid("This is not a move that can be read.") from None
    revision = expected_revision(request)
    if revision is None:
        raise Invalid("Say which revision was seen, with If-Match.", field="If-Match")

    async def work(tx: Transaction) -> Answer:
        now = await booking.get_appointment(tx, id)
        moved = await _move(tx, now, ask, revision)
        shape = MovedShape(
            id=public_id("appointment", moved.id),
            revision=moved.revision,
            start=to_local(moved.starts_at, moved.time_zone),
            end=to_local(moved.ends_at, moved.time_zone),
            before=_standing(now),
        )
        return answer(200, shape, revision=moved.revision)

    return await run_command(request, staff.caller(), work)


def _standing(visit: Appointment) -> Standing:
    return Standing(
        start=to_local(visit.starts_at, visit.time_zone).isoformat(),
        resources=[
            Serving(role=claim["role"], resource=public_id("resource", UUID(claim["resource_id"])))
            for claim in visit.claims
        ],
    )


async def _move(tx: Transaction, now: Appointment, ask: MoveAsk, revision: int) -> Appointment:
    choices: dict[str, list[list[UUID]]] = {}
    if ask.role and ask.resource:
        serving = [UUID(claim["resource_id"]) for claim in now.claims if claim["role"] == ask.role]
        choices = {ask.role: _replaced(serving, ask.from_resource, parse_id("resource", ask.resource))}
    for each in ask.resources:
        choices.setdefault(each.role, []).append([parse_id("resource", each.resource)])
    start = parse_instant(ask.start, now.time_zone)
    return await booking.reschedule_to_start(tx, now.id, start, revision=revision, choices=choices)


def _replaced(serving: Sequence[UUID], before: str | None, after: UUID) -> list[list[UUID]]:
    """Who serves a role, with one of them replaced; whoever is named is meant."""
    gone = parse_id("resource", before) if before else None
    if gone not in serving:
        return [[after]]
    place = serving.index(gone)
    return [[after if index == place else each] for index, each in enumerate(serving)]

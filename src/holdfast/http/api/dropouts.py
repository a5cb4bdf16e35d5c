"""Dropouts: a provider or device is out for a time; what becomes of the visits it has."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from holdfast.booking.dropout import DropoutPlan, apply_dropout, plan_dropout
from holdfast.db.transact import Record, Transaction
from holdfast.http.api.references import find_id, find_span
from holdfast.http.callers import ManageKey
from holdfast.http.commands import Answer, answer, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.http.shapes import Ask, Reference, Surface, When
from holdfast.http.slot_shapes import SlotShape
from holdfast.ids import public_id

router = APIRouter(prefix="/v1/dropouts", tags=["dropouts"], responses=REFUSALS)


class DropoutAsk(Ask):
    resource: Reference
    start: When
    end: When
    approve: Annotated[
        str | None, Field(max_length=64, description="The fingerprint of the plan to carry out; left out: only plan.")
    ] = None
    surface: Surface | None = None


class MoveShape(BaseModel):
    """A visit that keeps its time; somebody else takes over a role. ``makes_way``: for one that must move."""

    appointment: str
    start: datetime
    role: str
    resource: str
    resource_name: str
    makes_way: bool


class StrandedShape(BaseModel):
    """A visit that nobody else can take at its time: a person has to decide. ``alternatives``: the nearest starts."""

    appointment: str
    start: datetime
    reason: str
    alternatives: list[SlotShape]


class AbsenceShape(BaseModel):
    """The time off that the record gets with the plan: from then on nothing offers or takes the resource in it.

    ``known``: the record said so before. ``held``: live holds that reach into it; each may still become a visit, so
    plan once more when they have ended.
    """

    resource: str
    start: datetime
    end: datetime
    known: bool
    held: int


class DropoutShape(BaseModel):
    """The plan; ``applied`` when it was carried out. Times are in UTC."""

    applied: bool
    fingerprint: str
    absence: AbsenceShape
    moves: list[MoveShape]
    stranded: list[StrandedShape]

    @classmethod
    def of(cls, plan: DropoutPlan, *, applied: bool) -> DropoutShape:
        """The plan as the API shows it."""
        return cls(
            applied=applied,
            fingerprint=plan.fingerprint,
            absence=AbsenceShape(
                resource=public_id("resource", plan.absence.resource_id),
                start=plan.absence.start,
                end=plan.absence.end,
                known=plan.absence.known,
                held=plan.absence.held,
            ),
            moves=[
                MoveShape(
                    appointment=public_id("appointment", each.appointment_id),
                    start=each.starts_at,
                    role=each.role,
                    resource=public_id("resource", each.resource_id),
                    resource_name=each.resource_name,
                    makes_way=each.makes_way,
                )
                for each in plan.moves
            ],
            stranded=[
                StrandedShape(
                    appointment=public_id("appointment", each.appointment_id),
                    start=each.starts_at,
                    reason=each.reason,
                    alternatives=[
                        SlotShape.of(str(each.location_id), slot, each.time_zone) for slot in each.alternatives
                    ],
                )
                for each in plan.stranded
            ],
        )


@router.post("", responses=made(DropoutShape, 200))
async def plan_or_apply(request: Request, ask: DropoutAsk, principal: ManageKey) -> Response:
    """Plan who takes over while a resource is out; with `approve`, carry that plan out, all or nothing.

    Carrying it out also records the time off, so that nobody books the resource in that time.
    """
    caller = principal.caller(ask.surface)
    record: Record = request.app.state.record

    async def look_up(tx: Transaction) -> tuple[UUID, datetime, datetime]:
        id = await find_id(tx, "resource", ask.resource)
        return id, *await find_span(tx, ask.start, ask.end, id)

    resource_id, start, end = await record.transact(caller, look_up)

    async def plan(_: Transaction) -> Answer:
        return answer(200, DropoutShape.of(await plan_dropout(record, caller, resource_id, start, end), applied=False))

    async def apply(tx: Transaction) -> Answer:
        done = await apply_dropout(tx, resource_id, start, end, approved=ask.approve or "")
        return answer(200, DropoutShape.of(done, applied=True))

    return await run_command(request, caller, plan if ask.approve is None else apply)

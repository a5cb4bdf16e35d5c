"""Holds: keep a time while somebody decides."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request, Response

from holdfast.booking import service as booking
from holdfast.db.transact import Transaction
from holdfast.http.api.references import find_visit
from holdfast.http.callers import AnyKey, BookKey, VisitorHeader, visitor_of
from holdfast.http.commands import Answer, answer, read, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.http.shapes import ExtendAsk, HoldAsk, HoldShape
from holdfast.ids import parse_id, public_id

router = APIRouter(prefix="/v1/holds", tags=["holds"], responses=REFUSALS)


@router.post("", status_code=201, responses=made(HoldShape))
async def place_hold(request: Request, ask: HoldAsk, principal: BookKey, visitor: VisitorHeader) -> Response:
    """Hold a visit: every provider, room and device it needs, or nothing.

    A role that `resources` leaves out is assigned from its pool. A taken time is refused with the roles that were lost.
    """
    caller = principal.caller(ask.surface)

    async def work(tx: Transaction) -> Answer:
        hold = await booking.place_hold(
            tx,
            await find_visit(tx, ask),
            ttl_seconds=ask.ttl_seconds,
            visitor=visitor_of(request, caller, visitor),
        )
        return answer(201, HoldShape.of(hold), location=f"/v1/holds/{public_id('hold', hold.id)}")

    return await run_command(request, caller, work)


@router.get("/{hold_id}", responses=made(HoldShape, 200))
async def get_hold(request: Request, hold_id: str, principal: AnyKey) -> Response:
    """A hold as it stands. Its id is the right to see it: it cannot be guessed."""
    id = parse_id("hold", hold_id)

    async def work(tx: Transaction) -> Answer:
        return answer(200, HoldShape.of(await booking.get_hold(tx, id)))

    return await read(request, principal.caller(), work)


@router.post("/{hold_id}/extend", responses=made(HoldShape, 200))
async def extend_hold(
    request: Request, hold_id: str, principal: BookKey, ask: Annotated[ExtendAsk | None, Body()] = None
) -> Response:
    """A fresh term from now, as often and as long as the surface allows."""
    id = parse_id("hold", hold_id)

    async def work(tx: Transaction) -> Answer:
        hold = await booking.extend_hold(tx, id, ttl_seconds=ask.ttl_seconds if ask else None)
        return answer(200, HoldShape.of(hold))

    return await run_command(request, principal.caller(), work)


@router.delete("/{hold_id}", responses=made(HoldShape, 200))
async def release_hold(request: Request, hold_id: str, principal: BookKey) -> Response:
    """Give it back. A hold that has ended already is answered as it is."""
    id = parse_id("hold", hold_id)

    async def work(tx: Transaction) -> Answer:
        return answer(200, HoldShape.of(await booking.release_hold(tx, id)))

    return await run_command(request, principal.caller(), work)

"""Visits of several appointments: hold, confirm, move and cancel them as one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request, Response

from holdfast.access.model import Principal
from holdfast.booking import visits
from holdfast.booking.visits import Item, VisitAsked, VisitItems, WholeVisit
from holdfast.db.transact import Transaction
from holdfast.errors import NotBookable, NotFound
from holdfast.http.api.references import find_choices, find_id, find_start, steps_outside
from holdfast.http.callers import AnyKey, BookKey, ChangeKey, VisitorHeader, visitor_of
from holdfast.http.commands import Answer, answer, expected_revision, read, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.http.shapes import ExtendAsk
from holdfast.http.visit_shapes import (
    VisitCancelAsk,
    VisitConfirmAsk,
    VisitHoldAsk,
    VisitRescheduleAsk,
    VisitShape,
)
from holdfast.ids import parse_id

router = APIRouter(prefix="/v1/visits", tags=["visits"], responses=REFUSALS)


@router.post("", status_code=201, responses=made(VisitShape))
async def place_visit(request: Request, ask: VisitHoldAsk, principal: BookKey, visitor: VisitorHeader) -> Response:
    """Hold several appointments as one: services in sequence, a party, or both. All of it, or nothing.

    What `GET /v1/availability` offers for several `services` or a `party` can be held here, with the same members. A
    taken time is refused with the roles that were lost, and with other starts for the whole visit.
    """
    caller = principal.caller(ask.surface)

    async def work(tx: Transaction) -> Answer:
        asked = await _find_visit(tx, ask)
        held = await visits.place_visit(
            tx, asked, ttl_seconds=ask.ttl_seconds, visitor=visitor_of(request, caller, visitor)
        )
        shape = VisitShape.of(held)
        return answer(201, shape, location=f"/v1/visits/{shape.id}")

    return await run_command(request, caller, work)


async def _find_visit(tx: Transaction, ask: VisitHoldAsk) -> VisitAsked | VisitItems:
    """The visit a request asks for. Raises NotBookable for what is not in the catalog, Invalid, WallTimeRefused."""
    try:
        location_id = await find_id(tx, "location", ask.location)
        if ask.appointments is not None:
            items = [
                Item(
                    await find_id(tx, "service", each.service),
                    await find_start(tx, each.start, location_id),
                    await find_choices(tx, each.resources),
                )
                for each in ask.appointments
            ]
            return VisitItems(location_id, tuple(items), steps_outside(tx, ask.outside_rules))
        services = [await find_id(tx, "service", each) for each in ask.services or ()]
        resources = {role: await find_id(tx, "resource", each) for role, each in ask.resources.items()}
        provider = await find_id(tx, "resource", ask.provider) if ask.provider else None
        prefer = [await find_id(tx, "resource", each) for each in ask.prefer]
    except NotFound as missing:
        raise NotBookable(missing.detail, reason="unknown_reference") from None
    assert ask.start is not None
    return VisitAsked(
        location_id,
        tuple(services),
        await find_start(tx, ask.start, location_id),
        party=ask.party,
        max_wait_minutes=ask.max_wait_minutes,
        same_provider=ask.same_provider,
        resources=resources,
        provider=provider,
        prefer=tuple(prefer),
        outside_rules=steps_outside(tx, ask.outside_rules),
    )


@router.get("/{visit_id}", responses=made(VisitShape, 200))
async def get_visit(request: Request, visit_id: str, principal: AnyKey) -> Response:
    """A visit as it stands. While it is held, its id is the right to see it; its appointments take the scope `read`."""
    id = parse_id("visit", visit_id)

    async def work(tx: Transaction) -> Answer:
        visit = await visits.get_visit(tx, id)
        if visit.appointments:
            principal.require("read")
        return _answer(visit)

    return await read(request, principal.caller(), work)


@router.post("/{visit_id}/extend", responses=made(VisitShape, 200))
async def extend_visit(
    request: Request, visit_id: str, principal: BookKey, ask: Annotated[ExtendAsk | None, Body()] = None
) -> Response:
    """A fresh term from now for all of it, as often and as long as the surface allows."""
    id = parse_id("visit", visit_id)

    async def work(tx: Transaction) -> Answer:
        return _answer(await visits.extend_visit(tx, id, ttl_seconds=ask.ttl_seconds if ask else None))

    return await run_command(request, principal.caller(), work)


@router.delete("/{visit_id}", responses=made(VisitShape, 200))
async def release_visit(request: Request, visit_id: str, principal: BookKey) -> Response:
    """Give all of it back. A visit that has ended already is answered as it is."""
    id = parse_id("visit", visit_id)

    async def work(tx: Transaction) -> Answer:
        return _answer(await visits.release_visit(tx, id))

    return await run_command(request, principal.caller(), work)


@router.post("/{visit_id}/confirm", responses=made(VisitShape, 200))
async def confirm_visit(request: Request, visit_id: str, ask: VisitConfirmAsk, principal: BookKey) -> Response:
    """Make it appointments of this client, all or none.

    A key that may only book is answered with the client's details as it sent them, never with what is on record.
    """
    id = parse_id("visit", visit_id)
    if ask.client.id is not None:
        principal.require("read")
    client = ask.client.details(parse_id("client", ask.client.id) if ask.client.id else None)

    async def work(tx: Transaction) -> Answer:
        return _booked_answer(await visits.confirm_visit(tx, id, client, note=ask.note), ask, principal)

    return await run_command(request, principal.caller(ask.surface), work)


def _booked_answer(visit: WholeVisit, ask: VisitConfirmAsk, principal: Principal) -> Answer:
    shape = VisitShape.of(visit)
    if "read" not in principal.scopes:
        for each in shape.appointments:
            each.client = ask.client.echo()
    return answer(200, shape, revision=visit.revision)


@router.post("/{visit_id}/reschedule", responses=made(VisitShape, 200))
async def reschedule_visit(request: Request, visit_id: str, ask: VisitRescheduleAsk, principal: ChangeKey) -> Response:
    """Move all of it to another start, arranged anew. If any part cannot be had, all of it stands as it was."""
    id, revision = parse_id("visit", visit_id), expected_revision(request)

    async def work(tx: Transaction) -> Answer:
        location_id = (await visits.get_visit(tx, id)).location_id
        moved = await visits.reschedule_visit(
            tx,
            id,
            await find_start(tx, ask.start, location_id),
            revision=revision,
            outside_rules=steps_outside(tx, ask.outside_rules),
        )
        return _answer(moved)

    return await run_command(request, principal.caller(ask.surface), work)


@router.post("/{visit_id}/cancel", responses=made(VisitShape, 200))
async def cancel_visit(
    request: Request, visit_id: str, principal: ChangeKey, ask: Annotated[VisitCancelAsk | None, Body()] = None
) -> Response:
    """Cancel whatever of it has not happened yet. To cancel a part, cancel that appointment: the others stand."""
    id, revision = parse_id("visit", visit_id), expected_revision(request)
    reason = ask.reason if ask else None

    async def work(tx: Transaction) -> Answer:
        return _answer(await visits.cancel_visit(tx, id, revision=revision, reason=reason))

    return await run_command(request, principal.caller(ask.surface if ask else None), work)


def _answer(visit: WholeVisit) -> Answer:
    return answer(200, VisitShape.of(visit), revision=visit.revision)

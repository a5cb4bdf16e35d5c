"""Blocks from the board: staff say no to a time. Placed from an empty span, stretched by hand, removed on a page."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holdfast.access.staff import SignedIn
from holdfast.booking import service as booking
from holdfast.booking.model import Block
from holdfast.catalog.model import Resource
from holdfast.catalog.service import get_location, get_resource
from holdfast.db.transact import Transaction
from holdfast.errors import ClaimsInTheWay, Forbidden, HoldfastError, Invalid, NotFound, StateRefused
from holdfast.http.commands import Answer, answer, run_command
from holdfast.http.pages.board_place import WALL, begin_of, by_kind, closable, find_place
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.http.problems import problem_response, status_of
from holdfast.ids import parse_id, public_id
from holdfast.wallclock import parse_instant, to_local

router = APIRouter(prefix="/desk/blocks", route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=500)]
MORNING: Final = time(9)


class ChangeAsk(BaseModel):
    """Other times, as wall times at the board's location, or another resource."""

    model_config = ConfigDict(extra="forbid")

    start: str = Field(max_length=40)
    end: str = Field(max_length=40)
    resource: str = Field(max_length=64)
    location: str = Field(max_length=64)


class ChangedShape(BaseModel):
    """The block that stands instead of the one that was changed."""

    id: str


@router.get("/new")
async def new(
    request: Request, staff: Desk, start: str = "", end: str = "", resource: str = "", location: str = ""
) -> Response:
    """The form of a new block."""
    staff.require("block")
    if resource:
        require_own(staff, parse_id("resource", resource))
    return await _form(request, staff, {"start": start, "end": end, "resource": resource, "location": location})


@router.post("")
async def place(
    request: Request, staff: Desk, resource: Text, location: Text, start: Text, end: Text, reason: Text = ""
) -> Response:
    """Close the time; with bookings in the way nothing is changed, and they are listed."""
    resource_id = parse_id("resource", resource)
    require_own(staff, resource_id)
    typed = {"start": start, "end": end, "resource": resource, "location": location, "reason": reason}

    async def work(tx: Transaction) -> Block:
        zone = (await get_location(tx, location)).time_zone
        begins, ends = parse_instant(start, zone), parse_instant(end, zone, field="end")
        return await booking.place_block(tx, resource_id, begins, ends, reason.strip())

    try:
        block = await record_of(request).transact(staff.caller(), work)
    except (ClaimsInTheWay, Invalid, StateRefused) as error:
        return await _form(request, staff, typed, error)
    return see(f"/desk/blocks/{public_id('block', block.id)}")


@router.get("/{block_id}")
async def show(request: Request, staff: Desk, block_id: str) -> Response:
    """One block: the form that changes it, and the button that removes it."""
    return await _page(request, staff, block_id)


@router.post("/{block_id}")
async def edit(
    request: Request,
    staff: Desk,
    block_id: str,
    resource: Text,
    location: Text,
    start: Text,
    end: Text,
    reason: Text = "",
) -> Response:
    """Other times, or whose, or why: the old one is removed and the new one placed, or nothing happens."""
    id, resource_id = parse_id("block", block_id), parse_id("resource", resource)
    typed = {"resource": resource, "start": start, "end": end, "reason": reason}

    async def work(tx: Transaction) -> Block:
        now = await booking.get_block(tx, id)
        zone = (await get_location(tx, location)).time_zone
        begins, ends = parse_instant(start, zone), parse_instant(end, zone, field="end")
        return await _replace(tx, staff, now, resource_id, begins, ends, reason.strip())

    try:
        block = await record_of(request).transact(staff.caller(), work)
    except (ClaimsInTheWay, Invalid, StateRefused) as error:
        return await _page(request, staff, block_id, typed, error)
    return see(f"/desk/blocks/{public_id('block', block.id)}")


@router.post("/{block_id}/remove")
async def remove(request: Request, staff: Desk, block_id: str) -> Response:
    """Open the time again."""
    id = parse_id("block", block_id)

    async def work(tx: Transaction) -> Block:
        require_own(staff, (await booking.get_block(tx, id)).resource_id)
        return await booking.remove_block(tx, id)

    await record_of(request).transact(staff.caller(), work)
    return see(f"/desk/blocks/{block_id}")


@router.post("/{block_id}/change")
async def change(request: Request, staff: Desk, block_id: str) -> Response:
    """Stretched or dragged: the old one is removed and the new one placed, or nothing happens. For a script: JSON."""
    id = parse_id("block", block_id)
    try:
        ask = ChangeAsk.model_validate_json(await request.body())
    except ValidationError:
        return problem_response(request, Invalid("This is not a change that can be read."))
    resource_id = parse_id("resource", ask.resource)

    async def work(tx: Transaction) -> Answer:
        before = await booking.get_block(tx, id)
        zone = (await get_location(tx, ask.location)).time_zone
        begins, ends = parse_instant(ask.start, zone), parse_instant(ask.end, zone, field="end")
        block = await _replace(tx, staff, before, resource_id, begins, ends, before.reason)
        return answer(200, ChangedShape(id=public_id("block", block.id)))

    try:
        return await run_command(request, staff.caller(), work)
    except HoldfastError as error:
        error.detail = _refusal(request, error)
        return problem_response(request, error)


def require_own(staff: SignedIn, resource_id: UUID) -> None:
    """Raises Forbidden for another's time, where somebody may only close their own."""
    staff.require("block")
    if not staff.may("everybody") and resource_id != staff.resource_id:
        raise Forbidden("You can close your own time only.")


async def _replace(
    tx: Transaction, staff: SignedIn, before: Block, resource_id: UUID, begins: datetime, ends: datetime, reason: str
) -> Block:
    require_own(staff, before.resource_id)
    require_own(staff, resource_id)
    if before.removed_at is not None:
        raise StateRefused("This block was removed meanwhile.")
    await booking.remove_block(tx, before.id)
    return await booking.place_block(tx, resource_id, begins, ends, reason)


async def _page(
    request: Request,
    staff: SignedIn,
    block_id: str,
    typed: dict[str, str] | None = None,
    error: HoldfastError | None = None,
) -> Response:
    async def work(tx: Transaction) -> tuple[Block, Resource]:
        block = await booking.get_block(tx, parse_id("block", block_id))
        return block, await get_resource(tx, block.resource_id)

    block, resource = await record_of(request).transact(staff.caller(), work)
    if not staff.may("everybody") and resource.id != staff.resource_id:
        raise Forbidden("This is somebody else's day.")
    place = await find_place(request, staff, "", "")
    if place.location.id not in resource.location_ids:
        place = await find_place(request, staff, public_id("location", resource.location_ids[0]), "")
    zone = place.location.time_zone
    as_it_is = {
        "resource": public_id("resource", resource.id),
        "start": to_local(block.starts_at, zone).strftime(WALL),
        "end": to_local(block.ends_at, zone).strftime(WALL),
        "reason": block.reason,
    }
    return await desk_page(
        request,
        staff,
        "desk/day_block.html",
        section="day",
        status=status_of(error) if error else 200,
        typed=typed or as_it_is,
        location=place.location,
        block=block,
        id=block_id,
        resource=resource,
        groups=by_kind(await closable(request, staff, place), language_of(request)),
        zone=zone,
        **_told(request, error),
    )


async def _form(
    request: Request, staff: SignedIn, typed: dict[str, str], error: HoldfastError | None = None
) -> Response:
    place = await find_place(request, staff, typed["location"], "")
    choices = await closable(request, staff, place)
    if not choices:
        raise Forbidden("Nothing here is yours to close.")
    chosen = parse_id("resource", typed["resource"]) if typed["resource"] else None
    if chosen and chosen not in {each.id for each in choices}:
        raise NotFound("That is not at this location.", field="resource")
    begins = begin_of(typed["start"], place.location.time_zone, otherwise_at=MORNING)
    later = (begins + timedelta(minutes=30)).strftime(WALL)
    return await desk_page(
        request,
        staff,
        "desk/day_block_new.html",
        section="day",
        status=status_of(error) if error else 200,
        typed=typed
        | {"location": place.location.slug, "start": begins.strftime(WALL), "end": typed["end"][:16] or later},
        groups=by_kind(choices, language_of(request)),
        zone=place.location.time_zone,
        **_told(request, error),
    )


def _told(request: Request, error: HoldfastError | None) -> dict[str, Any]:
    """What a form says of a refusal: the sentence, and the times that stand in the way."""
    conflicts = error.facts.get("conflicts", ()) if error else ()
    return {
        "problem": _refusal(request, error) if error else "",
        "conflicts": [
            (datetime.fromisoformat(each["starts_at"]), datetime.fromisoformat(each["ends_at"])) for each in conflicts
        ],
    }


def _refusal(request: Request, error: HoldfastError) -> str:
    _ = language_of(request).gettext
    if isinstance(error, ClaimsInTheWay):
        return _("Something stands there already. Move or cancel it first; nothing was changed.")
    return _(error.detail)

"""The inbox of collisions: reality has two things in one place, and a person decides what becomes of it.

Above them stand the programs outside that are told nothing any more, or soon will not be.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request, Response

from holdfast.access.staff import SignedIn
from holdfast.booking import outside
from holdfast.booking.model import CollisionTold
from holdfast.catalog import service as catalog
from holdfast.db.transact import Transaction
from holdfast.http.api.references import read_time_cursor, write_cursor
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.desk_story import Actors, load_actors
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import parse_id, public_id
from holdfast.log.feed import position_now
from holdfast.webhooks.model import Endpoint
from holdfast.webhooks.service import list_endpoints

router = APIRouter(prefix="/desk/inbox", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20


@router.get("")
async def inbox(
    request: Request, staff: Desk, decided: str = "", cursor: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """What waits for a decision, or (``decided``) what was decided, by whom and when."""
    staff.require("everybody")
    after, is_open, language = read_time_cursor(cursor), not decided, language_of(request)

    async def work(tx: Transaction) -> tuple[str, list[CollisionTold], Actors, list[Endpoint], str]:
        seen = await position_now(tx, request.app.state.event_names)
        found = await outside.tell_collisions(tx, is_open=is_open, limit=PAGE + 1, after=after)
        places = await catalog.list_locations(tx)
        endpoints = await list_endpoints(tx) if is_open else []
        return seen, found, await load_actors(tx, language), endpoints, places[0].time_zone if places else "UTC"

    seen, found, actors, endpoints, zone = await record_of(request).transact(staff.caller(), work)
    next_url = None
    if len(found) > PAGE:
        last = found[PAGE - 1]
        place = write_cursor(
            (last.starts_at if is_open else last.resolved_at or last.starts_at).isoformat(), str(last.id)
        )
        next_url = f"/desk/inbox?cursor={place}" + ("" if is_open else "&decided=1")
    return await desk_page(
        request, staff, "desk/inbox.html", section="inbox", collisions=found[:PAGE], is_open=is_open, actors=actors,
        next_url=next_url, public_id=public_id, endpoints=endpoints, zone=zone, seen=seen,
    )  # fmt: skip


@router.get("/{collision_id}")
async def show(request: Request, staff: Desk, collision_id: str) -> Response:
    """One collision, for whoever was sent its address."""
    staff.require("everybody")
    return await _one(request, staff, collision_id)


@router.post("/{collision_id}")
async def resolve(
    request: Request, staff: Desk, collision_id: str, resolution: Annotated[str, Form(max_length=500)] = ""
) -> Response:
    """Note what was decided. The first decision stands."""
    staff.require("everybody")
    staff.require("book")
    id, words = parse_id("collision", collision_id), resolution.strip()
    if not words:
        problem = language_of(request).gettext("Write what was decided: the others will want to know.")
        return await _one(request, staff, collision_id, problem=problem)
    await record_of(request).transact(staff.caller(), lambda tx: outside.resolve_collision(tx, id, words))
    return see("/desk/inbox")


async def _one(request: Request, staff: SignedIn, collision_id: str, *, problem: str = "") -> Response:
    id, language = parse_id("collision", collision_id), language_of(request)

    async def work(tx: Transaction) -> tuple[str, CollisionTold, Actors]:
        seen = await position_now(tx, request.app.state.event_names)
        return seen, await outside.tell_collision(tx, id), await load_actors(tx, language)

    seen, collision, actors = await record_of(request).transact(staff.caller(), work)
    return await desk_page(
        request, staff, "desk/inbox.html", section="inbox", status=422 if problem else 200, collisions=[collision],
        is_open=collision.resolved_at is None, actors=actors, next_url=None, public_id=public_id, problem=problem,
        seen=seen,
    )  # fmt: skip

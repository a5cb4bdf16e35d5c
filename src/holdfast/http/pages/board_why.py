"""Why nothing can be booked at some moment: the engine's explanation in words, per role, never whose booking it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time
from typing import Final

from fastapi import APIRouter, Request, Response

from holdfast.availability.explain import Explanation
from holdfast.availability.model import Request as Asked
from holdfast.availability.service import explain_start
from holdfast.availability.snapshot import current_catalog
from holdfast.catalog.model import Resource, Service
from holdfast.catalog.service import list_pools, list_resources, list_services
from holdfast.db.transact import Transaction
from holdfast.errors import Forbidden
from holdfast.http.pages.board_place import WALL, Place, begin_of, by_kind, find_place
from holdfast.http.pages.board_words import answers, rule
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.pages import PageRoute, language_of, record_of
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import parse_id, public_id
from holdfast.wallclock import parse_instant, to_local

router = APIRouter(route_class=PageRoute, include_in_schema=False)

MORNING: Final = time(9)


_Told = tuple[Sequence[Resource], Sequence[Service], Resource | None, Service | None, Explanation | None]


@router.get("/desk/why")
async def why(
    request: Request, staff: Desk, start: str = "", location: str = "", resource: str = "", service: str = ""
) -> Response:
    """Why a service cannot begin then, for whoever or whatever the column is."""
    if not staff.may("everybody"):
        raise Forbidden("This shows other people's days.")
    place = await find_place(request, staff, location, start[:10])
    zone = place.location.time_zone
    asked = start if len(start) > 10 else begin_of(start, zone, otherwise_at=MORNING).strftime(WALL)
    at = parse_instant(asked, zone)

    async def work(tx: Transaction) -> _Told:
        found = {each.id: each for each in await list_resources(tx, location_id=place.location.id)}
        named = found.get(parse_id("resource", resource)) if resource else None
        offered = await _offered(tx, place, named)
        chosen = next((each for each in offered if public_id("service", each.id) == service), None)
        chosen = chosen or (offered[0] if offered else None)
        why = await _explain(tx, place, chosen, named, at) if chosen else None
        return list(found.values()), offered, named, chosen, why

    resources, offered, named, chosen, told = await record_of(request).transact(staff.caller(), work)
    language = language_of(request)
    return await desk_page(
        request,
        staff,
        "desk/day_why.html",
        section="day",
        offered=[(public_id("service", each.id), each.name) for each in offered],
        resource=named,
        chosen=chosen and public_id("service", chosen.id),
        chosen_name=chosen.name if chosen else "",
        told=told,
        at=at,
        zone=place.location.time_zone,
        location=place.location,
        start=to_local(at, place.location.time_zone).strftime(WALL),
        groups=by_kind(resources, language),
        rules=[rule(each, language) for each in told.rules] if told else [],
        roles=answers(told, place.location.time_zone, language) if told else [],
        nearest=told.nearest.start if told and told.nearest else None,
        asked_resource=resource,
    )


async def _offered(tx: Transaction, place: Place, named: Resource | None) -> Sequence[Service]:
    """The services of the location that the column could serve, or all of them."""
    services = [each for each in await list_services(tx, location_id=place.location.id) if each.requirements]
    if named is None:
        return services
    able = {pool.id for pool in await list_pools(tx) if any(member.resource_id == named.id for member in pool.members)}
    return [each for each in services if any(need.pool_id in able for need in each.requirements)]


async def _explain(
    tx: Transaction, place: Place, service: Service, named: Resource | None, at: datetime
) -> Explanation:
    asked = Asked(location=str(place.location.id), services=(str(service.id),), start=at, until=at)
    told = await explain_start(tx, asked, at)
    if named is None:
        return told
    role = await _role_of(tx, service, named)
    if role is None:
        return told
    # What is free for the whole pool is no answer to "why not here": the role is asked of this resource alone.
    own = await explain_start(tx, replace(asked, resources={role: str(named.id)}), at)
    return replace(own, nearest=own.nearest or told.nearest)


async def _role_of(tx: Transaction, service: Service, named: Resource) -> str | None:
    serving = (await current_catalog(tx)).service(str(service.id)).served_by(str(named.id))
    # of two who serve a role together one may be anybody, so the question is asked of the whole pool
    return next((need.role for need in serving if need.quantity == 1), None)

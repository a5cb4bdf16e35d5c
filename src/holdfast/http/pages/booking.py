"""Choosing: a location, a service, somebody, a day and a time. The time that is tapped is held at once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response

from holdfast.availability.model import Slot
from holdfast.availability.permit import another_start_may_do
from holdfast.catalog import service as catalog
from holdfast.catalog.model import Service
from holdfast.db.transact import Transaction
from holdfast.errors import NotBookable, SlotTaken, TooManyHolds
from holdfast.http.pages import kept as keeping
from holdfast.http.pages.booking_site import Site, open_site, services_here, services_in_a_row
from holdfast.http.pages.choice import (
    ONE_DAY,
    SERVICES_MAX,
    Choice,
    Times,
    find_choice,
    find_times,
    nearest,
    parts_of_day,
)
from holdfast.http.pages.kept import Kept
from holdfast.http.pages.pages import PageRoute, see
from holdfast.http.pages.proof import LENGTH_MAX, ProofNeeded, ask, require_proof
from holdfast.wallclock import local_date, parse_instant

router = APIRouter(prefix="/b", route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=200)]
Proof = Annotated[str, Form(max_length=LENGTH_MAX)]
After = Annotated[list[str], Query(max_length=SERVICES_MAX, default_factory=list)]
Person = Annotated[str, Query(alias="with", max_length=64)]
Near = Annotated[str, Query(max_length=40)]
More = Annotated[list[str], Query(alias="and", max_length=SERVICES_MAX, default_factory=list)]


@router.get("/{organization}")
async def locations(request: Request, organization: str) -> Response:
    """Where? With one location there is nothing to ask."""
    site = await open_site(request, organization)
    found = await site.transact(catalog.list_locations)
    if len(found) == 1:
        return see(f"{site.url}/{found[0].slug}")
    return site.page("booking/locations.html", locations=found)


@router.get("/{organization}/{location}")
async def services(
    request: Request,
    organization: str,
    location: str,
    after: After,
    party: int = 1,
    person: Person = "",
) -> Response:
    """What? ``after``: the services that were chosen before, which another one is to follow."""
    site = await open_site(request, organization, location)

    async def work(tx: Transaction) -> tuple[dict[str, list[Service]], Choice | None, list[Kept]]:
        chosen = await find_choice(tx, site, after, person, party) if after else None
        groups = await services_in_a_row(tx, site.here) if chosen else await services_here(tx, site.here)
        return groups, chosen, await keeping.kept_by(tx, site)

    groups, chosen, kept = await site.transact(work)
    return site.page(
        "booking/services.html",
        groups=groups,
        chosen=chosen,
        held=kept[0] if kept and not chosen else None,
        url_of=lambda service: (
            chosen.but(services=(*chosen.services, service)).url(site) if chosen else f"{site.url}/{service.slug}"
        ),
    )


@router.get("/{organization}/{location}/{service}")
async def times(
    request: Request,
    organization: str,
    location: str,
    service: str,
    more: More,
    party: int = 1,
    person: Person = "",
    day: Annotated[str, Query(max_length=10)] = "",
    soonest: str = "",
    near: Near = "",
) -> Response:
    """With whom, and when? An open page asks again with ``soonest`` or ``near``, when it shows such times too."""
    site = await open_site(request, organization, location)

    async def work(tx: Transaction) -> tuple[Choice, Times, list[Kept]]:
        choice = await find_choice(tx, site, [service, *more], person, party)
        found = await find_times(tx, site, choice, day, soonest=bool(soonest))
        return choice, found, await keeping.kept_by(tx, site)

    choice, found, kept = await site.transact(work)
    at = parse_instant(near, site.here.time_zone) if near else None
    alternatives = await nearest(site, choice, at) if at else []
    problem = site.language.gettext("The nearest times that are free") if alternatives else ""
    return times_page(
        site, choice, found, held=kept[0] if kept else None, problem=problem, alternatives=alternatives, at=at
    )


@router.get("/{organization}/{location}/{service}/hold")
async def choose_again(request: Request, organization: str, location: str, service: str) -> Response:
    """A refusal was shown at this address, and is loaded again: choose anew."""
    query = urlencode(request.query_params.multi_items())
    return see(f"/b/{organization}/{location}/{service}" + (f"?{query}" if query else ""))


@router.post("/{organization}/{location}/{service}/hold")
async def hold(
    request: Request,
    organization: str,
    location: str,
    service: str,
    start: Text,
    more: More,
    party: int = 1,
    person: Text = "",
    proof: Proof = "",
) -> Response:
    """Hold the time that was tapped, in place of whatever this visitor held here before."""
    site = await open_site(request, organization, location)
    choice = await site.transact(lambda tx: find_choice(tx, site, [service, *more], person, party))
    at, choice = choice.tapped(site, start)

    async def work(tx: Transaction) -> Kept:
        for earlier in await keeping.kept_by(tx, site):
            if earlier.is_for(choice, at):
                return earlier
            await keeping.release(tx, earlier)
        await require_proof(tx, site, proof)
        return await keeping.place(tx, site, choice, at)

    try:
        held = await site.transact(work)
    except ProofNeeded as needed:
        return await ask(site, request, needed)
    except (SlotTaken, NotBookable, TooManyHolds) as refusal:
        return await lost(site, choice, at, refusal)
    return see(site.hold_url(held.public_id))


def times_page(
    site: Site,
    choice: Choice,
    found: Times,
    *,
    held: Kept | None = None,
    problem: str = "",
    alternatives: list[Slot] | None = None,
    at: datetime | None = None,
    status: int = 200,
) -> Response:
    """The page of times; after a refusal with what happened and what is near, of which it is told anew by ``at``."""
    query = urlencode(choice.query)
    again = {"soonest": "1"} if found.soonest else {}
    again |= {"near": at.isoformat()} if at and alternatives else {}
    return site.page(
        "booking/times.html",
        status=status,
        choice=choice,
        found=found,
        parts_of_day=parts_of_day(site, found.slots),
        held=held,
        problem=problem,
        alternatives=alternatives or [],
        one_day=ONE_DAY,
        action=f"{site.url}/{choice.service.slug}/hold" + (f"?{query}" if query else ""),
        days_url=lambda day: choice.url(site, day),
        refresh=choice.url(site, found.day, **again),
        address=choice.url(site, found.day) if status != 200 else "",
    )


async def lost(site: Site, choice: Choice, at: datetime, refusal: SlotTaken | NotBookable | TooManyHolds) -> Response:
    """The time is not to be had: say so at once, with the nearest three that are."""
    gettext = site.language.gettext
    alternatives = await nearest(site, choice, at) if another_start_may_do(refusal) else []
    problem = gettext("Somebody else was a moment faster. The nearest times that are free:")
    if isinstance(refusal, TooManyHolds):
        problem = gettext("You are keeping several times already. Finish one of them, or let it go.")
    elif isinstance(refusal, NotBookable):
        problem = gettext("This time cannot be booked any more. The nearest times that are free:")
    if not alternatives and not isinstance(refusal, TooManyHolds):
        problem = gettext("This time cannot be booked any more.")
    day = local_date(at, site.here.time_zone).isoformat()
    found = await site.transact(lambda tx: find_times(tx, site, choice, day))
    return times_page(site, choice, found, problem=problem, alternatives=alternatives, at=at, status=409)

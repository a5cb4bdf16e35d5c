"""Choosing: a location, a service, somebody, a day and a time. The time that is tapped is held at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response

from holdfast.availability import service as availability
from holdfast.availability.model import Request as Asked
from holdfast.availability.model import Slot
from holdfast.availability.permit import Wanted
from holdfast.booking import service as booking
from holdfast.booking import visitors
from holdfast.booking.model import Hold, Visit
from holdfast.catalog import service as catalog
from holdfast.catalog.model import Resource, Service
from holdfast.db.transact import Transaction
from holdfast.errors import NotBookable, NotFound, SlotTaken, TooManyHolds
from holdfast.http.pages.booking_site import Site, open_site, providers_of, services_here
from holdfast.http.pages.pages import PageRoute, see
from holdfast.http.pages.proof import LENGTH_MAX, ProofNeeded, ask, require_proof
from holdfast.wallclock import day_start, local_date, parse_instant, to_local

router = APIRouter(prefix="/b", route_class=PageRoute, include_in_schema=False)

DAYS_SHOWN: Final = 14
ONE_DAY: Final = timedelta(days=1)
SLOTS_A_DAY: Final = 200
HORIZON: Final = timedelta(days=366)
# Local hours at which the parts of a day begin.
NOON: Final = 12
EVENING: Final = 17

Text = Annotated[str, Form(max_length=200)]
Proof = Annotated[str, Form(max_length=LENGTH_MAX)]


@dataclass(frozen=True)
class Choice:
    """What was chosen so far: a service, and somebody (or anyone) for its ``role``."""

    service: Service
    role: str
    people: list[Resource]
    person: Resource | None

    def asked(self, site: Site, start: datetime, until: datetime, limit: int = SLOTS_A_DAY) -> Asked:
        """The question to the engine."""
        named = {self.role: str(self.person.id)} if self.person else {}
        return Asked(
            location=str(site.here.id), services=(str(self.service.id),), start=start, until=until, resources=named,
            limit=limit,
        )  # fmt: skip

    def visit(self, site: Site, start: datetime) -> Visit:
        """What is to be held."""
        choices = {self.role: [[self.person.id]]} if self.person else {}
        return Visit(self.service.id, site.here.id, start, choices)

    def person_in(self, slot: Slot) -> Resource | None:
        """Who would serve, where a client may choose."""
        serving = {pick.resource for pick in slot.picks if pick.role == self.role}
        return next((each for each in self.people if str(each.id) in serving), None)

    def tapped(self, site: Site, text: str) -> tuple[datetime, Choice]:
        """The start behind a button; that of an alternative names who serves: ``2027-03-06T14:00-06:00|ana``."""
        start, _, slug = text.partition("|")
        person = next((each for each in self.people if each.slug == slug), self.person)
        return parse_instant(start, site.here.time_zone), replace(self, person=person)

    def url(self, site: Site, day: date | None = None) -> str:
        """The page of times for this choice."""
        wanted = {"with": self.person.slug} if self.person else {}
        query = urlencode(wanted | ({"day": day.isoformat()} if day else {}))
        return f"{site.url}/{self.service.slug}" + (f"?{query}" if query else "")


@dataclass(frozen=True)
class Times:
    """A stretch of days, which of them have a slot, and the slots of the day that is shown."""

    today: date
    days: list[date]
    free: set[date]
    day: date
    slots: list[Slot]


@router.get("/{organization}")
async def locations(request: Request, organization: str) -> Response:
    """Where? With one location there is nothing to ask."""
    site = await open_site(request, organization)
    found = await site.transact(catalog.list_locations)
    if len(found) == 1:
        return see(f"{site.url}/{found[0].slug}")
    return site.page("booking/locations.html", locations=found)


@router.get("/{organization}/{location}")
async def services(request: Request, organization: str, location: str) -> Response:
    """What?"""
    site = await open_site(request, organization, location)

    async def work(tx: Transaction) -> tuple[dict[str, list[Service]], list[Hold]]:
        return await services_here(tx, site.here), await visitors.live_holds(tx, site.visitor)

    groups, holds = await site.transact(work)
    return site.page("booking/services.html", groups=groups, held=holds[0] if holds else None)


@router.get("/{organization}/{location}/{service}")
async def times(
    request: Request,
    organization: str,
    location: str,
    service: str,
    person: Annotated[str, Query(alias="with", max_length=64)] = "",
    day: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """With whom, and when?"""
    site = await open_site(request, organization, location)

    async def work(tx: Transaction) -> tuple[Choice, Times, list[Hold]]:
        choice = await find_choice(tx, site, service, person)
        return choice, await find_times(tx, site, choice, day), await visitors.live_holds(tx, site.visitor)

    choice, found, holds = await site.transact(work)
    return times_page(site, choice, found, held=holds[0] if holds else None)


@router.get("/{organization}/{location}/{service}/hold")
async def choose_again(organization: str, location: str, service: str) -> Response:
    """A refusal was shown at this address, and is loaded again: choose anew."""
    return see(f"/b/{organization}/{location}/{service}")


@router.post("/{organization}/{location}/{service}/hold")
async def hold(
    request: Request, organization: str, location: str, service: str, start: Text, person: Text = "", proof: Proof = ""
) -> Response:
    """Hold the time that was tapped, in place of whatever this visitor held here before."""
    site = await open_site(request, organization, location)
    choice = await site.transact(lambda tx: find_choice(tx, site, service, person))
    at, choice = choice.tapped(site, start)

    async def work(tx: Transaction) -> Hold:
        for earlier in await visitors.live_holds(tx, site.visitor):
            if earlier.service_id == choice.service.id and earlier.starts_at == at:
                return earlier
            await booking.release_hold(tx, earlier.id)
        await require_proof(tx, site, proof)
        return await booking.place_hold(tx, choice.visit(site, at), visitor=site.visitor)

    try:
        held = await site.transact(work)
    except ProofNeeded as needed:
        return await ask(site, request, needed)
    except SlotTaken as taken:
        return await lost(site, choice, at, taken)
    except (NotBookable, TooManyHolds) as refusal:
        return await lost(site, choice, at, refusal)
    return see(site.hold_url(held))


async def find_choice(tx: Transaction, site: Site, service: str, person: str) -> Choice:
    """What the address names. Raises NotFound."""
    found = await catalog.get_service(tx, service)
    if found.retired_at is not None or site.here.id not in found.location_ids:
        raise NotFound("This service is not booked here.")
    role, people = await providers_of(tx, found, site.here)
    chosen = next((each for each in people if each.slug == person), None)
    if person and chosen is None:
        raise NotFound("Nobody of this name serves that here.")
    return Choice(found, role, people, chosen)


async def find_times(tx: Transaction, site: Site, choice: Choice, wanted: str) -> Times:
    """The fortnight around the wanted day, else around the first slot there is."""
    now, zone = tx.scene.began_at, site.here.time_zone
    today = local_date(now, zone)
    day = read_day(wanted)
    if day is None or not today <= day <= today + HORIZON:
        soon = choice.asked(site, now, now + timedelta(days=1), 1)
        first = await availability.next_available(tx, soon, [soon.location])
        day = local_date(first.slots[0][1].start, zone) if first.slots else today
    # whole weeks, so that a weekday stays in its column
    monday = day - timedelta(days=day.weekday())
    days = [monday + timedelta(days=n) for n in range(DAYS_SHOWN)]
    start, until = max(now, day_start(days[0], zone)), day_start(days[-1] + timedelta(days=1), zone)
    free = set((await availability.days_with_slots(tx, choice.asked(site, start, until), [str(site.here.id)])).days)
    slots: list[Slot] = []
    if day in free:
        start, until = max(now, day_start(day, zone)), day_start(day + timedelta(days=1), zone)
        found = await availability.search(tx, choice.asked(site, start, until), [str(site.here.id)])
        slots = [slot for _, slot in found.slots]
    return Times(today, days, free, day, slots)


def times_page(
    site: Site,
    choice: Choice,
    found: Times,
    *,
    held: Hold | None = None,
    problem: str = "",
    alternatives: list[Slot] | None = None,
    status: int = 200,
) -> Response:
    """The page of times; after a refusal with what happened and what is near."""
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
        days_url=lambda day: choice.url(site, day),
    )


def parts_of_day(site: Site, slots: list[Slot]) -> list[tuple[str, list[Slot]]]:
    """Slots by morning, afternoon and evening on the location's clock; empty parts are left out."""
    parts: dict[str, list[Slot]] = {"Morning": [], "Afternoon": [], "Evening": []}
    for slot in slots:
        hour = to_local(slot.start, site.here.time_zone).hour
        parts["Morning" if hour < NOON else "Afternoon" if hour < EVENING else "Evening"].append(slot)
    return [(name, found) for name, found in parts.items() if found]


async def lost(site: Site, choice: Choice, at: datetime, refusal: SlotTaken | NotBookable | TooManyHolds) -> Response:
    """The time is not to be had: say so at once, with the nearest three that are."""
    gettext = site.language.gettext
    alternatives = await nearest(site, choice, at)
    problem = gettext("Somebody else was a moment faster. The nearest times that are free:")
    if isinstance(refusal, TooManyHolds):
        problem, alternatives = gettext("You are keeping several times already. Finish one of them, or let it go."), []
    elif isinstance(refusal, NotBookable):
        problem = gettext("This time cannot be booked any more. The nearest times that are free:")
    day = local_date(at, site.here.time_zone).isoformat()
    found = await site.transact(lambda tx: find_times(tx, site, choice, day))
    return times_page(site, choice, found, problem=problem, alternatives=alternatives, status=409)


async def nearest(site: Site, choice: Choice, at: datetime) -> list[Slot]:
    """The three nearest starts, with the same person where they are free."""
    wanted = Wanted(choice.service.id, site.here.id, at, choice.visit(site, at).choices)
    return await site.transact(lambda tx: availability.alternatives(tx, wanted))


def read_day(text: str) -> date | None:
    """A day like ``2027-03-06``, or None."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None

"""What a visitor chose so far, and the times there are for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from holdfast.availability import service as availability
from holdfast.availability.model import Request as Asked
from holdfast.availability.model import Slot
from holdfast.availability.permit import Wanted
from holdfast.availability.service import WantedVisit
from holdfast.booking.model import Appointment, Hold, Visit
from holdfast.booking.visits import VisitAsked
from holdfast.catalog import service as catalog
from holdfast.catalog.model import Location, Resource, Service
from holdfast.db.transact import Transaction
from holdfast.errors import Invalid, NotFound
from holdfast.http.pages.booking_site import Site, can_be_joined, providers_of, serves_two
from holdfast.http.parts_of_day import EVENING, NOON
from holdfast.wallclock import day_start, local_date, parse_day, parse_instant, to_local

DAYS_SHOWN: Final = 14
SERVICES_MAX: Final = 4
# Between two services: longer than a coffee, and most would rather come twice.
WAIT_MINUTES: Final = 30
ONE_DAY: Final = timedelta(days=1)
SLOTS_A_DAY: Final = 200
HORIZON: Final = timedelta(days=366)
# Local hours at which the parts of a day begin.


@dataclass(frozen=True)
class Choice:
    """Services one after the other, for a ``party`` at once, and somebody (or anyone) for the ``role`` of the first.

    ``for_two``: it can be had for two at once; ``joinable``: another service can go after these.
    """

    services: tuple[Service, ...]
    role: str
    people: list[Resource]
    person: Resource | None = None
    party: int = 1
    for_two: bool = False
    joinable: bool = False

    @property
    def service(self) -> Service:
        return self.services[0]

    @property
    def several(self) -> bool:
        """Whether it is a visit of several appointments."""
        return len(self.services) > 1 or self.party > 1

    @property
    def minutes(self) -> int:
        """How long it takes, without waiting."""
        return sum(service.duration_minutes for service in self.services)

    @property
    def price_cents(self) -> int:
        return self.party * sum(service.price_cents for service in self.services)

    def but(self, **other: Any) -> Choice:
        """The same choice, but for what is given."""
        return replace(self, **other)

    def without(self, index: int) -> Choice:
        """The same choice without one of its services; the person is that of the first."""
        person = self.person if index else None
        return self.but(services=self.services[:index] + self.services[index + 1 :], person=person)

    def whole(self, site: Site, start: datetime) -> VisitAsked:
        """What is to be held, as a visit of several appointments."""
        return VisitAsked(
            site.here.id,
            tuple(service.id for service in self.services),
            start,
            party=self.party,
            max_wait_minutes=WAIT_MINUTES if len(self.services) > 1 else 0,
            resources={self.role: self.person.id} if self.person else {},
        )

    def visit(self, site: Site, start: datetime) -> Visit:
        """What is to be held, of one appointment."""
        choices = {self.role: [[self.person.id]]} if self.person else {}
        return Visit(self.service.id, site.here.id, start, choices)

    def asked(self, site: Site, start: datetime, until: datetime, limit: int = SLOTS_A_DAY) -> Asked:
        """The question to the engine."""
        return replace(self.whole(site, start).request(), until=until, limit=limit)

    def wanted(self, site: Site, start: datetime) -> Wanted | WantedVisit:
        """What was wanted, to find the nearest instead."""
        if self.several:
            return WantedVisit(self.whole(site, start).request(), start)
        return Wanted(self.service.id, site.here.id, start, self.visit(site, start).choices)

    def person_in(self, slot: Slot) -> Resource | None:
        """Who would serve, where a client may choose."""
        serving = {pick.resource for pick in slot.picks if pick.role == self.role}
        return next((each for each in self.people if str(each.id) in serving), None)

    def tapped(self, site: Site, text: str) -> tuple[datetime, Choice]:
        """The start behind a button; that of an alternative names who serves: ``2027-03-06T14:00-06:00|ana``."""
        start, _, slug = text.partition("|")
        person = next((each for each in self.people if each.slug == slug), self.person)
        return parse_instant(start, site.here.time_zone), self.but(person=person)

    @property
    def query(self) -> list[tuple[str, str]]:
        """What the address says beside the first service."""
        more = [("and", service.slug) for service in self.services[1:]]
        return more + ([("party", str(self.party))] if self.party > 1 else [])

    def url(self, site: Site, day: date | None = None, **more: str) -> str:
        """The page of times for this choice."""
        query = self.query + ([("with", self.person.slug)] if self.person else [])
        text = urlencode(query + ([("day", day.isoformat())] if day else []) + list(more.items()))
        return f"{site.url}/{self.service.slug}" + (f"?{text}" if text else "")

    def url_at(self, site: Site, location: Location, slot: Slot) -> str:
        """The page of times on the day of that slot, perhaps at another location."""
        there = replace(site, location=location)
        return self.url(there, local_date(slot.start, location.time_zone))

    def waiting_url(self, site: Site, **more: str) -> str:
        """The page to wait for a time of the first of its services."""
        query = urlencode(({"with": self.person.slug} if self.person else {}) | more)
        return f"{site.url}/{self.service.slug}/wait" + (f"?{query}" if query else "")

    def add_url(self, site: Site) -> str:
        """The page of services, to add another one."""
        query = [("after", service.slug) for service in self.services]
        query += [("party", str(self.party))] if self.party > 1 else []
        query += [("with", self.person.slug)] if self.person else []
        return f"{site.url}?{urlencode(query)}"


@dataclass(frozen=True)
class Sooner:
    """An earlier start than the one that is shown: with somebody else, or at another ``location``."""

    location: Location
    slot: Slot
    choice: Choice


@dataclass(frozen=True)
class Times:
    """A stretch of days, which of them have a slot, and the slots of the day that is shown.

    ``first`` is the first start there is, and ``sooner`` what else is to be had before it; neither unless ``soonest``.
    """

    today: date
    days: list[date]
    free: set[date]
    day: date
    slots: list[Slot]
    first: Slot | None = None
    sooner: Sequence[Sooner] = ()
    soonest: bool = False

    def live_url(self, site: Site) -> str:
        """Where the page that shows this hears of changes."""
        first = self.today if self.soonest else self.days[0]
        return site.live_url(first, self.days[-1])

    def bounds(self, site: Site) -> tuple[str, str]:
        """When the day that is shown begins and ends (ISO 8601)."""
        zone = site.here.time_zone
        return day_start(self.day, zone).isoformat(), day_start(self.day + ONE_DAY, zone).isoformat()


async def find_choice(tx: Transaction, site: Site, services: Sequence[str], person: str = "", party: int = 1) -> Choice:
    """What the address names, by slugs. Raises NotFound."""
    found = tuple([await catalog.get_service(tx, service) for service in services])
    if len(found) > SERVICES_MAX or any(each.retired_at or site.here.id not in each.location_ids for each in found):
        raise NotFound("This service is not booked here.")
    for_two = all([await serves_two(tx, service, site.here) for service in found])
    if party not in (1, 2) or (party == 2 and not for_two):
        raise NotFound("This is not booked for so many at once.")
    joinable = len(found) < SERVICES_MAX and await can_be_joined(tx, found)
    choice = (await _choice(tx, site, found, party)).but(for_two=for_two, joinable=joinable)
    if not person:
        return choice
    chosen = next((each for each in choice.people if each.slug == person), None)
    if chosen is None:
        raise NotFound("Nobody of this name serves that here.")
    return choice.but(person=chosen)


async def choice_of(tx: Transaction, site: Site, parts: Sequence[Hold | Appointment]) -> Choice:
    """What was chosen for appointments, or for the holds before them; by start."""
    groups = [list(group) for _, group in groupby(parts, key=lambda each: each.starts_at)]
    services = tuple([await catalog.get_service(tx, group[0].service_id) for group in groups])
    choice = await _choice(tx, site, services, len(groups[0]))
    serving = {UUID(claim["resource_id"]) for claim in parts[0].claims if claim["role"] == choice.role}
    return choice.but(person=next((each for each in choice.people if each.id in serving), None))


async def _choice(tx: Transaction, site: Site, services: tuple[Service, ...], party: int) -> Choice:
    role, people = await providers_of(tx, services[0], site.here) if party == 1 else ("", [])
    return Choice(services, role, people, party=party)


async def find_times(tx: Transaction, site: Site, choice: Choice, wanted: str, *, soonest: bool = False) -> Times:
    """The fortnight around the wanted day, else around the first slot there is; which ``soonest`` tells in any case."""
    now, zone = tx.scene.began_at, site.here.time_zone
    today = local_date(now, zone)
    day, first = read_day(wanted), None
    if day is not None and not today <= day <= today + HORIZON:
        day = None
    soonest = soonest or day is None
    if soonest:
        first = await _first(tx, site, choice, [site.here])
    if day is None:
        day = local_date(first[1].start, zone) if first else today
    # whole weeks, so that a weekday stays in its column
    monday = day - timedelta(days=day.weekday())
    days = [monday + timedelta(days=n) for n in range(DAYS_SHOWN)]
    start, until = max(now, day_start(days[0], zone)), day_start(days[-1] + ONE_DAY, zone)
    free = set((await availability.days_with_slots(tx, choice.asked(site, start, until), [str(site.here.id)])).days)
    slots: list[Slot] = []
    if day in free:
        start, until = max(now, day_start(day, zone)), day_start(day + ONE_DAY, zone)
        found = await availability.search(tx, choice.asked(site, start, until), [str(site.here.id)])
        slots = [slot for _, slot in found.slots]
    shown = first[1] if first else None
    sooner = await _sooner(tx, site, choice, shown) if soonest else []
    return Times(today, days, free, day, slots, shown, sooner, soonest)


async def _first(
    tx: Transaction, site: Site, choice: Choice, locations: Sequence[Location]
) -> tuple[Location, Slot] | None:
    now = tx.scene.began_at
    soon = choice.asked(site, now, now + ONE_DAY, 1)
    found = await availability.next_available(tx, soon, [str(each.id) for each in locations])
    return next(((each, slot) for id, slot in found.slots for each in locations if str(each.id) == id), None)


async def _sooner(tx: Transaction, site: Site, choice: Choice, shown: Slot | None) -> list[Sooner]:
    """Who else is free before the first start that is shown, here, and then where else."""
    asked = [(choice.but(person=None), [site.here])] if choice.person else []
    elsewhere = [
        each
        for each in await catalog.list_locations(tx)
        if each.id != site.here.id and all(each.id in service.location_ids for service in choice.services)
    ]
    found = []
    for other, locations in [*asked, (choice.but(person=None), elsewhere)]:
        soonest = await _first(tx, site, other, locations) if locations else None
        if soonest and (shown is None or soonest[1].start < shown.start):
            found.append(Sooner(*soonest, other))
    return found


def parts_of_day(site: Site, slots: list[Slot]) -> list[tuple[str, list[Slot]]]:
    """Slots by morning, afternoon and evening on the location's clock; empty parts are left out."""
    parts: dict[str, list[Slot]] = {"Morning": [], "Afternoon": [], "Evening": []}
    for slot in slots:
        hour = to_local(slot.start, site.here.time_zone).hour
        parts["Morning" if hour < NOON else "Afternoon" if hour < EVENING else "Evening"].append(slot)
    return [(name, found) for name, found in parts.items() if found]


async def nearest(site: Site, choice: Choice, at: datetime) -> list[Slot]:
    """The three nearest starts, with the same person where they are free."""
    return await site.transact(lambda tx: availability.alternatives(tx, choice.wanted(site, at)))


async def still_free(tx: Transaction, site: Site, choice: Choice, starts: Sequence[datetime]) -> bool:
    """Whether exactly this can still be had, at each of these starts."""
    for start in starts:
        asked = choice.asked(site, start, start + timedelta(minutes=1), 1)
        found = await availability.search(tx, asked, [str(site.here.id)])
        if not any(slot.start == start for _, slot in found.slots):
            return False
    return True


def read_day(text: str) -> date | None:
    """A day like ``2027-03-06``, or None."""
    try:
        return parse_day(text) if text else None
    except Invalid:
        return None

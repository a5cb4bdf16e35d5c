"""Times for the desk: what is free for a service on a day, with whom, and what to say when a time is not to be had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from holdfast.availability import service as availability
from holdfast.availability.model import Request as Asked
from holdfast.availability.model import Slot
from holdfast.availability.permit import SENTENCES, Choices, Wanted
from holdfast.availability.snapshot import current_catalog
from holdfast.booking.model import Appointment, Visit
from holdfast.catalog import service as catalog
from holdfast.catalog.model import Location, Resource, Service
from holdfast.db.transact import Transaction
from holdfast.errors import HoldfastError, Invalid, NotBookable, NotFound, SlotTaken
from holdfast.http.pages.booking_site import providers_of
from holdfast.ids import parse_id, public_id
from holdfast.wallclock import day_start, local_date, parse_day, parse_instant
from holdfast.web.languages import Language

SLOTS_SHOWN: Final = 60
SLOTS_SOUGHT: Final = 200
DAYS_SHOWN: Final = 7
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Sought:
    """A service at a location. ``named``: the resource that must serve in ``role``; ``people``: who could be.

    ``wanted``: for other roles the resource that must serve, by role.
    """

    service: Service
    location: Location
    people: list[Resource]
    role: str = ""
    named: Resource | None = None
    wanted: Mapping[str, UUID] = field(default_factory=dict)

    @property
    def choices(self) -> Choices:
        return {role: [[id]] for role, id in self._meant.items()}

    def visit(self, start: datetime, *, outside_rules: bool = False) -> Visit:
        """What is to be held."""
        return Visit(self.service.id, self.location.id, start, self.choices, outside_rules)

    def asked(self, start: datetime, until: datetime, limit: int) -> Asked:
        """The question to the engine."""
        named = {role: str(id) for role, id in self._meant.items()}
        return Asked(
            location=str(self.location.id), services=(str(self.service.id),), start=start, until=until,
            resources=named, limit=limit,
        )  # fmt: skip

    def person_in(self, slot: Slot) -> Resource | None:
        """Who would serve, where one can choose."""
        serving = {pick.resource for pick in slot.picks}
        return next((each for each in self.people if str(each.id) in serving), None)

    @property
    def _meant(self) -> Mapping[str, UUID]:
        return {**self.wanted, **({self.role: self.named.id} if self.named else {})}


@dataclass(frozen=True)
class RoleToFill:
    """A role of a service that more than one could serve in; ``now``: who does, for a visit that is booked."""

    role: str
    members: list[Resource]
    now: UUID | None = None


@dataclass(frozen=True)
class DayOfTimes:
    """The free starts of one local day, and the days around it."""

    today: date
    day: date
    days: list[date]
    slots: list[Slot]


async def seek(tx: Transaction, service: str | UUID, location: str | UUID, resource: str = "") -> Sought:
    """What is to be booked; ``resource`` (an id) serves where the service has a role for it. Raises NotFound."""
    found = await catalog.get_service(tx, _reference("service", service))
    here = await catalog.get_location(tx, _reference("location", location))
    if found.retired_at is not None or here.id not in found.location_ids:
        raise NotFound("This service is not booked here.")
    _, people = await providers_of(tx, found, here)
    if not resource:
        return Sought(found, here, people)
    named = await catalog.get_resource(tx, _reference("resource", resource))
    role = await _role_of(tx, found, named)
    return Sought(found, here, people, role, named if role else None)


async def roles_of(tx: Transaction, visit: Appointment) -> list[RoleToFill]:
    """The roles of a booked visit in which one could serve instead of another, by the service's order."""
    service = await catalog.get_service(tx, visit.service_id)
    here = {each.id: each for each in await catalog.list_resources(tx, location_id=visit.location_id)}
    pools = {pool.id: pool for pool in await catalog.list_pools(tx)}
    serving = {claim["role"]: UUID(claim["resource_id"]) for claim in visit.claims}
    found = []
    for need in service.requirements:
        ids = [member.resource_id for member in pools[need.pool_id].members]
        members = [here[id] for id in ids if id in here]
        # where two serve a role together, who is meant by "instead" is for the board's columns to say
        if need.quantity == 1 and len(members) > 1:
            found.append(RoleToFill(need.role, members, serving.get(need.role)))
    return found


def wanted_of(roles: Sequence[RoleToFill], query: Mapping[str, str]) -> Mapping[str, UUID]:
    """Who is to serve, by role, as an address says it (``with.room=res_…``); what could not be is left out."""
    asked = {each.role: query.get(f"with.{each.role}", "") for each in roles}
    known = {each.role: {public_id("resource", member.id): member.id for member in each.members} for each in roles}
    return {role: known[role][id] for role, id in asked.items() if id in known[role]}


def wanted_query(wanted: Mapping[str, UUID]) -> str:
    """The same as the query of an address."""
    return urlencode({f"with.{role}": public_id("resource", id) for role, id in wanted.items()})


async def times_of(
    tx: Transaction, sought: Sought, wanted: date | None, *, without_hold: UUID | None = None
) -> DayOfTimes:
    """The times of the wanted day, today's when none is; with the days that follow it."""
    zone = sought.location.time_zone
    today = local_date(tx.scene.began_at, zone)
    day = max(wanted or today, today)
    start = max(day_start(day, zone), tx.scene.began_at)
    asked = sought.asked(start, day_start(day + ONE_DAY, zone), SLOTS_SHOWN)
    found = await availability.search(tx, asked, [asked.location], without_hold=without_hold)
    first = max(today, day - ONE_DAY)
    days = [first + timedelta(days=n) for n in range(DAYS_SHOWN)]
    return DayOfTimes(today, day, days, [slot for _, slot in found.slots])


async def first_free(tx: Transaction, sought: Sought, day: date | None = None) -> Slot | None:
    """The earliest slot from now on, or from the beginning of that day."""
    now = tx.scene.began_at
    if day is not None:
        now = max(now, day_start(day, sought.location.time_zone))
    asked = sought.asked(now, now + ONE_DAY, 1)
    found = await availability.next_available(tx, asked, [asked.location])
    return found.slots[0][1] if found.slots else None


async def nearest(tx: Transaction, sought: Sought, at: datetime, without_hold: UUID | None = None) -> list[Slot]:
    """Up to three starts instead of a refused one."""
    wanted = Wanted(sought.service.id, sought.location.id, at, sought.choices, without_hold)
    return await availability.alternatives(tx, wanted)


async def nearest_with(tx: Transaction, sought: Sought, at: datetime) -> Slot | None:
    """The start nearest to another with whoever is named, and nobody else, in the fortnight from the day before."""
    asked = sought.asked(max(tx.scene.began_at, at - ONE_DAY), at + 14 * ONE_DAY, SLOTS_SOUGHT)
    found = await availability.search(tx, asked, [asked.location])
    return min((slot for _, slot in found.slots), key=lambda slot: abs(slot.start - at), default=None)


def read_start(text: str, zone: str, day: str = "", time: str = "") -> datetime | None:
    """A start as a button gives it, or a day and a time that were typed; None for less than that. Raises Invalid."""
    if text and read_day(text) is None:
        return parse_instant(text, zone)
    return parse_instant(f"{day}T{time}", zone) if day and time else None


def read_day(text: str) -> date | None:
    """A day like ``2027-03-06``, or None."""
    try:
        return parse_day(text) if text else None
    except Invalid:
        return None


def in_words(refusal: HoldfastError, sought: Sought, language: Language) -> str:
    """Why a time cannot be had, for a person at the desk."""
    gettext = language.gettext
    if isinstance(refusal, SlotTaken):
        lost = ", ".join(role.replace("_", " ") for role in refusal.facts.get("roles", ()))
        who = sought.named.name if sought.named else lost
        return gettext("Taken: %(who)s is not free then.") % {"who": who}
    said = {
        "too_soon": gettext("This is too soon for this service."),
        "too_far": gettext("This is too far ahead for this service."),
        "off_grid": gettext("This service does not begin at this minute."),
        "closed": gettext("It is closed then."),
        "on_break": gettext("That is during a break."),
        "away": gettext("Whoever could serve is away then."),
        "not_working": gettext("Whoever could serve does not work then."),
        "no_credential": gettext("Nobody has what this service takes on that day."),
        "cap_reached": gettext("Whoever could serve takes no more visits that day."),
        "resource_cannot_serve": gettext("Whom you chose does not do this service here."),
    }
    return said.get(str(refusal.facts.get("reason", ""))) or language.said(refusal.detail)


def may_be_waived(refusal: HoldfastError) -> bool:
    """Whether a person may knowingly book it all the same: only a rule of opening hours and the like says no."""
    return isinstance(refusal, NotBookable) and refusal.facts.get("reason") in SENTENCES


def _reference(kind: str, given: str | UUID) -> str | UUID:
    """An id as it is, a public id, or a slug: no slug has an underscore."""
    return parse_id(kind, given) if isinstance(given, str) and "_" in given else given


async def _role_of(tx: Transaction, service: Service, resource: Resource) -> str:
    sold = (await current_catalog(tx)).services.get(str(service.id))
    serving = sold.served_by(str(resource.id)) if sold else []
    return serving[0].role if serving else ""

"""Where and when a page of the board is: its location and its day, and how much of them somebody gets to see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from fastapi import Request, Response

from holdfast import wallclock
from holdfast.access.staff import SignedIn
from holdfast.booking.day import Sight
from holdfast.catalog.model import Location, Resource
from holdfast.catalog.service import get_resource, list_locations, list_resources
from holdfast.db.transact import Transaction
from holdfast.errors import Invalid, NotFound
from holdfast.http.pages import browser
from holdfast.http.pages.pages import record_of
from holdfast.ids import KINDS, public_id
from holdfast.log.feed import position_now
from holdfast.web.languages import Language

WALL: Final = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True)
class Place:
    """``here``: the locations whose days this person may look at; ``seen``: where the log stood before it was read."""

    here: Sequence[Location]
    location: Location
    day: date
    today: date
    seen: str

    def url(self, page: str = "day", *, days: int = 0, **more: str) -> str:
        """The address of a page of the board, so many days from here."""
        day = self.day + timedelta(days=days)
        query = {"location": self.location.slug, "date": day.isoformat(), **more}
        return f"/desk/{page}?" + "&".join(f"{name}={value}" for name, value in query.items() if value)


def sight_of(staff: SignedIn) -> Sight:
    """Who may see everybody's day does; a provider sees their own, and then knows whom they see."""
    if staff.may("everybody"):
        return Sight(names=staff.may("contacts"))
    return Sight(resource_id=staff.resource_id, everybody=False)


async def find_place(request: Request, staff: SignedIn, location: str, day: str) -> Place:
    """The place that an address means: without a location the last one looked at, without a day today there.

    Raises NotFound, Invalid.
    """

    async def work(tx: Transaction) -> tuple[str, list[Location]]:
        seen = await position_now(tx, request.app.state.event_names)
        every = await list_locations(tx)
        if staff.may("everybody") or staff.resource_id is None:
            return seen, every
        own = await get_resource(tx, staff.resource_id)
        return seen, [each for each in every if each.id in own.location_ids]

    seen, here = await record_of(request).transact(staff.caller(), work)
    if not here:
        raise NotFound("There is no location yet.")
    found = _pick(here, location) if location else _last(request, here)
    today = wallclock.local_date(datetime.now(UTC), found.time_zone)
    return Place(here, found, _day(day) if day else today, today, seen)


def remember(request: Request, response: Response, place: Place) -> Response:
    """The next page without a location is of this one."""
    if request.query_params.get("location"):
        browser.set_cookie(request, response, browser.LOCATION, place.location.slug, seconds=browser.VISITOR_SECONDS)
    return response


def begin_of(start: str, zone: str, *, otherwise_at: time = time.min) -> datetime:
    """When something begins on the wall's clock there, as an address says it: now without a word or for today, at
    ``otherwise_at`` on another day that is named alone.
    """
    now = wallclock.to_local(datetime.now(UTC), zone).replace(tzinfo=None)
    now = now.replace(second=0, microsecond=0) - timedelta(minutes=now.minute % 5)
    try:
        asked = datetime.fromisoformat(start[:16])
    except ValueError:
        return now
    if len(start) > 10:
        return asked.replace(tzinfo=None)
    return now if asked.date() == now.date() else datetime.combine(asked.date(), otherwise_at)


async def closable(request: Request, staff: SignedIn, place: Place) -> Sequence[Resource]:
    """Whose time this person may close there: everything's, or a provider's own."""
    found = await record_of(request).transact(
        staff.caller(), lambda tx: list_resources(tx, location_id=place.location.id)
    )
    return [each for each in found if staff.may("everybody") or each.id == staff.resource_id]


def by_kind(resources: Iterable[Resource], language: Language) -> list[tuple[str, list[tuple[str, str]]]]:
    """(heading, [(id, name)]) to choose from: people, rooms, devices, the rest."""
    _ = language.gettext
    headings = {"provider": _("People"), "room": _("Rooms"), "device": _("Devices"), "other": _("Others")}
    groups: dict[str, list[tuple[str, str]]] = {kind: [] for kind in headings}
    for each in resources:
        groups[each.kind if each.kind in groups else "other"].append((public_id("resource", each.id), each.name))
    return [(headings[kind], sorted(names, key=lambda pair: pair[1])) for kind, names in groups.items() if names]


def _pick(here: Sequence[Location], reference: str) -> Location:
    by_id = reference.startswith(f"{KINDS['location']}_")
    for each in here:
        if reference == (public_id("location", each.id) if by_id else each.slug):
            return each
    raise NotFound("There is no such location.", field="location")


def _last(request: Request, here: Sequence[Location]) -> Location:
    slug = browser.cookie(request, browser.LOCATION)
    return next((each for each in here if each.slug == slug), here[0])


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Invalid("A day is written like 2026-03-02.", field="date") from None
    if not wallclock.FIRST_YEAR < day.year < wallclock.LAST_YEAR:
        raise Invalid("This day is too far away.", field="date")
    return day

"""What a visitor keeps: a hold, a visit of several, or a series of visits; with the same few things to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from holdfast.availability.recurrence import Recurrence
from holdfast.booking import series, visitors, visits
from holdfast.booking import service as booking
from holdfast.booking.model import Appointment, ClientDetails, Hold
from holdfast.booking.series import SeriesAsked, WholeSeries
from holdfast.catalog.service import get_service
from holdfast.db.transact import Transaction
from holdfast.http.pages.booking_site import Site
from holdfast.http.pages.choice import Choice
from holdfast.http.pages.pages import Elsewhere
from holdfast.ids import KINDS, parse_id, public_id
from holdfast.wallclock import local_date


@dataclass(frozen=True)
class Kept:
    """The holds by start; they live and end together. ``series_id`` where they are visits on several days."""

    holds: Sequence[Hold]
    series_id: UUID | None = None

    @property
    def visit_id(self) -> UUID | None:
        return self.holds[0].visit_id

    @property
    def public_id(self) -> str:
        """The id in the address of its page."""
        if self.series_id:
            return public_id("series", self.series_id)
        return public_id("visit", self.visit_id) if self.visit_id else public_id("hold", self.holds[0].id)

    @property
    def first(self) -> Sequence[Hold]:
        """The holds of the first visit."""
        return [hold for hold in self.holds if hold.visit_id == self.visit_id]

    @property
    def starts(self) -> list[datetime]:
        """When each of its visits begins."""
        starts: dict[UUID | None, datetime] = {}
        for hold in self.holds:
            starts.setdefault(hold.visit_id, hold.starts_at)
        return list(starts.values())

    @property
    def starts_at(self) -> datetime:
        return self.holds[0].starts_at

    @property
    def created_at(self) -> datetime:
        return self.holds[0].created_at

    @property
    def expires_at(self) -> datetime:
        return min(hold.expires_at for hold in self.holds)

    @property
    def time_zone(self) -> str:
        return self.holds[0].time_zone

    @property
    def live(self) -> bool:
        return all(hold.state == "live" for hold in self.holds)

    def is_for(self, choice: Choice, at: datetime) -> bool:
        """Whether it is exactly this choice at this start."""
        services = [hold.service_id for hold in self.holds]
        asked = [service.id for service in choice.services for _ in range(choice.party)]
        return self.starts_at == at and services == asked


class Booked(Elsewhere):
    """It was booked already, by this visitor: their answer was lost, or they sent it twice. Its page says so."""

    def __init__(self, site: Site, id: str, appointment_id: UUID) -> None:
        self.site, self.appointment_id = site, appointment_id
        super().__init__(site.hold_url(id))


@dataclass(frozen=True)
class Part:
    """One appointment of what is kept or booked, as a page says it; ``people``: who serves."""

    name: str
    starts_at: datetime
    people: str
    of: Hold | Appointment


async def parts_of(tx: Transaction, items: Sequence[Hold | Appointment]) -> list[Part]:
    """The parts by start."""
    names = {id: (await get_service(tx, id)).name for id in {each.service_id for each in items}}
    return [Part(names[each.service_id], each.starts_at, _people(each), each) for each in items]


def _people(item: Hold | Appointment) -> str:
    return ", ".join(dict.fromkeys(claim["resource_name"] for claim in item.claims if claim["kind"] == "provider"))


async def kept_by(tx: Transaction, site: Site) -> list[Kept]:
    """What this browser keeps now, the latest first."""
    holds = await visitors.live_holds(tx, site.visitor)
    of_series: dict[UUID | None, UUID | None] = {
        id: await _series_of(tx, id) for id in {hold.visit_id for hold in holds} if id is not None
    }

    def whole(hold: Hold) -> UUID:
        return of_series.get(hold.visit_id) or hold.visit_id or hold.id

    holds.sort(key=lambda hold: (-hold.created_at.timestamp(), str(whole(hold)), hold.starts_at, hold.id))
    grouped = [list(group) for _, group in groupby(holds, key=whole)]
    return [Kept(group, of_series.get(group[0].visit_id)) for group in grouped]


async def _series_of(tx: Transaction, visit_id: UUID) -> UUID | None:
    return (await visits.get_visit(tx, visit_id)).series_id


async def find_kept(tx: Transaction, site: Site, id: str) -> Kept:
    """What has this public id. Raises NotFound, also for somebody else's; Booked once it was booked."""
    kept = await _find(tx, site, id)
    if not kept.live and (booked := await visitors.booked_by(tx, kept.holds[0].id, site.visitor)):
        raise Booked(site, id, booked)
    return kept


async def _find(tx: Transaction, site: Site, id: str) -> Kept:
    if id.startswith(KINDS["series"]):
        return await _find_series(tx, site, id)
    if not id.startswith(KINDS["visit"]):
        return Kept([await visitors.own_hold(tx, parse_id("hold", id), site.visitor)])
    visit = await visits.get_visit(tx, parse_id("visit", id), visitor=site.visitor)
    if visit.appointments:
        raise Booked(site, id, visit.appointments[0].id)
    return Kept([hold for hold in visit.standing if isinstance(hold, Hold)])


async def _find_series(tx: Transaction, site: Site, id: str) -> Kept:
    found = await series.get_series(tx, parse_id("series", id))
    await visits.get_visit(tx, found.visits[0].id, visitor=site.visitor)  # raises NotFound for somebody else's
    if found.revision is not None:
        raise Booked(site, id, found.visits[0].appointments[0].id)
    return _kept_series(found)


def _kept_series(found: WholeSeries) -> Kept:
    return Kept([hold for visit in found.visits for hold in visit.holds], found.id)


async def place_series(tx: Transaction, site: Site, choice: Choice, starts: Sequence[datetime]) -> Kept:
    """Hold a visit at each of these starts, or none. Raises SeriesUnavailable, SlotTaken, NotBookable, TooManyHolds."""
    asked = SeriesAsked(
        choice.whole(site, starts[0]),
        Recurrence(local_date(starts[0], site.here.time_zone), len(starts), every_weeks=1),
        starts=tuple(starts),
    )
    return _kept_series(await series.place_series(tx, asked, visitor=site.visitor))


async def place(tx: Transaction, site: Site, choice: Choice, at: datetime) -> Kept:
    """Hold it, all or nothing. Raises SlotTaken, NotBookable, TooManyHolds."""
    if choice.several:
        return Kept((await visits.place_visit(tx, choice.whole(site, at), visitor=site.visitor)).holds)
    return Kept([await booking.place_hold(tx, choice.visit(site, at), visitor=site.visitor)])


async def release(tx: Transaction, kept: Kept) -> None:
    """Give all of it back."""
    if kept.series_id:
        await series.release_series(tx, kept.series_id)
    elif kept.visit_id:
        await visits.release_visit(tx, kept.visit_id)
    else:
        await booking.release_hold(tx, kept.holds[0].id)


async def extend(tx: Transaction, kept: Kept) -> Kept:
    """A fresh term. Raises HoldExpired, HoldNotLive, ExtensionRefused."""
    if kept.series_id:
        return _kept_series(await series.extend_series(tx, kept.series_id))
    if kept.visit_id:
        return Kept((await visits.extend_visit(tx, kept.visit_id)).holds)
    return Kept([await booking.extend_hold(tx, kept.holds[0].id)])


async def leave(tx: Transaction, kept: Kept) -> None:
    """The page was closed, or is being loaded again. A series lasts its term: its visits do not end apart."""
    if kept.series_id:
        return
    if kept.visit_id:
        await visits.leave_visit(tx, kept.visit_id)
    else:
        await visitors.leave_hold(tx, kept.holds[0].id)


async def come_back(tx: Transaction, kept: Kept) -> Kept:
    """They are back: it has its term again. Raises HoldExpired, HoldNotLive."""
    if kept.series_id:
        return kept
    if kept.visit_id:
        return Kept((await visits.return_to_visit(tx, kept.visit_id)).holds)
    return Kept([await visitors.return_to_hold(tx, kept.holds[0].id)])


async def confirm(tx: Transaction, kept: Kept, client: ClientDetails, note: str | None) -> str:
    """Book it; the token of its private link. Raises HoldExpired, HoldNotLive."""
    if kept.series_id:
        booked = await series.confirm_series(tx, kept.series_id, client, note=note)
        first = booked.visits[0].appointments[0]
    elif kept.visit_id:
        first = (await visits.confirm_visit(tx, kept.visit_id, client, note=note)).appointments[0]
    else:
        first = await booking.confirm_hold(tx, kept.holds[0].id, client, note=note)
    return await visitors.issue_link(tx, first.id)


async def take_again(
    tx: Transaction, site: Site, choice: Choice, kept: Kept, client: ClientDetails, note: str | None
) -> str:
    """Book what ran out, if nobody came meanwhile; the token of its private link. Raises SlotTaken, NotBookable."""
    if kept.series_id:
        return await confirm(tx, await place_series(tx, site, choice, kept.starts), client, note)
    return await confirm(tx, await place(tx, site, choice, kept.starts_at), client, note)

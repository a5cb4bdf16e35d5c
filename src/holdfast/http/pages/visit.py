"""A visit by its private link: see it, keep it in a calendar, move it, cancel it. Looking never changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from icalendar import Calendar, Event

from holdfast.booking import service as booking
from holdfast.booking import visitors
from holdfast.booking.model import Appointment
from holdfast.catalog.service import get_service
from holdfast.db.transact import Transaction
from holdfast.errors import NotBookable, RevisionMismatch, SlotTaken, StateRefused
from holdfast.http.pages.booking import ONE_DAY, Choice, find_times, nearest, parts_of_day
from holdfast.http.pages.booking_site import Site, providers_of, site_of
from holdfast.http.pages.pages import PageRoute, record_of, see
from holdfast.ids import public_id
from holdfast.waitlist import service as waitlist
from holdfast.waitlist.model import Wish
from holdfast.wallclock import local_date

router = APIRouter(prefix="/v", route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=500)]
STAMP: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Seen:
    """A visit as its link shows it. ``changeable``: there is still time to move or cancel it.

    ``waiting``: its client's place in the line for an earlier time.
    """

    site: Site
    visit: Appointment
    choice: Choice
    changeable: bool
    past: bool
    waiting: UUID | None
    token: str

    @property
    def url(self) -> str:
        return f"/v/{self.token}"


@router.get("/{token}")
async def see_visit(request: Request, token: str, new: str = "") -> Response:
    """The visit: when, where, with whom, what can be done about it."""
    return await _page(await _open(request, token), new=bool(new))


@router.get("/{token}/visit.ics")
async def calendar_file(request: Request, token: str) -> Response:
    """The visit for a calendar; the same UID and a higher SEQUENCE after every change (RFC 5545)."""
    seen = await _open(request, token)
    # For a client's own calendar: where and when, not what is treated.
    event = Event()
    event.add("uid", f"{public_id('appointment', seen.visit.id)}@holdfast")
    event.add("sequence", seen.visit.revision - 1)
    event.add("dtstamp", datetime.now(UTC))
    event.add("dtstart", seen.visit.starts_at.astimezone(UTC))
    event.add("dtend", seen.visit.ends_at.astimezone(UTC))
    event.add("summary", _title(seen))
    event.add("status", "CANCELLED" if seen.visit.state == "cancelled" else "CONFIRMED")
    if seen.site.here.address:
        event.add("location", seen.site.here.address)
    calendar = Calendar()
    calendar.add("prodid", "-//Holdfast//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    headers = {"Content-Disposition": 'attachment; filename="visit.ics"'}
    return Response(calendar.to_ical(), headers=headers, media_type="text/calendar; charset=utf-8")


@router.get("/{token}/move")
async def choose_another(request: Request, token: str, day: Annotated[str, Query(max_length=10)] = "") -> Response:
    """Another time for it; the old one stands until the new one is had."""
    seen = await _open(request, token)
    if not seen.changeable:
        return see(seen.url)
    return await _times(seen, day or local_date(seen.visit.starts_at, seen.visit.time_zone).isoformat())


@router.post("/{token}/move")
async def move(request: Request, token: str, start: Text) -> Response:
    """Move it: the new time is taken and the old one given back, or nothing happens."""
    seen = await _open(request, token)
    if not seen.changeable:
        return see(seen.url)
    at, choice = seen.choice.tapped(seen.site, start)
    choices = choice.visit(seen.site, at).choices

    async def work(tx: Transaction) -> Appointment:
        return await booking.reschedule_to_start(tx, seen.visit.id, at, revision=seen.visit.revision, choices=choices)

    try:
        await seen.site.transact(work)
    except (SlotTaken, NotBookable):
        problem = seen.site.language.gettext("Somebody else was a moment faster. Your visit stays where it was.")
        return await _times(seen, local_date(at, seen.visit.time_zone).isoformat(), at, problem)
    except (RevisionMismatch, StateRefused):
        pass  # somebody changed it meanwhile: the page shows how it stands
    return see(f"{seen.url}?new=1")


@router.post("/{token}/earlier")
async def come_earlier(request: Request, token: str, stop: Text = "") -> Response:
    """Wait for an earlier time of it, or (``stop``) no more. The visit stands until such a time is taken."""
    seen = await _open(request, token)

    async def work(tx: Transaction) -> None:
        if not stop:
            await waitlist.join(tx, Wish(), appointment_id=seen.visit.id)
        elif seen.waiting is not None:
            await waitlist.leave(tx, seen.waiting)

    if seen.visit.state == "confirmed" and not seen.past:
        await seen.site.transact(work)
    return see(seen.url)


@router.post("/{token}/cancel")
async def cancel(request: Request, token: str) -> Response:
    """Cancel it, while the policy allows."""
    seen = await _open(request, token)
    if seen.changeable:

        async def work(tx: Transaction) -> Appointment:
            return await booking.cancel(tx, seen.visit.id, reason="by the client's link")

        await seen.site.transact(work)
    return see(seen.url)


async def _open(request: Request, token: str) -> Seen:
    link = await visitors.visit_of_link(record_of(request), token)
    organization = await site_of(request, link.organization_id)

    async def work(tx: Transaction) -> tuple[Appointment, UUID | None, datetime]:
        visit = await booking.get_appointment(tx, link.appointment_id)
        return visit, await waitlist.entry_for_earlier(tx, visit.id), tx.scene.began_at

    visit, waiting, now = await organization.transact(work)
    site = await site_of(request, link.organization_id, visit.location_id)
    choice = await site.transact(lambda tx: _choice(tx, site, visit))
    notice = timedelta(minutes=site.look.change_notice_minutes)
    changeable = visit.state == "confirmed" and now < visit.starts_at - notice
    return Seen(site, visit, choice, changeable, now >= visit.ends_at, waiting, token)


async def _choice(tx: Transaction, site: Site, visit: Appointment) -> Choice:
    service = await get_service(tx, visit.service_id)
    role, people = await providers_of(tx, service, site.here)
    serving = {UUID(claim["resource_id"]) for claim in visit.claims if claim["role"] == role}
    return Choice(service, role, people, next((each for each in people if each.id in serving), None))


async def _page(seen: Seen, *, new: bool = False) -> Response:
    return seen.site.page("booking/visit.html", seen=seen, visit=seen.visit, new=new, links=_calendar_links(seen))


async def _times(seen: Seen, day: str, at: datetime | None = None, problem: str = "") -> Response:
    found = await seen.site.transact(lambda tx: find_times(tx, seen.site, seen.choice, day))
    return seen.site.page(
        "booking/move.html",
        status=409 if problem else 200,
        seen=seen,
        visit=seen.visit,
        choice=seen.choice,
        found=found,
        parts_of_day=parts_of_day(seen.site, found.slots),
        one_day=ONE_DAY,
        days_url=lambda day: f"{seen.url}/move?day={day.isoformat()}",
        problem=problem,
        alternatives=await nearest(seen.site, seen.choice, at) if at else [],
    )


def _title(seen: Seen) -> str:
    return seen.site.language.gettext("Visit at %(place)s") % {"place": seen.site.look.name}


def _calendar_links(seen: Seen) -> dict[str, Any]:
    """Addresses that open a new event in somebody's calendar, and the way there."""
    start, end = (at.astimezone(UTC).strftime(STAMP) for at in (seen.visit.starts_at, seen.visit.ends_at))
    address = seen.site.here.address or ""
    google = {"action": "TEMPLATE", "text": _title(seen), "dates": f"{start}/{end}", "location": address}
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": _title(seen),
        "startdt": seen.visit.starts_at.astimezone(UTC).isoformat(),
        "enddt": seen.visit.ends_at.astimezone(UTC).isoformat(),
        "location": address,
    }
    return {
        "google": f"https://calendar.google.com/calendar/render?{urlencode(google)}",
        "outlook": f"https://outlook.live.com/calendar/0/deeplink/compose?{urlencode(outlook)}",
        "directions": f"https://www.google.com/maps/search/?{urlencode({'api': 1, 'query': address})}"
        if address
        else None,
    }

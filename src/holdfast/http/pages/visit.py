"""A visit by its private link: see it, keep it in a calendar, move it, cancel it. Looking never changes anything.

A visit of several appointments is seen whole by the link to any of them, and each can be moved or cancelled by itself.
So are the visits of a series by the link to one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from icalendar import Calendar, Event

from holdfast.booking import service as booking
from holdfast.booking import visitors, visits
from holdfast.booking.model import Appointment
from holdfast.booking.series import WholeSeries, get_series
from holdfast.booking.visits import GONE, WholeVisit
from holdfast.db.transact import Transaction
from holdfast.errors import LinkSpent, NotBookable, NotFound, RevisionMismatch, SlotTaken, StateRefused, TooManyRequests
from holdfast.http.callers import network_of
from holdfast.http.limits import Pace
from holdfast.http.pages.booking_site import Site, site_of
from holdfast.http.pages.choice import ONE_DAY, Choice, choice_of, find_times, nearest, parts_of_day
from holdfast.http.pages.kept import Part, parts_of
from holdfast.http.pages.pages import PageRoute, page, record_of, see
from holdfast.ids import public_id
from holdfast.waitlist import service as waitlist
from holdfast.waitlist.model import Wish
from holdfast.wallclock import local_date, parse_instant

router = APIRouter(prefix="/v", route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=500)]
Id = Annotated[str, Form(max_length=64)]
Of = Annotated[str, Query(max_length=64)]
STAMP: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Seen:
    """A visit as its link shows it, or one ``part`` of it (a public id) that is to be changed by itself.

    ``items`` are the appointments it is about, those that stand if any do; ``whole`` where the visit has several.
    ``changeable``: there is still time to move or cancel it. ``of`` is the visit of the ``series`` that is looked at,
    where it is not the one the link was given for. ``waiting``: its client's place in the line for an earlier time.
    """

    site: Site
    items: Sequence[Appointment]
    parts: Sequence[Part]
    whole: WholeVisit | None
    choice: Choice
    changeable: bool
    past: bool
    now: datetime
    waiting: UUID | None
    token: str
    part: str = ""
    of: str = ""
    series: WholeSeries | None = None

    def to(self, path: str = "", **query: str) -> str:
        """An address of this visit: under its token, and by its id where the token is another's of the series."""
        said = urlencode(({"of": self.of} if self.of else {}) | query)
        return f"/v/{self.token}{path}" + (f"?{said}" if said else "")

    @property
    def days(self) -> list[tuple[datetime, str]]:
        """When the visits of its series that still stand begin, and the address of each; none outside a series."""
        return [
            (visit.standing[0].starts_at, f"/v/{self.token}?of={public_id('visit', visit.id)}")
            for visit in (self.series.visits if self.series else ())
            if visit.state == "booked"
        ]

    @property
    def _to_come(self) -> list[WholeVisit]:
        visits = self.series.visits if self.series else ()
        return [each for each in visits if each.state == "booked" and self.now < each.standing[0].starts_at]

    def _may_change(self, visit: WholeVisit) -> bool:
        return _changeable(self.site, [each for each in visit.appointments if each.state not in GONE], self.now)

    @property
    def changeable_visits(self) -> list[WholeVisit]:
        """Those of its series that there is still time to cancel: each by its own start."""
        return [visit for visit in self._to_come if self._may_change(visit)]

    @property
    def too_late(self) -> list[datetime]:
        """When those of its series begin that are still to come and can be changed here no more."""
        return [visit.standing[0].starts_at for visit in self._to_come if not self._may_change(visit)]

    @property
    def first(self) -> Appointment:
        return self.items[0]

    @property
    def cancelled(self) -> bool:
        return all(each.state == "cancelled" for each in self.items)

    @property
    def ends_at(self) -> datetime:
        return max(each.ends_at for each in self.items)

    def part_id(self, part: Part) -> str:
        """The public id of one of its parts."""
        return public_id("appointment", part.of.id)


@router.get("/{token}")
async def see_visit(request: Request, token: str, new: str = "", of: Of = "") -> Response:
    """The visit: when, where, with whom, what can be done about it."""
    seen = await _open(request, token, of=of)
    return seen.site.page("booking/visit.html", seen=seen, visit=seen.first, new=bool(new), links=_calendar_links(seen))


@router.get("/{token}/visit.ics")
async def calendar_file(request: Request, token: str) -> Response:
    """The visit, or its whole series, for a calendar; the same UID and a higher SEQUENCE after a change (RFC 5545)."""
    seen = await _open(request, token)
    calendar = Calendar()
    calendar.add("prodid", "-//Holdfast//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    whole = [seen.whole] if seen.whole else []
    together = seen.series.visits if seen.series else whole
    for appointment in [each for visit in together for each in visit.appointments] or seen.items:
        calendar.add_component(_event(seen, appointment))
    headers = {"Content-Disposition": 'attachment; filename="visit.ics"'}
    return Response(calendar.to_ical(), headers=headers, media_type="text/calendar; charset=utf-8")


@router.get("/{token}/move")
async def choose_another(
    request: Request,
    token: str,
    day: Annotated[str, Query(max_length=10)] = "",
    part: Annotated[str, Query(max_length=64)] = "",
    of: Of = "",
    near: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Another time for it, or for one part; the old one stands until the new one is had."""
    seen = await _open(request, token, part, of)
    if not seen.changeable:
        return see(seen.to())
    day = day or local_date(seen.first.starts_at, seen.first.time_zone).isoformat()
    if not near:
        return await _times(seen, day)
    problem = seen.site.language.gettext("The nearest times that are free")
    return await _times(seen, day, parse_instant(near, seen.first.time_zone), problem)


@router.post("/{token}/move")
async def move(request: Request, token: str, start: Text, part: Id = "", of: Of = "") -> Response:
    """Move it: the new time is taken and the old one given back, or nothing happens."""
    seen = await _open(request, token, part, of)
    if not seen.changeable:
        return see(seen.to())
    at, choice = seen.choice.tapped(seen.site, start)
    first, whole = seen.first, seen.whole

    async def work(tx: Transaction) -> None:
        if whole and not part:
            await visits.reschedule_visit(tx, whole.id, at, revision=whole.revision)
        else:
            choices = choice.visit(seen.site, at).choices
            await booking.reschedule_to_start(tx, first.id, at, revision=first.revision, choices=choices)

    try:
        await seen.site.transact(work)
    except (SlotTaken, NotBookable):
        problem = seen.site.language.gettext("Somebody else was a moment faster. Your visit stays where it was.")
        return await _times(seen, local_date(at, first.time_zone).isoformat(), at, problem, status=409)
    except (RevisionMismatch, StateRefused):
        pass  # somebody changed it meanwhile: the page shows how it stands
    return see(seen.to(new="1"))


@router.post("/{token}/send")
async def send_anew(request: Request, token: str) -> Response:
    """A link that is good, by message to the client alone. The answer is the same whatever this link is or was."""
    pace: Pace = request.app.state.link_pace
    with suppress(TooManyRequests):
        pace.keep(network_of(request))
        await visitors.send_link(record_of(request), token)
    return page(request, "booking/ended.html", sent=True)


@router.post("/{token}/earlier")
async def come_earlier(request: Request, token: str, stop: Text = "", of: Of = "") -> Response:
    """Wait for an earlier time of it, or (``stop``) no more. The visit stands until such a time is taken.

    A visit of several appointments is not waited for: the line knows single ones.
    """
    seen = await _open(request, token, of=of)

    async def work(tx: Transaction) -> None:
        if not stop:
            await waitlist.join(tx, Wish(), appointment_id=seen.first.id)
        elif seen.waiting is not None:
            await waitlist.leave(tx, seen.waiting)

    if not seen.whole and seen.first.state == "confirmed" and not seen.past:
        await seen.site.transact(work)
    return see(seen.to())


@router.post("/{token}/cancel")
async def cancel(request: Request, token: str, part: Id = "", of: Of = "", series: Id = "") -> Response:
    """Cancel it, or one part, or all of its ``series`` that is still to come, while the policy allows.

    The policy is that of each visit: of a series those stay that it is too late for, and the page names them.
    """
    seen = await _open(request, token, part, of)
    if seen.changeable or (series and seen.changeable_visits):

        async def work(tx: Transaction) -> None:
            reason = "by the client's link"
            if series:
                for visit in seen.changeable_visits:
                    await visits.cancel_visit(tx, visit.id, reason=reason)
            elif seen.whole and not part:
                await visits.cancel_visit(tx, seen.whole.id, reason=reason)
            else:
                await booking.cancel(tx, seen.first.id, reason=reason)

        await seen.site.transact(work)
    return see(seen.to())


async def _open(request: Request, token: str, part: str = "", of: str = "") -> Seen:
    try:
        link = await visitors.visit_of_link(record_of(request), token)
    except LinkSpent:
        request.state.error_page = "booking/ended.html"
        raise
    organization = await site_of(request, link.organization_id)

    async def find(tx: Transaction) -> tuple[Appointment, WholeVisit | None, WholeSeries | None]:
        appointment = await booking.get_appointment(tx, link.appointment_id)
        visit = await visits.get_visit(tx, appointment.visit_id) if appointment.visit_id else None
        series = await get_series(tx, visit.series_id) if visit and visit.series_id else None
        if of:
            visit = next((e for e in series.visits if public_id("visit", e.id) == of), None) if series else None
            if visit is None:
                raise NotFound("This is no visit of yours.")
            appointment = visit.appointments[0]
        return appointment, visit if visit and len(visit.appointments) > 1 else None, series

    appointment, whole, series = await organization.transact(find)
    items = _items(appointment, whole, part)
    site = await site_of(request, link.organization_id, appointment.location_id)

    async def describe(tx: Transaction) -> tuple[Choice, list[Part], UUID | None, datetime]:
        waiting = await waitlist.entry_for_earlier(tx, items[0].id)
        return await choice_of(tx, site, items), await parts_of(tx, items), waiting, tx.scene.began_at

    choice, parts, waiting, now = await site.transact(describe)
    changeable = _changeable(site, items, now)
    past = now >= max(each.ends_at for each in items)
    return Seen(site, items, parts, whole, choice, changeable, past, now, waiting, token, part, of, series)


def _changeable(site: Site, items: Sequence[Appointment], now: datetime) -> bool:
    notice = timedelta(minutes=site.look.change_notice_minutes)
    return all(each.state == "confirmed" for each in items) and now < items[0].starts_at - notice


def _items(appointment: Appointment, whole: WholeVisit | None, part: str) -> Sequence[Appointment]:
    if whole is None:
        return [appointment]
    standing = [each for each in whole.appointments if each.state not in GONE] or whole.appointments
    if not part:
        return standing
    found = [each for each in standing if public_id("appointment", each.id) == part]
    if not found:
        raise NotFound("This is no part of your visit.")
    return found


async def _times(seen: Seen, day: str, at: datetime | None = None, problem: str = "", *, status: int = 200) -> Response:
    found = await seen.site.transact(lambda tx: find_times(tx, seen.site, seen.choice, day))
    query = {"part": seen.part} if seen.part else {}
    shown = query | {"day": found.day.isoformat()}
    return seen.site.page(
        "booking/move.html",
        status=status,
        seen=seen,
        visit=seen.first,
        choice=seen.choice,
        found=found,
        parts_of_day=parts_of_day(seen.site, found.slots),
        one_day=ONE_DAY,
        action=seen.to("/move"),
        days_url=lambda day: seen.to("/move", **query, day=day.isoformat()),
        refresh=seen.to("/move", **shown, **({"near": at.isoformat()} if at else {})),
        address=seen.to("/move", **shown) if status != 200 else "",
        problem=problem,
        alternatives=await nearest(seen.site, seen.choice, at) if at else [],
    )


def _title(seen: Seen) -> str:
    return seen.site.language.gettext("Visit at %(place)s") % {"place": seen.site.look.name}


def _event(seen: Seen, appointment: Appointment) -> Event:
    """For a client's own calendar: where and when, not what is treated."""
    event = Event()
    event.add("uid", f"{public_id('appointment', appointment.id)}@holdfast")
    event.add("sequence", appointment.revision - 1)
    event.add("dtstamp", datetime.now(UTC))
    event.add("dtstart", appointment.starts_at.astimezone(UTC))
    event.add("dtend", appointment.ends_at.astimezone(UTC))
    event.add("summary", _title(seen))
    event.add("status", "CANCELLED" if appointment.state == "cancelled" else "CONFIRMED")
    if seen.site.here.address:
        event.add("location", seen.site.here.address)
    return event


def _calendar_links(seen: Seen) -> dict[str, Any]:
    """Addresses that open a new event in somebody's calendar, and the way there."""
    start, end = (at.astimezone(UTC) for at in (seen.first.starts_at, seen.ends_at))
    address = seen.site.here.address or ""
    during = f"{start.strftime(STAMP)}/{end.strftime(STAMP)}"
    google = {"action": "TEMPLATE", "text": _title(seen), "dates": during, "location": address}
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": _title(seen),
        "startdt": start.isoformat(),
        "enddt": end.isoformat(),
        "location": address,
    }
    return {
        "google": f"https://calendar.google.com/calendar/render?{urlencode(google)}",
        "outlook": f"https://outlook.live.com/calendar/0/deeplink/compose?{urlencode(outlook)}",
        "directions": f"https://www.google.com/maps/search/?{urlencode({'api': 1, 'query': address})}"
        if address
        else None,
    }

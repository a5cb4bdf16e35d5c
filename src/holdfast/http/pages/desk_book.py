"""Booking at the desk in three steps: who, what, and a time that is held while the caller thinks.

What was chosen so far travels in the address as ids; what was typed about a person travels in the bodies of forms only.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import JSONResponse

from holdfast.access.staff import SignedIn
from holdfast.availability.model import Slot
from holdfast.availability.permit import another_start_may_do
from holdfast.booking import service as booking
from holdfast.booking import visitors
from holdfast.booking.model import Appointment, ClientDetails, Hold
from holdfast.catalog import service as catalog
from holdfast.catalog.model import Location, Service
from holdfast.clients import service as clients
from holdfast.clients.service import Client
from holdfast.db.transact import Transaction
from holdfast.errors import ExtensionRefused, HoldExpired, HoldNotLive, NotBookable, SlotTaken, TooManyHolds
from holdfast.http.pages import browser
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.desk_times import (
    DayOfTimes,
    Sought,
    first_free,
    in_words,
    may_be_waived,
    nearest,
    nearest_with,
    read_day,
    read_start,
    seek,
    times_of,
)
from holdfast.http.pages.desk_typed_client import TypedClient, read_client
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import parse_id, public_id
from holdfast.waitlist import service as waitlist
from holdfast.waitlist.model import NamedOffer
from holdfast.wallclock import local_date, parse_instant

router = APIRouter(prefix="/desk/book", route_class=PageRoute, include_in_schema=False)

FOUND: Final = 8
SURFACES: Final = ("desk", "phone", "walk_in")
Text = Annotated[str, Form(max_length=500)]
Asked = Annotated[str, Query(max_length=64)]


@dataclass(frozen=True)
class Choices:
    """What was chosen so far, as ids: the address of every step. ``start`` and ``resource`` are wishes.

    ``then``: "waitlist" when a client is chosen to wait, not to be booked.
    """

    client: str = ""
    service: str = ""
    location: str = ""
    start: str = ""
    resource: str = ""
    surface: str = ""
    then: str = ""

    def url(self, path: str = "", **changes: str) -> str:
        """The address of the step that is next after these choices."""
        chosen = {name: value for name, value in asdict(replace(self, **changes)).items() if value}
        return f"/desk/book{path}" + (f"?{urlencode(chosen)}" if chosen else "")

    @property
    def by(self) -> str:
        """The surface of the booking."""
        return self.surface if self.surface in SURFACES else "desk"


def _in_address(
    client: Asked = "",
    service: Asked = "",
    location: Asked = "",
    start: Asked = "",
    resource: Asked = "",
    surface: Asked = "",
    then: Asked = "",
) -> Choices:
    return Choices(client, service, location, start, resource, surface, then)


Chosen = Annotated[Choices, Depends(_in_address)]


@dataclass(frozen=True)
class Offered:
    """Services to choose from, the most booked first, at the location that is chosen among all."""

    services: list[Service]
    location: Location
    locations: list[Location]


@router.get("")
async def next_step(request: Request, staff: Desk, chosen: Chosen) -> Response:
    """Who? Then: what?"""
    staff.require("book")
    if chosen.client and chosen.then == "waitlist":
        known = {"client": chosen.client, "service": chosen.service, "location": chosen.location}
        return see(f"/desk/waitlist/new?{urlencode(known)}")
    return await (_services(request, staff, chosen) if chosen.client else _who(request, staff, chosen))


@router.post("/client")
async def find_client(request: Request, staff: Desk, chosen: Chosen, text: Text = "") -> Response:
    """Whoever fits what was typed: a part of a name, of an address, of a number."""
    staff.require("book")
    staff.require("contacts")
    found = await record_of(request).transact(staff.caller(), lambda tx: clients.find_clients(tx, text, limit=FOUND))
    return await _who(request, staff, chosen, text=text, found=found)


@router.post("/new-client")
async def add_client(
    request: Request, staff: Desk, chosen: Chosen, name: Text = "", email: Text = "", phone: Text = ""
) -> Response:
    """Somebody new. A way to reach them is asked for, and may be left out for a walk-in."""
    staff.require("book")
    offered = await _offered(request, staff, chosen)
    typed = read_client(name, email, phone, offered.location.time_zone, language_of(request))
    if typed.client is None:
        return await _who(request, staff, chosen, text=name, found=[], typed=typed)
    client = typed.client

    async def work(tx: Transaction) -> UUID:
        return await clients.add_client(tx, client.name or "", email=client.email, phone=client.phone)

    id = await record_of(request).transact(staff.caller(), work)
    return see(chosen.url(client=public_id("client", id)))


@router.post("/hold")
async def hold_time(
    request: Request,
    staff: Desk,
    chosen: Chosen,
    service: Text = "",
    start: Text = "",
    day: Text = "",
    time: Text = "",
    resource: Annotated[str | None, Form(max_length=64)] = None,
    near: Text = "",
    instead: Text = "",
    outside_rules: Text = "",
) -> Response:
    """Hold a time: the one that was asked for, else the nearest to ``near``, else the first there is.

    A hold ``instead`` of which it is wanted is given up in the same moment; refused, that one stays.
    """
    staff.require("book")
    start, _, person = start.partition("|")
    resource = person or resource
    chosen = replace(
        chosen, service=service or chosen.service, resource=chosen.resource if resource is None else resource
    )
    sought = await _sought(request, staff, chosen)
    zone = sought.location.time_zone
    at = read_start(start or ("" if near or (day and time) else chosen.start), zone, day, time)

    async def work(tx: Transaction) -> Hold | None:
        if instead:
            await booking.release_hold(tx, parse_id("hold", instead))
        if at is not None:
            return await booking.place_hold(tx, sought.visit(at, outside_rules=bool(outside_rules)))
        if near:
            slot = await nearest_with(tx, sought, parse_instant(near, zone))
        else:
            slot = await first_free(tx, sought, read_day(chosen.start))
        return await booking.place_hold(tx, sought.visit(slot.start)) if slot else None

    try:
        hold = await record_of(request).transact(staff.caller(chosen.by), work)
    except (SlotTaken, NotBookable, TooManyHolds) as refusal:
        return await _refused(request, staff, chosen, sought, at, refusal)
    if hold is None:
        return await _refused(request, staff, chosen, sought, None, None)
    return see(chosen.url(f"/hold/{public_id('hold', hold.id)}", start=""))


@router.get("/hold/{hold_id}")
async def show_hold(
    request: Request, staff: Desk, chosen: Chosen, hold_id: str, day: Annotated[str, Query(max_length=10)] = ""
) -> Response:
    """The time that is held, and what else there is. One that has ended leads back to the services."""
    staff.require("book")
    hold = await _own_hold(request, staff, hold_id)
    if hold.state != "live":
        return see(chosen.url(service=""))
    return await _held(request, staff, chosen, hold, day=day)


@router.post("/hold/{hold_id}")
async def confirm(
    request: Request, staff: Desk, chosen: Chosen, hold_id: str, note: Text = "", surface: Text = "desk"
) -> Response:
    """Book it. A hold that ran out is taken anew if nobody came meanwhile."""
    staff.require("book")
    hold = await _own_hold(request, staff, hold_id)
    chosen = replace(chosen, surface=surface, service=public_id("service", hold.service_id))
    client, words = ClientDetails(id=parse_id("client", chosen.client)), note.strip() or None
    sought = await _sought(request, staff, chosen)

    async def confirmed(tx: Transaction) -> Appointment:
        return await booking.confirm_hold(tx, hold.id, client, note=words)

    async def taken_again(tx: Transaction) -> Appointment:
        return await booking.book(tx, sought.visit(hold.starts_at), client, note=words)

    try:
        try:
            made = await record_of(request).transact(staff.caller(chosen.by), confirmed)
        except HoldExpired:
            made = await record_of(request).transact(staff.caller(chosen.by), taken_again)
    except (SlotTaken, NotBookable) as refusal:
        return await _refused(request, staff, chosen, sought, hold.starts_at, refusal, note=note)
    return see(f"/desk/appointments/{public_id('appointment', made.id)}?new=1")


@router.post("/overbook")
async def overbook(
    request: Request, staff: Desk, chosen: Chosen, service: Text, start: Text, reason: Text, note: Text = ""
) -> Response:
    """Put the visit on top of somebody else, on purpose, marked, for a reason."""
    staff.require("book")
    staff.require("overbook")
    chosen = replace(chosen, service=service)
    sought = await _sought(request, staff, chosen)
    at = read_start(start, sought.location.time_zone)
    why = reason.strip()
    if at is None or len(why) < 3:
        return see(chosen.url())
    client = ClientDetails(id=parse_id("client", chosen.client))

    async def work(tx: Transaction) -> Appointment:
        return await booking.book(tx, sought.visit(at), client, note=note.strip() or None, overbook_reason=why)

    try:
        made = await record_of(request).transact(staff.caller(chosen.by), work)
    except (SlotTaken, NotBookable) as refusal:
        return await _refused(request, staff, chosen, sought, at, refusal, note=note)
    return see(f"/desk/appointments/{public_id('appointment', made.id)}?new=1")


@router.post("/hold/{hold_id}/extend")
async def extend(request: Request, staff: Desk, chosen: Chosen, hold_id: str) -> Response:
    """The caller thinks longer: a fresh term, as often as the policy gives."""
    staff.require("book")
    id, problem = parse_id("hold", hold_id), ""
    try:
        await record_of(request).transact(staff.caller(), lambda tx: booking.extend_hold(tx, id))
    except ExtensionRefused:
        problem = language_of(request).gettext("This time cannot be held any longer. Book it, or let it go.")
    except (HoldExpired, HoldNotLive):
        return see(chosen.url(service=""))
    return await _held(request, staff, chosen, await _own_hold(request, staff, hold_id), problem=problem)


@router.post("/hold/{hold_id}/release")
async def release(request: Request, staff: Desk, chosen: Chosen, hold_id: str) -> Response:
    """Let it go. No error when it has ended already."""
    staff.require("book")
    id = parse_id("hold", hold_id)
    with suppress(HoldNotLive):  # booked meanwhile: then there is nothing to give back
        await record_of(request).transact(staff.caller(), lambda tx: booking.release_hold(tx, id))
    return see(chosen.url(service=""))


@router.post("/hold/{hold_id}/leave")
async def leave(request: Request, staff: Desk, hold_id: str) -> Response:
    """The page is being closed, or loaded again: which of the two, no browser says."""
    staff.require("book")
    id = parse_id("hold", hold_id)
    await record_of(request).transact(staff.caller(), lambda tx: visitors.leave_hold(tx, id))
    return Response(status_code=204)


@router.post("/hold/{hold_id}/return")
async def come_back(request: Request, staff: Desk, hold_id: str) -> Response:
    """The page is there again. JSON: how many seconds are left."""
    staff.require("book")
    id = parse_id("hold", hold_id)

    async def work(tx: Transaction) -> int:
        hold = await visitors.return_to_hold(tx, id)
        return int((hold.expires_at - tx.scene.began_at).total_seconds())

    try:
        seconds = await record_of(request).transact(staff.caller(), work)
    except (HoldExpired, HoldNotLive):
        seconds = 0
    return JSONResponse({"seconds": max(0, seconds)})


async def _offered(request: Request, staff: SignedIn, chosen: Choices) -> Offered:
    # without a word about where: where somebody looked last
    wanted = chosen.location or browser.cookie(request, browser.LOCATION)

    async def work(tx: Transaction) -> Offered:
        locations = [each for each in await catalog.list_locations(tx) if each.retired_at is None]
        here = next((each for each in locations if wanted in (public_id("location", each.id), each.slug)), locations[0])
        often = {id: rank for rank, id in enumerate(await booking.services_by_use(tx))}
        services = [s for s in await catalog.list_services(tx, location_id=here.id) if s.requirements]
        services.sort(key=lambda s: (often.get(s.id, len(often)), s.name))
        return Offered(services, here, locations)

    return await record_of(request).transact(staff.caller(), work)


async def _client(request: Request, staff: SignedIn, chosen: Choices) -> Client:
    id = parse_id("client", chosen.client)
    return await record_of(request).transact(staff.caller(), lambda tx: clients.get_client(tx, id))


async def _sought(request: Request, staff: SignedIn, chosen: Choices) -> Sought:
    here = chosen.location or public_id("location", (await _offered(request, staff, chosen)).location.id)
    return await record_of(request).transact(
        staff.caller(chosen.by), lambda tx: seek(tx, chosen.service, here, chosen.resource)
    )


async def _own_hold(request: Request, staff: SignedIn, hold_id: str) -> Hold:
    id = parse_id("hold", hold_id)
    return await record_of(request).transact(staff.caller(), lambda tx: booking.get_hold(tx, id))


async def _who(
    request: Request,
    staff: SignedIn,
    chosen: Choices,
    *,
    text: str = "",
    found: list[Client] | None = None,
    typed: TypedClient | None = None,
) -> Response:
    staff.require("contacts")
    offered = await _offered(request, staff, chosen)
    return await desk_page(
        request, staff, "desk/book_client.html", section="day", status=422 if typed else 200, chosen=chosen,
        text=text, found=found, public_id=public_id, zone=offered.location.time_zone,
        typed=typed.typed if typed else _guess(text), errors=typed.errors if typed else None,
    )  # fmt: skip


def _guess(text: str) -> dict[str, str]:
    """What was typed in the search, where it belongs when they turn out to be new."""
    if "@" in text:
        return {"email": text}
    return {"phone": text} if text and not any(c.isalpha() for c in text) else {"name": text}


async def _services(request: Request, staff: SignedIn, chosen: Choices) -> Response:
    offered = await _offered(request, staff, chosen)
    return await desk_page(
        request, staff, "desk/book_service.html", section="day", chosen=chosen, offered=offered,
        client=await _client(request, staff, chosen), public_id=public_id,
        wish=read_start(chosen.start, offered.location.time_zone),
    )  # fmt: skip


async def _held(
    request: Request, staff: SignedIn, chosen: Choices, hold: Hold, *, day: str = "", problem: str = ""
) -> Response:
    chosen = replace(chosen, service=public_id("service", hold.service_id), start="",
                     location=public_id("location", hold.location_id))  # fmt: skip
    sought = await _sought(request, staff, chosen)
    wanted = read_day(day) or local_date(hold.starts_at, hold.time_zone)

    async def work(tx: Transaction) -> tuple[DayOfTimes, datetime]:
        return await times_of(tx, sought, wanted, without_hold=hold.id), tx.scene.began_at

    found, now = await record_of(request).transact(staff.caller(chosen.by), work)
    return await desk_page(
        request, staff, "desk/book_held.html", section="day", chosen=chosen, hold=hold, sought=sought, found=found,
        client=await _client(request, staff, chosen), public_id=public_id, zone=hold.time_zone, problem=problem,
        seconds_left=max(0, int((hold.expires_at - now).total_seconds())),
        seconds_in_all=max(1, int((hold.expires_at - hold.created_at).total_seconds())),
    )  # fmt: skip


async def _refused(
    request: Request,
    staff: SignedIn,
    chosen: Choices,
    sought: Sought,
    at: datetime | None,
    refusal: SlotTaken | NotBookable | TooManyHolds | None,
    *,
    note: str = "",
) -> Response:
    """Why not, the nearest three that are free, and what a person may do all the same."""
    language = language_of(request)

    async def work(tx: Transaction) -> tuple[list[Slot], list[NamedOffer]]:
        near = await nearest(tx, sought, at) if at and refusal and another_start_may_do(refusal) else []
        if at is None or not isinstance(refusal, SlotTaken):
            return near, []
        end = at + timedelta(minutes=sought.service.duration_minutes)
        return near, await waitlist.offers_in_the_way(tx, sought.location.id, at, end)

    alternatives, offers = await record_of(request).transact(staff.caller(chosen.by), work)

    problem = in_words(refusal, sought, language) if refusal else language.gettext("Nothing is free in 90 days.")
    return await desk_page(
        request, staff, "desk/book_refused.html", section="day", status=409, chosen=chosen, sought=sought, at=at,
        client=await _client(request, staff, chosen), public_id=public_id, zone=sought.location.time_zone, note=note,
        problem=problem, alternatives=alternatives, offers=offers,
        waivable=refusal is not None and may_be_waived(refusal),
        overbookable=isinstance(refusal, SlotTaken) and staff.may("overbook"),
    )  # fmt: skip

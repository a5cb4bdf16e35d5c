"""The waitlist at the desk: who waits for what, who was offered what and why them, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request, Response

from holdfast.access.staff import SignedIn
from holdfast.availability.model import Slot
from holdfast.booking.model import ClientDetails
from holdfast.catalog import service as catalog
from holdfast.catalog.model import Location, Resource, Service
from holdfast.clients import service as clients
from holdfast.clients.service import Client
from holdfast.db.transact import Transaction
from holdfast.errors import HoldfastError, NotBookable, SlotTaken, StateRefused
from holdfast.http.api.references import read_time_cursor, write_cursor
from holdfast.http.pages.desk_book import Choices
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.desk_times import DayOfTimes, Sought, in_words, nearest, read_day, read_start, seek, times_of
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.http.parts_of_day import PARTS_OF_DAY, windows_of
from holdfast.ids import parse_id, public_id
from holdfast.waitlist import service as waitlist
from holdfast.waitlist.model import FellFree, Offer, Place, Rate, Wish
from holdfast.waitlist.tokens import OfferTokens
from holdfast.wallclock import local_date
from holdfast.web.languages import Language

router = APIRouter(prefix="/desk/waitlist", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
WEEKS: Final = 12
Text = Annotated[str, Form(max_length=500)]
Texts = Annotated[list[str] | None, Form(max_length=50)]
Asked = Annotated[str, Query(max_length=64)]


@dataclass(frozen=True, slots=True)
class Share:
    """Of the times that fell free (in a week, for a service, at a location): how many were filled."""

    name: str
    openings: int
    filled: int
    recovered_cents: int


@router.get("")
async def line(
    request: Request, staff: Desk, location: Asked = "", cursor: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """The line, first come first, and how much of what fell free was filled in twelve weeks."""
    staff.require("book")
    after = read_time_cursor(cursor)
    location_id = parse_id("location", location) if location else None

    async def work(tx: Transaction) -> tuple[list[Place], list[FellFree], list[Rate], list[Location], datetime]:
        now = tx.scene.began_at
        places = await waitlist.list_line(tx, limit=PAGE + 1, location_id=location_id, after=after)
        rates = await waitlist.rates(tx, now - timedelta(weeks=WEEKS), now)
        freed = await waitlist.fell_free(tx, location_id)
        return places, freed, rates, await catalog.list_locations(tx), now

    places, freed, rates, locations, now = await record_of(request).transact(staff.caller(), work)
    more = places[PAGE - 1].entry if len(places) > PAGE else None
    place = write_cursor(more.joined_at.isoformat(), str(more.id)) if more else ""
    zone = locations[0].time_zone if locations else "UTC"
    today = local_date(now, zone)
    language = language_of(request)
    return await desk_page(
        request, staff, "desk/waitlist.html", section="waitlist", places=places[:PAGE], locations=locations,
        location=location, zone=zone, public_id=public_id, freed=freed, causes=_causes(language),
        weeks=_by_week(rates, today, language), services=_by(rates, "service_name", language.gettext("longer hours")),
        sites=_by(rates, "location_name", ""), words=_words(language),
        next_url=f"/desk/waitlist?location={location}&cursor={place}" if more else None,
    )  # fmt: skip


@router.get("/new")
async def new(request: Request, staff: Desk, client: Asked = "", service: Asked = "", location: Asked = "") -> Response:
    """Put somebody in the line; without a client, choose one first."""
    staff.require("book")
    if not client:
        return see(Choices(service=service, location=location, then="waitlist").url())
    return await _new(request, staff, client, services=[service], locations=[location] if location else [])


@router.post("/new")
async def join(
    request: Request,
    staff: Desk,
    client: Text,
    location: Texts = None,
    services: Texts = None,
    providers: Texts = None,
    parts: Texts = None,
    weekdays: Annotated[list[int] | None, Form()] = None,
    earliest: Text = "",
    latest: Text = "",
    notice_minutes: Annotated[int, Form(ge=0, le=43200)] = 0,
    party_size: Annotated[int, Form(ge=1, le=20)] = 1,
    priority: Annotated[int, Form(ge=-100, le=100)] = 0,
) -> Response:
    """They wait from now on."""
    staff.require("book")
    wish = Wish(
        services=[parse_id("service", each) for each in services or []],
        locations=[parse_id("location", each) for each in location or []],
        providers=[parse_id("resource", each) for each in providers or []],
        windows=windows_of(parts or [], weekdays or []),
        earliest_on=read_day(earliest),
        latest_on=read_day(latest),
        notice_minutes=notice_minutes,
        party_size=party_size,
        priority=priority,
    )
    who = ClientDetails(id=parse_id("client", client))
    try:
        entry = await record_of(request).transact(staff.caller(), lambda tx: waitlist.join(tx, wish, who))
    except HoldfastError as refusal:
        return await _new(
            request, staff, client, services=services or [], locations=location or [], providers=providers or [],
            typed={"party_size": str(party_size), "priority": str(priority)},
            problem=language_of(request).said(refusal.detail),
        )  # fmt: skip
    return see(f"/desk/waitlist/{public_id('waitlist_entry', entry.id)}")


@router.post("/offers/{offer_id}/skip")
async def skip(request: Request, staff: Desk, offer_id: str) -> Response:
    """Pass them over: the time is offered to the next in line."""
    staff.require("book")
    id = parse_id("offer", offer_id)
    offer = await record_of(request).transact(staff.caller(), lambda tx: waitlist.decline(tx, id, skipped=True))
    return see(f"/desk/waitlist/{public_id('waitlist_entry', offer.entry_id)}")


@router.get("/{entry_id}")
async def show(request: Request, staff: Desk, entry_id: str) -> Response:
    """One place in the line and every offer that was made."""
    staff.require("book")
    return await _page(request, staff, entry_id)


@router.post("/{entry_id}/leave")
async def leave(request: Request, staff: Desk, entry_id: str) -> Response:
    """They wait no more; an open offer goes to the next in line."""
    staff.require("book")
    id = parse_id("waitlist_entry", entry_id)
    await record_of(request).transact(staff.caller(), lambda tx: waitlist.leave(tx, id))
    return see(f"/desk/waitlist/{entry_id}")


@router.get("/{entry_id}/offer")
async def choose_time(
    request: Request, staff: Desk, entry_id: str, service: Asked = "", day: Annotated[str, Query(max_length=10)] = ""
) -> Response:
    """A time to offer by hand: the line and the caps do not count."""
    staff.require("book")
    return await _times(request, staff, entry_id, service, day=day)


@router.post("/{entry_id}/offer")
async def offer(
    request: Request,
    staff: Desk,
    entry_id: str,
    service: Text = "",
    start: Text = "",
    day: Text = "",
    clock: Annotated[str, Form(alias="time", max_length=8)] = "",
) -> Response:
    """Hold it and offer it."""
    staff.require("book")
    place, sought = await _wanted(request, staff, entry_id, service)
    start, _, person = start.partition("|")
    at = read_start(start, sought.location.time_zone, day, clock)
    if at is None:
        return await _times(request, staff, entry_id, service, day=day)
    tokens = OfferTokens(request.app.state.secret)

    async def work(tx: Transaction) -> Offer:
        named = await seek(tx, sought.service.id, sought.location.id, person)
        return await waitlist.offer_by_hand(tx, tokens, place.entry.id, named.visit(at))

    try:
        await record_of(request).transact(staff.caller(), work)
    except (SlotTaken, NotBookable) as refusal:
        return await _times(request, staff, entry_id, service, at=at, refusal=refusal)
    except StateRefused as refusal:
        return await _page(request, staff, entry_id, problem=language_of(request).said(refusal.detail))
    return see(f"/desk/waitlist/{entry_id}")


async def _page(request: Request, staff: SignedIn, entry_id: str, *, problem: str = "") -> Response:
    id = parse_id("waitlist_entry", entry_id)

    async def work(tx: Transaction) -> tuple[Place, str]:
        place = await waitlist.get_place(tx, id)
        return place, (await catalog.get_location(tx, place.entry.location_ids[0])).time_zone

    place, zone = await record_of(request).transact(staff.caller(), work)
    return await desk_page(
        request, staff, "desk/waitlist_entry.html", section="waitlist", status=409 if problem else 200, waits=place,
        zone=zone, words=_words(language_of(request)), problem=problem, public_id=public_id,
    )  # fmt: skip


async def _wanted(request: Request, staff: SignedIn, entry_id: str, service: str) -> tuple[Place, Sought]:
    """The place in the line, and the one of its services that is meant."""
    id = parse_id("waitlist_entry", entry_id)

    async def work(tx: Transaction) -> tuple[Place, Sought]:
        place = await waitlist.get_place(tx, id)
        wanted = parse_id("service", service) if service else place.entry.service_ids[0]
        return place, await seek(tx, wanted, place.entry.location_ids[0])

    return await record_of(request).transact(staff.caller(), work)


async def _times(
    request: Request,
    staff: SignedIn,
    entry_id: str,
    service: str,
    *,
    day: str = "",
    at: datetime | None = None,
    refusal: SlotTaken | NotBookable | None = None,
) -> Response:
    place, sought = await _wanted(request, staff, entry_id, service)

    async def work(tx: Transaction) -> tuple[DayOfTimes, list[Slot]]:
        near = await nearest(tx, sought, at) if at else []
        return await times_of(tx, sought, read_day(day) or place.entry.earliest_on), near

    found, alternatives = await record_of(request).transact(staff.caller(), work)
    return await desk_page(
        request, staff, "desk/waitlist_offer.html", section="waitlist", status=409 if refusal else 200, waits=place,
        sought=sought, found=found, alternatives=alternatives, zone=sought.location.time_zone, public_id=public_id,
        problem=in_words(refusal, sought, language_of(request)) if refusal else "",
    )  # fmt: skip


async def _new(
    request: Request,
    staff: SignedIn,
    client: str,
    *,
    services: Sequence[str],
    locations: Sequence[str],
    providers: Sequence[str] = (),
    typed: Mapping[str, str] | None = None,
    problem: str = "",
) -> Response:
    client_id = parse_id("client", client)

    async def work(tx: Transaction) -> tuple[Client, list[Service], list[Location], list[Resource]]:
        sold = [each for each in await catalog.list_services(tx) if each.retired_at is None]
        people = await catalog.list_resources(tx, kind="provider")
        return await clients.get_client(tx, client_id), sold, await catalog.list_locations(tx), people

    who, sold, sites, people = await record_of(request).transact(staff.caller(), work)
    return await desk_page(
        request, staff, "desk/waitlist_new.html", section="waitlist", status=422 if problem else 200, client=who,
        services=sold, chosen=services, locations=sites, chosen_locations=locations, providers=people,
        chosen_providers=providers, typed=typed or {}, problem=problem, public_id=public_id,
        words=_words(language_of(request)), parts_of_day=list(PARTS_OF_DAY),
        # any week that begins on a Monday names the days
        weekdays=[language_of(request).weekday(date(2024, 1, 1) + timedelta(days=n)) for n in range(7)],
    )  # fmt: skip


def _by_week(rates: Sequence[Rate], today: date, language: Language) -> list[Share]:
    """The last weeks, also those in which nothing fell free."""
    monday = today - timedelta(days=today.weekday())
    weeks = [monday - timedelta(weeks=n) for n in reversed(range(WEEKS))]
    return [_share(language.short_day(week), [rate for rate in rates if rate.week == week]) for week in weeks]


def _by(rates: Sequence[Rate], name: str, otherwise: str) -> list[Share]:
    """Shares by service or location, most openings first."""
    groups: dict[str, list[Rate]] = {}
    for rate in rates:
        groups.setdefault(getattr(rate, name) or otherwise, []).append(rate)
    return sorted((_share(each, found) for each, found in groups.items()), key=lambda share: -share.openings)


def _share(name: str, rates: Sequence[Rate]) -> Share:
    return Share(
        name,
        sum(rate.openings for rate in rates),
        sum(rate.filled for rate in rates),
        sum(rate.recovered_cents for rate in rates),
    )


def _causes(language: Language) -> dict[str, str]:
    """What fell free, where it was no visit."""
    gettext = language.gettext
    return {
        "block": gettext("a block was removed"),
        "busy": gettext("free again in a calendar"),
        "hours": gettext("longer hours"),
        "hold": gettext("held and let go again"),
    } | dict.fromkeys(("cancelled", "no_show", "moved"), "")


def _words(language: Language) -> dict[str, str]:
    """States of entries and offers, and the parts of a day."""
    gettext = language.gettext
    return {
        "waiting": gettext("waiting"),
        "offered": gettext("was offered a time"),
        "booked": gettext("booked"),
        "left": gettext("left the line"),
        "expired": gettext("too late"),
        "open": gettext("may answer"),
        "accepted": gettext("accepted"),
        "declined": gettext("declined"),
        "skipped": gettext("passed over"),
        "lapsed": gettext("did not answer"),
        "overridden": gettext("needed for somebody else"),
        "lost": gettext("somebody else was faster"),
        "untold": gettext("could not be told"),
        "morning": gettext("Morning"),
        "afternoon": gettext("Afternoon"),
        "evening": gettext("Evening"),
    }

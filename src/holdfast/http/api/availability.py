"""Availability: what can be booked, when next, on which days, and why not."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from holdfast.access.model import PUBLIC_SURFACES, Principal
from holdfast.availability import service as availability
from holdfast.availability.bitmap import MINUTE
from holdfast.availability.catalog import Catalog
from holdfast.availability.model import Request as Asked
from holdfast.availability.model import SameProvider
from holdfast.availability.snapshot import current_catalog
from holdfast.db.transact import Caller, Transaction
from holdfast.errors import Forbidden, Invalid, NotFound
from holdfast.http.callers import SearchKey
from holdfast.http.documented import REFUSALS, made
from holdfast.http.freshness import Tags, Timed
from holdfast.http.parts_of_day import PARTS_OF_DAY
from holdfast.http.shapes import Surface
from holdfast.http.slot_shapes import DayList, ExplanationShape, SlotList, SlotShape
from holdfast.ids import KINDS, parse_id
from holdfast.wallclock import FIRST_YEAR, LAST_YEAR, day_start, far, parse_day, parse_instant, to_local, zone

router = APIRouter(prefix="/v1/availability", tags=["availability"], responses=REFUSALS)

# midnight ends the evening
_PARTS: Final = {name: (time(first), time(last % 24)) for name, (first, last) in PARTS_OF_DAY.items()}
USUAL_SPAN: Final = timedelta(days=7)
MOST_ARRANGED: Final = 6_000
"""Slots times services times people of one answer: the usual limit, for the most services and people there can be."""
_TIMES: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)

Name = Annotated[str | None, Query(max_length=64)]
Moment = Annotated[str | None, Query(max_length=40)]


class Ask:
    """What is looked for; every address below takes it."""

    def __init__(
        self,
        service: Annotated[str | None, Query(max_length=64, description="An id or a slug.")] = None,
        services: Annotated[
            str | None, Query(max_length=700, description="Several in sequence, separated by commas.")
        ] = None,
        location: Annotated[str | None, Query(max_length=64, description="Every location when left out.")] = None,
        provider: Annotated[
            str | None, Query(max_length=64, description="Only with them, in each service that has a role for them.")
        ] = None,
        prefer: Annotated[str | None, Query(max_length=64, description="With them where they are free.")] = None,
        party: Annotated[int, Query(ge=1, le=20, description="So many people at the same time.")] = 1,
        max_wait_minutes: Annotated[int, Query(ge=0, le=1440, description="Between two services.")] = 0,
        same_provider: Annotated[
            SameProvider, Query(description="One provider for the whole sequence; `prefer`: where that can be had.")
        ] = False,
        part_of_day: Annotated[
            str | None, Query(max_length=20, description="morning, afternoon, evening, or 09:00-12:30.")
        ] = None,
        rank: Annotated[
            Literal["earliest", "tight"] | None, Query(description="The organization's, if left out.")
        ] = None,
        any_minute: Annotated[bool, Query(description="Staff only: starts off the grid as well.")] = False,
        time_zone: Annotated[str | None, Query(max_length=64, description="Show times on this zone's clock.")] = None,
        surface: Annotated[Surface | None, Query(description="The key's first when left out.")] = None,
    ) -> None:
        if (service is None) == (services is None):
            raise Invalid("Say either service=… or services=a,b.", field="service")
        self.services = [each.strip() for each in (services or service or "").split(",")]
        if not 1 <= len(self.services) <= 6 or not all(self.services):
            raise Invalid("services has one to six services, separated by commas.", field="services")
        self.location, self.provider, self.prefer = location, provider, prefer
        self.party, self.max_wait_minutes, self.same_provider = party, max_wait_minutes, same_provider
        self.part_of_day = read_part_of_day(part_of_day)
        self.rank, self.any_minute, self.time_zone, self.surface = rank, any_minute, time_zone, surface
        if time_zone is not None:
            zone(time_zone)

    def caller(self, principal: Principal) -> Caller:
        """Who asks. Raises Forbidden where a stranger asks for what only staff may book."""
        caller = principal.caller(self.surface)
        if self.any_minute and caller.surface in PUBLIC_SURFACES:
            raise Forbidden("Only staff may book off the grid.", field="any_minute")
        return caller

    def locations(self, catalog: Catalog) -> list[str]:
        """The locations to look at. Raises NotFound."""
        if self.location is None:
            return list(catalog.locations)
        found = _find(catalog, "location", self.location)
        if found not in catalog.locations:
            raise NotFound("There is no such location.", field="location")
        return [found]

    def request(self, catalog: Catalog, location: str, start: datetime, until: datetime, limit: int = 1) -> Asked:
        """The question as the engine takes it. Raises NotFound, Invalid."""
        most = MOST_ARRANGED // (len(self.services) * self.party)
        if limit > most:
            raise Invalid(f"For so many services and people at once, limit is {most} at most.", field="limit")
        services = tuple(_find(catalog, "service", each) for each in self.services)
        return Asked(
            location=location,
            services=services,
            start=start,
            until=until,
            max_wait_minutes=self.max_wait_minutes,
            same_provider=self.same_provider,
            party=self.party,
            provider=_find(catalog, "resource", self.provider, "provider") if self.provider else None,
            prefer=(_find(catalog, "resource", self.prefer, "prefer"),) if self.prefer else (),
            part_of_day=self.part_of_day,
            any_minute=self.any_minute,
            rank=self.rank or catalog.rank,
            limit=limit,
        )

    def shown_zone(self, catalog: Catalog, location: str) -> str:
        """The clock on which the times of a location are shown."""
        return self.time_zone or catalog.locations[location].zone

    def common_zone(self, catalog: Catalog, locations: list[str]) -> str | None:
        zones = {self.shown_zone(catalog, location) for location in locations}
        return zones.pop() if len(zones) == 1 else None


AskedFor = Annotated[Ask, Depends()]


@router.get("", responses=made(SlotList, 200))
async def find_slots(
    request: Request,
    principal: SearchKey,
    ask: AskedFor,
    from_: Annotated[
        str | None, Query(alias="from", max_length=40, description="First start; now if left out.")
    ] = None,
    to: Annotated[
        str | None, Query(max_length=40, description="No start from here on; a week later if left out.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Slots that can be held now, with who and what would serve, computed from the record at this moment.

    `from` and `to` are instants, wall times at the location or its days (`2027-03-06`), at most 92 days apart. Send the
    `ETag` back as `If-None-Match`: 304 when nothing has changed.
    """

    async def work(tx: Transaction) -> Timed:
        catalog = await current_catalog(tx)
        locations = ask.locations(catalog)
        windows = _windows(catalog, locations, from_, to, tx.scene.began_at)
        asked = ask.request(catalog, locations[0], *windows[locations[0]], limit)
        found = await availability.search(tx, asked, locations, windows=windows)
        return _slots(found, ask, catalog, locations)

    return await _tags(request).read(request, ask.caller(principal), work)


@router.get("/next", responses=made(SlotList, 200))
async def find_next(
    request: Request,
    principal: SearchKey,
    ask: AskedFor,
    from_: Annotated[str | None, Query(alias="from", max_length=40)] = None,
) -> Response:
    """The next slot at any of the locations, up to 90 days ahead: one, or none."""

    async def work(tx: Transaction) -> Timed:
        catalog = await current_catalog(tx)
        locations = ask.locations(catalog)
        windows = _windows(catalog, locations, from_, None, tx.scene.began_at)
        asked = ask.request(catalog, locations[0], *windows[locations[0]])
        starts = {location: start for location, (start, _) in windows.items()}
        found = await availability.next_available(tx, asked, locations, starts=starts)
        return _slots(found, ask, catalog, locations)

    return await _tags(request).read(request, ask.caller(principal), work)


@router.get("/days", responses=made(DayList, 200))
async def find_days(
    request: Request,
    principal: SearchKey,
    ask: AskedFor,
    month: Annotated[str | None, Query(max_length=7, description="Such as 2027-03; or from and to.")] = None,
    from_: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    to: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """The days on which anything can be booked, for a date picker: each location's own, or those of `time_zone`."""
    if month is not None:
        if from_ or to:
            raise Invalid("Say either month or from and to.", field="month")
        from_, to = _month(month)

    async def work(tx: Transaction) -> Timed:
        catalog = await current_catalog(tx)
        locations = ask.locations(catalog)
        # whoever asks for the days of another clock means its days with from and to as well
        windows = _windows(catalog, locations, from_, to, tx.scene.began_at, ask.time_zone)
        asked = ask.request(catalog, locations[0], *windows[locations[0]])
        found = await availability.days_with_slots(tx, asked, locations, windows=windows, zone=ask.time_zone)
        zone_name = ask.common_zone(catalog, locations)
        as_of = to_local(found.as_of, zone_name or "UTC")
        return Timed(DayList(days=found.days, as_of=as_of, time_zone=zone_name), found.holds_end_at)

    return await _tags(request).read(request, ask.caller(principal), work)


@router.get("/explain", responses=made(ExplanationShape, 200))
async def explain(
    request: Request,
    principal: SearchKey,
    ask: AskedFor,
    start: Annotated[str, Query(max_length=40, description="The start in question.")],
) -> Response:
    """Why a start works or not: the rules and, per role, what stands in the way, never whose it is."""

    async def work(tx: Transaction) -> Timed:
        catalog = await current_catalog(tx)
        locations = ask.locations(catalog)
        if len(locations) != 1:
            raise Invalid("Say at which location.", field="location")
        location, clock = locations[0], catalog.locations[locations[0]].zone
        moment = parse_instant(start, clock)
        if moment.second or moment.microsecond:
            raise Invalid("A visit starts at a whole minute.", field="start")
        asked = ask.request(catalog, location, moment, moment + MINUTE)
        why = await availability.explain_start(tx, asked, moment)
        shown = ask.shown_zone(catalog, location)
        return Timed(ExplanationShape.of(why, moment, location, tx.scene.began_at, shown), why.holds_end_at)

    return await _tags(request).read(request, ask.caller(principal), work)


def _tags(request: Request) -> Tags:
    tags: Tags = request.app.state.tags
    return tags


def _slots(found: availability.Found, ask: Ask, catalog: Catalog, locations: list[str]) -> Timed:
    zone_name = ask.common_zone(catalog, locations)
    shapes = [SlotShape.of(location, slot, ask.shown_zone(catalog, location)) for location, slot in found.slots]
    as_of = to_local(found.as_of, zone_name or "UTC")
    return Timed(SlotList(slots=shapes, as_of=as_of, time_zone=zone_name), found.holds_end_at)


def _find(catalog: Catalog, kind: str, reference: str, field: str | None = None) -> str:
    if reference.startswith(f"{KINDS[kind]}_"):
        return str(parse_id(kind, reference))
    found = catalog.slugs.get((kind, reference))
    if found is None:
        raise NotFound(f"There is no {kind} {reference[:64]!r} here. GET /v1/{kind}s lists them.", field=field or kind)
    return found


def _windows(
    catalog: Catalog,
    locations: list[str],
    from_: str | None,
    to: str | None,
    now: datetime,
    clock: str | None = None,
) -> dict[str, tuple[datetime, datetime]]:
    """From when to when at each location: days and wall times are its own, or those of ``clock``."""
    if not locations:
        raise NotFound("There is no such location.", field="location")
    windows = {}
    for location in locations:
        zone_name = clock or catalog.locations[location].zone
        start = _moment(from_, zone_name, "from") if from_ else now
        windows[location] = start, _moment(to, zone_name, "to") if to else start + USUAL_SPAN
    return windows


def _moment(text: str, zone_name: str, field: str) -> datetime:
    """An instant, a wall time, or the first instant of a local day."""
    if _DAY.fullmatch(text):
        return day_start(parse_day(text, field=field), zone_name)
    return parse_instant(text, zone_name, field=field)


def _month(text: str) -> tuple[str, str]:
    match = _MONTH.fullmatch(text)
    if match is None:
        raise Invalid(f"month is {text!r}: write one like 2027-03.", field="month")
    year, month = int(match[1]), int(match[2])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid(far("month", text), field="month")
    if (year, month) == (LAST_YEAR, 12):
        return f"{text}-01", f"{text}-31T23:59"
    return f"{text}-01", f"{year + month // 12:04}-{month % 12 + 1:02}-01"


def read_part_of_day(text: str | None) -> tuple[time, time] | None:
    """The local times that a part of the day lies between, ``[from, to)``. Raises Invalid."""
    if text is None or text in _PARTS:
        return _PARTS[text] if text else None
    match = _TIMES.fullmatch(text)
    if match is None:
        raise Invalid(
            "part_of_day is morning, afternoon, evening, or two times as in 09:00-12:30.", field="part_of_day"
        )
    hour, minute, last_hour, last_minute = map(int, match.groups())
    return time(hour, minute), time(last_hour, last_minute)

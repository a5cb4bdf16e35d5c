"""What can be booked, when next, on which days, why not, and what instead: read from the record as it is now.

Every function takes the open Transaction of its caller; the surface of that caller decides which rules apply. Nothing
is promised: a slot is an offer, and the claim decides. But whatever is offered can be held when nobody else comes
first, and whatever can be held is offered.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from holdfast.access.model import PUBLIC_SURFACES
from holdfast.availability import bitmap
from holdfast.availability.bitmap import Window
from holdfast.availability.catalog import Catalog
from holdfast.availability.explain import Explanation, explain
from holdfast.availability.masks import bookable
from holdfast.availability.model import Claim, Request, Slot, Snapshot
from holdfast.availability.permit import Wanted, refusal
from holdfast.availability.search import Search, window_of
from holdfast.availability.snapshot import QUERIES, current_catalog, load_snapshot, load_snapshots
from holdfast.availability.together import WantedTogether, request_of, untied, with_together
from holdfast.db.constraints import domain_error
from holdfast.db.transact import Transaction
from holdfast.errors import HoldfastError, Invalid, NotFound, said

ALTERNATIVES: Final = 3
# Looked for close by first: most is found there, and days of claims cost less to read than months.
NEIGHBOURHOODS: Final = (timedelta(days=3), timedelta(days=45))
NEXT_SEARCHES: Final = (timedelta(days=7), timedelta(days=90))
MAX_RANKED: Final = 10_000
"""Starts times services times people that are compared for one answer: about half a second of one processor."""
# What somebody else has, so that it may be had another time; whatever else keeps a resource away is a rule.
TAKEN: Final = frozenset({"booked", "held", "blocked", "busy", "cap_reached"})

Windows = Mapping[str, tuple[datetime, datetime]]
"""First and last instant of the starts, by location."""


@dataclass(frozen=True)
class Found:
    """Slots by location id, in the order asked for; ``holds_end_at`` is when the first live hold seen runs out."""

    slots: list[tuple[str, Slot]]
    as_of: datetime
    holds_end_at: datetime | None


@dataclass(frozen=True)
class FoundDays:
    days: list[date]
    as_of: datetime
    holds_end_at: datetime | None


async def search(
    tx: Transaction,
    asked: Request,
    locations: Sequence[str],
    *,
    windows: Windows | None = None,
    without_hold: UUID | None = None,
) -> Found:
    """The slots of one request at each of the locations; with several, all of them merged in the ranking's order.

    ``windows``: a window of its own for each location, instead of that of the request. ``without_hold``: as if this
    hold had let go, for a visit that is to be moved.

    Raises Invalid or NotFound, naming the field, for what can have no sensible answer, or takes too long to answer.
    """
    given_up = () if without_hold is None else (without_hold,)
    snapshot, requests = await _ready(tx, asked, locations, windows=windows, without_holds=given_up)
    if len(asked.services) == 1 and asked.rank == "earliest":
        slots = _slots(snapshot, requests)
    else:
        # a moment's arithmetic, and others are not to wait for it
        slots = await asyncio.to_thread(_slots, snapshot, requests)
    return Found(slots, snapshot.now, _first_expiry([snapshot]))


def _slots(snapshot: Snapshot, requests: Sequence[Request]) -> list[tuple[str, Slot]]:
    """The slots of every location together, up to the limit of the request."""
    searches = [Search(snapshot, request) for request in requests]
    first = requests[0]
    if first.rank == "tight":
        _check_ranking(searches)
        ranked = [(cost, each.request.location, slot) for each in searches for cost, slot in each.tightest()]
        ranked.sort(key=lambda one: (one[0], one[2].start))
        return [(location, slot) for _, location, slot in ranked[: first.limit]]
    earliest = [_located(each) for each in searches]
    return list(islice(heapq.merge(*earliest, key=lambda one: one[1].start), first.limit))


def _located(search: Search) -> Iterator[tuple[str, Slot]]:
    return ((search.request.location, slot) for slot in search.earliest())


def _check_ranking(searches: Sequence[Search]) -> None:
    """The tightest is known only when every start has been arranged: raises Invalid where that would take seconds."""
    first = searches[0].request
    starts = sum(search.starts.bit_count() for search in searches)
    if starts * len(first.services) * first.party > MAX_RANKED:
        raise Invalid(
            said(
                "Ranking by tightness compares every start with every other, and here are {count}: "
                "ask for fewer days, or for rank=earliest.",
                count=starts,
            ),
            field="to",
        )


async def days_with_slots(
    tx: Transaction,
    asked: Request,
    locations: Sequence[str],
    *,
    windows: Windows | None = None,
    zone: str | None = None,
) -> FoundDays:
    """The local days on which the request has a slot at any of the locations; ``limit`` is not looked at.

    ``windows`` as for ``search``. ``zone``: the days of that zone's clock, instead of each location's own.
    """
    snapshot, requests = await _ready(tx, asked, locations, windows=windows)
    days = {day for request in requests for day in Search(snapshot, request).days(zone)}
    return FoundDays(sorted(days), snapshot.now, _first_expiry([snapshot]))


async def next_available(
    tx: Transaction, asked: Request, locations: Sequence[str], *, starts: Mapping[str, datetime] | None = None
) -> Found:
    """The earliest slot at any of the locations from ``asked.start`` on, up to 90 days ahead.

    Looked for in a near window first, because it is nearly always near. ``starts``: another first instant at each
    location, where it was told in wall time.
    """
    found = Found([], tx.scene.began_at, None)
    for span in _reaches(await current_catalog(tx), NEXT_SEARCHES):
        each = replace(asked, until=asked.start + span, rank="earliest", limit=1)
        windows = {location: (start, start + span) for location, start in (starts or {}).items()}
        found = await search(tx, each, locations, windows=windows or None)
        if found.slots:
            break
    return found


async def explain_start(tx: Transaction, asked: Request, start: datetime) -> Explanation:
    """Why a visit cannot begin at that instant, per role and never whose fault it is, and the nearest start that works.

    The window of ``asked`` is not looked at: the nearest is looked for around the start, where one may book at all.
    """
    staff = tx.scene.caller.surface not in PUBLIC_SURFACES
    at_start = replace(asked, start=start, until=start + bitmap.MINUTE, any_minute=staff)
    # staff may start at any minute, but what is suggested to them stands on the grid
    near = _windows_around(tx, await current_catalog(tx), replace(asked, any_minute=False), start)
    [search, *searches] = await prepare_each(tx, [at_start, *near[:1]])
    nearest, read = _first_nearest(searches, start), [search, *searches]
    if nearest is None and near[1:]:
        searches = await prepare_each(tx, near[1:])
        nearest, read = _first_nearest(searches, start), [*read, *searches]
    ends = _first_expiry([each.masks.snapshot for each in read])
    return replace(explain(search, start), nearest=nearest, holds_end_at=ends)


def _first_nearest(searches: Sequence[Search], start: datetime) -> Slot | None:
    return next((slot for search in searches for slot in search.nearest(start, 1)), None)


async def arrange(tx: Transaction, asked: Request, start: datetime, *, without_holds: Collection[UUID] = ()) -> Slot:
    """The whole visit as it would begin at that instant: when each service begins, and who serves.

    Raises NotBookable where the rules say no, SlotTaken with the ``roles`` that others have, what a search raises.
    """
    if start.second or start.microsecond:
        raise refusal("off_grid")
    staff = tx.scene.caller.surface not in PUBLIC_SURFACES
    at_start = replace(asked, start=start, until=start + bitmap.MINUTE, any_minute=staff)
    snapshot, [request] = await _ready(tx, at_start, [asked.location], without_holds=without_holds)
    search = Search(snapshot, request)
    index = search.masks.window.index(start)
    if not search.starts >> index & 1:
        raise _refused(explain(search, start))
    return search.slot(index)


def _refused(why: Explanation) -> HoldfastError:
    """The refusal that an explanation amounts to: of the first rule, else of the roles that others have."""
    if why.rules:
        return refusal(why.rules[0])
    for role in why.roles:
        taken = sum(obstacle.count for obstacle in role.obstacles if obstacle.reason in TAKEN)
        if role.free + taken < role.needed:
            by_rule = (obstacle.reason for obstacle in role.obstacles if obstacle.reason not in TAKEN)
            return refusal(next(by_rule, "not_working"), role.role)
    lost = [role for role in why.roles if role.free < role.needed] or why.roles
    return domain_error("slot_is_free", {"roles": sorted({role.role for role in lost})})


@dataclass(frozen=True)
class WantedVisit:
    """A visit of several appointments that was refused at ``start``; ``without_holds`` would be given up for it."""

    request: Request
    start: datetime
    without_holds: tuple[UUID, ...] = ()

    @property
    def location_id(self) -> UUID:
        return UUID(self.request.location)


@dataclass(frozen=True)
class Absence:
    """A resource that is out for ``[start, end)``, though nothing in the record says so yet."""

    resource_id: UUID
    start: datetime
    end: datetime


async def alternatives(
    tx: Transaction,
    wanted: Wanted | WantedVisit | WantedTogether,
    count: int = ALTERNATIVES,
    *,
    without: Absence | None = None,
) -> list[Slot]:
    """Up to ``count`` starts instead of one that was refused, nearest first: the same services, location and roles.

    Whoever was asked for by name comes first where they are free; otherwise the next free one of the pool serves.
    """
    asked, without_holds = _asked_instead(wanted)
    catalog = await current_catalog(tx)
    if isinstance(wanted, WantedTogether):
        catalog = with_together(catalog, wanted)
    found: list[Slot] = []
    for near in _windows_around(tx, catalog, asked, wanted.start):
        snapshot, [request] = await _ready(tx, near, [near.location], without_holds=without_holds, catalog=catalog)
        seen = snapshot if without is None else _with_absence(snapshot, without)
        found = Search(seen, request).nearest(wanted.start, count)
        if len(found) == count:
            break
    return [untied(slot, wanted, catalog) for slot in found] if isinstance(wanted, WantedTogether) else found


def _windows_around(tx: Transaction, catalog: Catalog, asked: Request, start: datetime) -> list[Request]:
    """The request in the windows around a start in which one may book, a near one first; none where one never may.

    A start that lies beyond what may be booked is looked for around the last that may, or the first. Nobody is sent
    into the past, unless the start lies there.
    """
    location = catalog.locations.get(asked.location)
    if location is None:
        raise NotFound("There is no such location.", field="location")
    now, surface = tx.scene.began_at, tx.scene.caller.surface
    leads = [catalog.service(service).lead_on(surface) for service in asked.services]
    bounds = [bookable(location.zone, lead, now) for lead in leads]
    low = max(min(now, start), *(soonest for soonest, _ in bounds))
    high = min(end for _, end in bounds)
    if low >= high:
        return []
    around = min(max(start, low), high)
    return [
        replace(asked, start=max(around - reach, low), until=min(around + reach, high))
        for reach in _reaches(catalog, NEIGHBOURHOODS)
    ]


def _reaches(catalog: Catalog, reaches: Sequence[timedelta]) -> Sequence[timedelta]:
    """How far to look, first near and then far; once and far where turns are asked for too: three queries in all."""
    return reaches[-1:] if catalog.assign == "round_robin" else reaches


def _asked_instead(wanted: Wanted | WantedVisit | WantedTogether) -> tuple[Request, Collection[UUID]]:
    if isinstance(wanted, WantedTogether):
        return request_of(wanted), wanted.without_holds
    if isinstance(wanted, WantedVisit):
        return replace(wanted.request, any_minute=False), wanted.without_holds
    asked = Request(
        location=str(wanted.location_id),
        services=(str(wanted.service_id),),
        start=wanted.start,
        until=wanted.start,
        prefer=tuple(str(id) for units in wanted.choices.values() for chosen in units for id in chosen),
    )
    return asked, (wanted.without_hold,) if wanted.without_hold else ()


def _with_absence(snapshot: Snapshot, absence: Absence) -> Snapshot:
    """The snapshot as if the resource were blocked."""
    blocked = Claim(absence.start, absence.end, "block")
    units = snapshot.resources[str(absence.resource_id)].units if str(absence.resource_id) in snapshot.resources else ()
    return replace(
        snapshot, claims={**snapshot.claims, **{unit: [*snapshot.claims.get(unit, ()), blocked] for unit in units}}
    )


async def unchanged_since(tx: Transaction, seen: str) -> bool:
    """Whether nothing of the organization has changed since the snapshot ``Scene.seen`` of an earlier transaction."""
    return bool(await tx.value(QUERIES["unchanged_since"], seen=seen))


async def _ready(
    tx: Transaction,
    asked: Request,
    locations: Sequence[str],
    *,
    windows: Windows | None = None,
    without_holds: Collection[UUID] = (),
    catalog: Catalog | None = None,
) -> tuple[Snapshot, list[Request]]:
    """The snapshot that answers the request at every location that offers all of its services."""
    catalog = catalog or await current_catalog(tx)
    services = [catalog.service(service) for service in asked.services]
    if not services:
        raise Invalid("Name at least one service.", field="service")
    offering = [location for location in locations if _offers(catalog, location, asked.services)]
    if not offering:
        raise NotFound("None of these locations offers what was asked for.", field="location")
    request = replace(asked, surface=tx.scene.caller.surface, assign=catalog.assign)
    requests = []
    for location in offering:
        start, until = (asked.start, asked.until) if windows is None else windows[location]
        requests.append(replace(request, location=location, start=start, until=until))
    for each in requests:
        # before the claims are read: a window of a century must not reach the record
        each.check(Snapshot(tx.scene.began_at, catalog.locations, catalog.resources, catalog.services, {}))
    window = _around([window_of(each, services) for each in requests])
    return await load_snapshot(tx, catalog, services, offering, window, without_holds=without_holds), requests


def _around(windows: Sequence[Window]) -> Window:
    """One window over all of them."""
    origin = min(window.origin for window in windows)
    end = max(window.instant(window.minutes) for window in windows)
    return Window(origin, (end - origin) // bitmap.MINUTE)


async def prepare_each(
    tx: Transaction, requests: Sequence[Request], *, without_holds: Collection[UUID] = ()
) -> list[Search]:
    """A search for each request; they ask for the same services at one location, in different windows.

    Claims are read once for all of them. Raises what a search raises.
    """
    if not requests:
        return []
    catalog = await current_catalog(tx)
    services = [catalog.service(service) for service in requests[0].services]
    location = requests[0].location
    if not _offers(catalog, location, requests[0].services):
        raise NotFound("This location does not offer what was asked for.", field="location")
    ready = [replace(each, surface=tx.scene.caller.surface, assign=catalog.assign) for each in requests]
    bare = Snapshot(tx.scene.began_at, catalog.locations, catalog.resources, catalog.services, {})
    for request in ready:
        request.check(bare)
    windows = [window_of(request, services) for request in ready]
    snapshots = await load_snapshots(tx, catalog, services, [location], windows, without_holds=without_holds)
    return [Search(snapshot, request) for snapshot, request in zip(snapshots, ready, strict=True)]


def _offers(catalog: Catalog, location: str, services: Iterable[str]) -> bool:
    return location in catalog.locations and all(location in catalog.offered[service] for service in services)


def _first_expiry(snapshots: Iterable[Snapshot]) -> datetime | None:
    """When the first hold that these snapshots know of runs out."""
    ends = [snapshot.turns_change_at for snapshot in snapshots]
    for snapshot in snapshots:
        ends += [claim.expires_at for claims in snapshot.claims.values() for claim in claims]
    return min((end for end in ends if end is not None), default=None)

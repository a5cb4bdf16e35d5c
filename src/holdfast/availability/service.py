"""What can be booked, when next, on which days, why not, and what instead: read from the record as it is now.

Every function takes the open Transaction of its caller; the surface of that caller decides which rules apply. Nothing
is promised: a slot is an offer, and the claim decides. But whatever is offered can be held when nobody else comes
first, and whatever can be held is offered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from holdfast.access.model import PUBLIC_SURFACES
from holdfast.availability import bitmap
from holdfast.availability.catalog import Catalog
from holdfast.availability.explain import Explanation, explain
from holdfast.availability.model import Claim, Request, Slot, Snapshot
from holdfast.availability.permit import Wanted, refusal
from holdfast.availability.search import Search, window_of
from holdfast.availability.snapshot import QUERIES, current_catalog, load_snapshot, load_snapshots
from holdfast.availability.together import WantedTogether, request_of, untied, with_together
from holdfast.db.constraints import domain_error
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import HoldfastError, Invalid, NotFound
from holdfast.wallclock import day_start, local_date

ALTERNATIVES: Final = 3
# Alternatives are sought close by first: most are found there, and a day of claims costs less to read than a month.
NEIGHBOURHOODS: Final = (timedelta(days=1), timedelta(days=14), timedelta(days=45))
# What somebody else has, so that it may be had another time; whatever else keeps a resource away is a rule.
TAKEN: Final = frozenset({"booked", "held", "blocked", "busy", "cap_reached"})
NEXT_SEARCHES: Final = (timedelta(days=7), timedelta(days=30), timedelta(days=90))


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
    tx: Transaction, asked: Request, locations: Sequence[str], *, without_hold: UUID | None = None
) -> Found:
    """The slots of one request at each of the locations; with several, all of them merged in the ranking's order.

    ``without_hold``: as if this hold had let go, for a visit that is to be moved.

    Raises Invalid or NotFound, naming the field, for what can have no sensible answer.
    """
    given_up = () if without_hold is None else (without_hold,)
    snapshot, requests = await _ready(tx, asked, locations, without_holds=given_up)
    slots = [(request.location, slot) for request in requests for slot in Search(snapshot, request).slots()]
    if len(requests) > 1 and asked.rank == "earliest":
        slots.sort(key=lambda pair: pair[1].start)
    return Found(slots[: asked.limit], snapshot.now, _first_expiry(snapshot))


async def days_with_slots(tx: Transaction, asked: Request, locations: Sequence[str]) -> FoundDays:
    """The local days on which the request has a slot at any of the locations; ``limit`` is not looked at."""
    snapshot, requests = await _ready(tx, asked, locations)
    days = {day for request in requests for day in Search(snapshot, request).days()}
    return FoundDays(sorted(days), snapshot.now, _first_expiry(snapshot))


async def next_available(tx: Transaction, asked: Request, locations: Sequence[str]) -> Found:
    """The earliest slot at any of the locations from ``asked.start`` on, up to 90 days ahead.

    Looked for in widening windows, because it is nearly always near.
    """
    found = Found([], tx.scene.began_at, None)
    for span in NEXT_SEARCHES:
        found = await search(tx, replace(asked, until=asked.start + span, rank="earliest", limit=1), locations)
        if found.slots:
            break
    return found


async def explain_start(tx: Transaction, asked: Request, start: datetime) -> Explanation:
    """Why a visit cannot begin at that instant, per role and never whose fault it is, and the nearest start that works.

    The window of ``asked`` is what the nearest is looked for in; ``start`` lies in it.
    """
    snapshot, [request] = await _ready(tx, asked, [asked.location])
    staff = tx.scene.caller.surface not in PUBLIC_SURFACES
    why = explain(Search(snapshot, replace(request, any_minute=staff)), start)
    # staff may start at any minute, but what is suggested to them stands on the grid
    nearest = Search(snapshot, request).nearest(start, 1)
    return replace(why, nearest=nearest[0] if nearest else None)


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
    centre = _bookable_near(tx, catalog, asked, wanted.start)
    for reach in NEIGHBOURHOODS:
        start = max(centre - reach, min(tx.scene.began_at, centre))
        near = replace(asked, start=start, until=centre + reach)
        snapshot, [request] = await _ready(tx, near, [near.location], without_holds=without_holds, catalog=catalog)
        seen = snapshot if without is None else _with_absence(snapshot, without)
        found = Search(seen, request).nearest(wanted.start, count)
        if len(found) == count:
            break
    return [untied(slot, wanted, catalog) for slot in found] if isinstance(wanted, WantedTogether) else found


def _bookable_near(tx: Transaction, catalog: Catalog, asked: Request, start: datetime) -> datetime:
    """Where to look for other starts: there, or where notice and horizon begin and end to allow any."""
    if asked.location not in catalog.locations:
        return start
    zone, now = catalog.locations[asked.location].zone, tx.scene.began_at
    for service in asked.services:
        lead = catalog.service(service).lead_on(tx.scene.caller.surface)
        last = local_date(now, zone) + timedelta(days=lead.horizon_days + 1)
        start = max(min(start, day_start(last, zone)), now + bitmap.MINUTE * lead.notice_minutes)
    return start


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


async def suggest(record: Record, caller: Caller, wanted: Wanted) -> list[Slot]:
    """``alternatives`` in a transaction of their own: for whoever was just refused, after the refusal was undone."""
    return await record.transact(caller, lambda tx: alternatives(tx, wanted))


async def unchanged_since(tx: Transaction, seen: str) -> bool:
    """Whether nothing of the organization has changed since the snapshot ``Scene.seen`` of an earlier transaction."""
    return bool(await tx.value(QUERIES["unchanged_since"], seen=seen))


async def _ready(
    tx: Transaction,
    asked: Request,
    locations: Sequence[str],
    *,
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
    requests = [replace(request, location=location) for location in offering]
    for each in requests:
        # before the claims are read: a window of a century must not reach the record
        each.check(Snapshot(tx.scene.began_at, catalog.locations, catalog.resources, catalog.services, {}))
    window = window_of(request, services)
    return await load_snapshot(tx, catalog, services, offering, window, without_holds=without_holds), requests


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


def _first_expiry(snapshot: Snapshot) -> datetime | None:
    return min(
        (claim.expires_at for claims in snapshot.claims.values() for claim in claims if claim.expires_at is not None),
        default=None,
    )

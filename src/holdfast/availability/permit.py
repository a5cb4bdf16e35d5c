"""Who may serve a visit at one start, whatever is claimed: the same rules as the search, asked by the hold.

The answer goes into the take as choices, best first. Claims are left to the guard, so in the common case this costs no
query: the bitmaps of a catalog's opening hours are kept with the catalog.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from holdfast import wallclock
from holdfast.access.model import PUBLIC_SURFACES
from holdfast.availability import snapshot as record
from holdfast.availability.bitmap import Window
from holdfast.availability.catalog import Catalog
from holdfast.availability.days import DAY
from holdfast.availability.explain import resource_reason
from holdfast.availability.masks import Masks
from holdfast.availability.model import Requirement, Resource, Service, Snapshot
from holdfast.availability.order import Order
from holdfast.db.transact import Transaction
from holdfast.errors import HoldExpired, HoldfastError, Invalid, NotBookable, OfferEnded, SlotTaken, said

Choices = Mapping[str, Sequence[Sequence[UUID]]]

# A segment begins up to a day before or after the start and lasts up to a day; whole local days around it.
DAYS_BEFORE: Final = timedelta(days=2)
WINDOW_MINUTES: Final = 6 * 1440
MASKS_KEPT: Final = 500

SENTENCES: Final = {
    "too_soon": "This is too soon: the service is booked further ahead here.",
    "too_far": "This is too far ahead: the service is not booked that early here.",
    "off_grid": "The service does not start at this minute here.",
    "closed": "It is closed then.",
    "on_break": "That is during a break.",
    "away": "Whoever could serve {role!r} is away then.",
    "not_working": "Whoever could serve {role!r} does not work then.",
    "no_credential": "Nobody has, on that day, what serving {role!r} takes.",
    "cap_reached": "Whoever could serve {role!r} takes no visits that day.",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A visit to be held: ``choices`` = {role: [[resource ids] for each unit]}; ``without_hold`` is given up for it."""

    service_id: UUID
    location_id: UUID
    start: datetime
    choices: Choices = field(default_factory=dict)
    without_hold: UUID | None = None


Day = tuple[datetime, datetime]


async def local_day(tx: Transaction, location_id: UUID, start: datetime) -> Day | None:
    """The local day on which a visit counts there: its first instant and the next day's; None of no such place."""
    location = (await record.current_catalog(tx)).locations.get(str(location_id))
    return _day_of(wallclock.local_date(start, location.zone), location.zone) if location else None


@lru_cache(maxsize=4096)
def _day_of(day: date, zone: str) -> Day:
    return wallclock.day_start(day, zone), wallclock.day_start(day + DAY, zone)


def choices_as_json(choices: Choices, day: Day | None) -> dict[str, Any]:
    """Who may serve, as the SQL functions take it, with the ``day`` on which caps count the visit.

    The server's own zone data are another release than ours, and may put the day elsewhere (see ``wallclock``).
    """
    told: dict[str, Any] = {role: [[str(id) for id in unit] for unit in units] for role, units in choices.items()}
    return told if day is None else {**told, "@day": [moment.isoformat() for moment in day]}


async def permit(tx: Transaction, wanted: Wanted, *, arranged: bool = False, begins: datetime | None = None) -> Choices:
    """For each unit of each role the resources that the rules permit, best first.

    A role that no rule restricts is left out: then its whole pool may serve, in its own order. ``arranged``: its place
    in a longer visit was settled before, and with it the minute and who comes first. ``begins``: when that visit
    begins, which is what notice and horizon are counted to. Raises NotBookable with the ``reason``, and the ``role``
    where the reason is one role's.
    """
    catalog = await record.current_catalog(tx)
    service = _service(catalog, wanted)
    if service is None:
        return wanted.choices  # not sold, or not here: the record refuses it in its own words
    masks = _static_masks(catalog, str(wanted.location_id), wanted.start, tx.scene.began_at)
    at = masks.window.index(wanted.start)
    if wanted.start.second or wanted.start.microsecond:
        raise refusal("off_grid")
    _check_lead(masks, service, tx.scene.caller.surface, begins or wanted.start, tx.scene.began_at)
    public = tx.scene.caller.surface in PUBLIC_SURFACES
    off_grid = public and not arranged and not masks.wall_grid(service.grid_minutes) >> at & 1
    if off_grid and not service.off_grid_after_claims:
        raise refusal("off_grid")
    order = None
    if off_grid or (catalog.assign != "preference" and not arranged):
        claimed = await _claimed_masks(tx, catalog, service, wanted, masks.window)
        if off_grid and not claimed.grid(service) >> at & 1:
            raise refusal("off_grid")
        order = Order(claimed, catalog.assign)
    return {
        need.role: choice
        for need in service.requirements
        if (choice := _choice(masks, need, at, wanted.choices.get(need.role, ()), order)) is not None
    } | {role: choice for role, choice in wanted.choices.items() if role not in _roles(service)}


def _service(catalog: Catalog, wanted: Wanted) -> Service | None:
    service_id, location_id = str(wanted.service_id), str(wanted.location_id)
    if location_id not in catalog.locations or location_id not in catalog.offered.get(service_id, ()):
        return None
    try:
        return catalog.service(service_id)
    except Invalid as broken:
        raise NotBookable(broken.detail, **broken.facts) from None


def _roles(service: Service) -> set[str]:
    return {need.role for need in service.requirements}


def _check_lead(masks: Masks, service: Service, surface: str, start: datetime, now: datetime) -> None:
    soonest, end = masks.bookable(service.lead_on(surface), now)
    if start < soonest:
        raise refusal("too_soon")
    if start >= end:
        raise refusal("too_far")


def _choice(
    masks: Masks, need: Requirement, at: int, asked: Sequence[Sequence[UUID]], order: Order | None
) -> Sequence[Sequence[UUID]] | None:
    """The permitted resources for each unit of a role; None when the whole pool is, in its own order."""
    members = masks.members(need.pool)
    reasons = {resource.id: resource_reason(masks, need, resource, at) for resource in members}
    able = [resource for resource in members if reasons[resource.id] is None]
    if order is not None:
        able.sort(key=lambda resource: order.key(resource, at))
    elif not asked and len(able) == len(members):
        return None
    if members and sum(len(resource.units) for resource in able) < need.quantity:
        raise refusal(_commonest(members, reasons), need.role)
    permitted = [UUID(resource.id) for resource in able]
    units = [[id for id in chosen if id in permitted] for chosen in asked]
    for chosen, left in zip(asked, units, strict=True):
        refused = [reason for id in chosen if (reason := reasons.get(str(id)))]
        if not left and refused:
            raise refusal(refused[0], need.role)
    # whoever cannot serve this role at all stays named, so that the record says so
    units = [left or list(chosen) for chosen, left in zip(asked, units, strict=True)]
    return units + [permitted] * (need.quantity - len(units))


def _commonest(members: Sequence[Resource], reasons: Mapping[str, str | None]) -> str:
    found = Counter(reason for resource in members if (reason := reasons[resource.id]))
    # nobody is kept away by a rule, there are just too few of them: as good as no one
    return found.most_common(1)[0][0] if found else "not_working"


def refusal(reason: str, role: str | None = None) -> NotBookable:
    """The error of a rule that says no."""
    facts = {"reason": reason} | ({"role": role} if role else {})
    return NotBookable(said(SENTENCES[reason], role=role), **facts)


def another_start_may_do(refused: HoldfastError) -> bool:
    """Whether the same visit may be had at another time, so that it is worth while to look for one.

    Not when nobody serves a role here, what was asked for is not sold, or a limit of the caller was met.
    """
    if isinstance(refused, NotBookable):
        return refused.facts.get("reason") in SENTENCES
    return isinstance(refused, SlotTaken | HoldExpired | OfferEnded)


class _Kept:
    """Bitmaps of opening hours by organization's catalog, location and day; the least used go first."""

    def __init__(self) -> None:
        self._masks: OrderedDict[tuple[int, str, datetime], tuple[Catalog, Masks]] = OrderedDict()

    def masks(self, catalog: Catalog, location_id: str, origin: datetime, now: datetime) -> Masks:
        key = (id(catalog), location_id, origin)
        known = self._masks.get(key)
        if known is not None and known[0] is catalog:
            self._masks.move_to_end(key)
            return known[1]
        masks = _bare_masks(catalog, location_id, origin, now)
        self._masks[key] = catalog, masks
        if len(self._masks) > MASKS_KEPT:
            self._masks.popitem(last=False)
        return masks


_kept: Final = _Kept()


def masks_around(catalog: Catalog, location_id: str, start: datetime, now: datetime) -> Masks:
    """The bitmaps around a start with nothing claimed, not kept; the same for all starts of one day in UTC."""
    return _bare_masks(catalog, location_id, _origin(start), now)


def _static_masks(catalog: Catalog, location_id: str, start: datetime, now: datetime) -> Masks:
    """The bitmaps around a start with nothing claimed: nothing in them moves while the catalog stands."""
    return _kept.masks(catalog, location_id, _origin(start), now)


def _bare_masks(catalog: Catalog, location_id: str, origin: datetime, now: datetime) -> Masks:
    bare = Snapshot(now, catalog.locations, catalog.resources, catalog.services, {})
    return Masks(bare, catalog.locations[location_id], Window(origin, WINDOW_MINUTES))


def _origin(start: datetime) -> datetime:
    return start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - DAYS_BEFORE


async def _claimed_masks(tx: Transaction, catalog: Catalog, service: Service, wanted: Wanted, window: Window) -> Masks:
    location_id = str(wanted.location_id)
    claimed = await record.load_snapshot(
        tx,
        catalog,
        [service],
        [location_id],
        window,
        without_holds=[wanted.without_hold] if wanted.without_hold else (),
    )
    return Masks(claimed, catalog.locations[location_id], window)

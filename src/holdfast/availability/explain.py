"""Why a start does not work: per role what stands in the way, never whose it is; and the nearest start that does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from holdfast.availability import bitmap
from holdfast.availability.bitmap import Bits
from holdfast.availability.fit import Fit, Role
from holdfast.availability.masks import Masks
from holdfast.availability.model import Requirement, Resource, Service, Slot
from holdfast.availability.rules import Timetable
from holdfast.availability.search import Search

_CLAIMED = {"appointment": "booked", "hold": "held", "block": "blocked", "busy": "busy"}


@dataclass(frozen=True)
class Obstacle:
    """``count`` units of a role are out for this reason; ``until`` when a hold ends by itself (the first of them).

    Reasons: no_credential, closed, on_break, away, not_working, cap_reached, booked, held, blocked, busy.
    """

    reason: str
    count: int
    until: datetime | None = None


@dataclass(frozen=True)
class RoleAnswer:
    """``free`` units could serve where ``needed`` are; what the others lack is in ``obstacles``."""

    service: str
    role: str
    needed: int
    free: int
    obstacles: tuple[Obstacle, ...]


@dataclass(frozen=True)
class Explanation:
    """``rules`` are what forbids the start whoever is free: too_soon, too_far, off_grid, outside_window,
    outside_part_of_day.

    When every role has enough free units and the start still does not work, ``shared`` is true: they need the same
    ones. The services of a sequence are explained as following without a wait. ``holds_end_at`` is when the first live
    hold that was seen runs out.
    """

    works: bool
    rules: tuple[str, ...]
    roles: tuple[RoleAnswer, ...]
    shared: bool
    nearest: Slot | None = None
    holds_end_at: datetime | None = None


def explain(search: Search, start: datetime) -> Explanation:
    """What stands in the way of a visit that starts at this instant (a whole minute); ``nearest`` is not looked for."""
    index = search.masks.window.index(start)
    works = index >= 0 and bool(search.starts >> index & 1)
    rules = _rules(search, start)
    roles: list[RoleAnswer] = []
    at = index
    for service in search.services:
        if 0 <= at < search.masks.window.minutes:
            roles += [_role(search.masks, service.id, role, at) for role in _meant(search, service, at).roles]
        at += service.length_minutes
    enough = all(role.free >= role.needed for role in roles)
    return Explanation(works, rules, tuple(roles), not works and not rules and enough)


def _meant(search: Search, service: Service, at: int) -> Fit:
    """The way to fill the roles that works at that minute, where there are several; else the one that comes first."""
    ways = search.fits(service, search.request.provider) or search.fits(service)
    return next((way for way in ways if way.choose(at, search.order) is not None), ways[0])


def _rules(search: Search, start: datetime) -> tuple[str, ...]:
    masks, request = search.masks, search.request
    found = []
    for service in search.services:
        soonest, end = masks.bookable(service.lead_on(request.surface), masks.snapshot.now)
        if start < soonest:
            found.append("too_soon")
        elif start >= end:
            found.append("too_far")
    if not request.start <= start < request.until:
        found.append("outside_window")
        return tuple(dict.fromkeys(found))
    index = masks.window.index(start)
    if not request.any_minute and not masks.grid(search.services[0]) >> index & 1:
        found.append("off_grid")
    if request.part_of_day is not None and not masks.days.part_of_day(*request.part_of_day) >> index & 1:
        found.append("outside_part_of_day")
    return tuple(dict.fromkeys(found))


def _role(masks: Masks, service: str, role: Role, at: int) -> RoleAnswer:
    need = role.requirement
    serving = {option.unit for option in role.options if option.serves(at)}
    reasons: Counter[str] = Counter()
    holds_end: list[datetime] = []
    for resource in masks.members(need.pool):
        for unit in resource.units:
            if unit not in serving:
                reason = resource_reason(masks, need, resource, at) or _unit_reason(masks, need, unit, at, holds_end)
                reasons[reason] += 1
    obstacles = tuple(
        Obstacle(reason, count, min(holds_end) if reason == "held" and holds_end else None)
        for reason, count in reasons.most_common()
    )
    return RoleAnswer(service, need.role, need.quantity, len(serving), obstacles)


def resource_reason(masks: Masks, need: Requirement, resource: Resource, at: int) -> str | None:
    """What keeps all units of the resource from the segment, the most lasting reason first."""
    if reason := absence_reason(masks, need, resource, at):
        return reason
    return None if masks.below_cap(resource) >> at & 1 else "cap_reached"


def absence_reason(masks: Masks, need: Requirement, resource: Resource, at: int) -> str | None:
    """The same without the cap of visits: what opening hours and credentials say of the segment."""
    segment = bitmap.mask([(at + need.offset_minutes, at + need.segment_ends)], masks.window.minutes)
    if segment & ~masks.qualified(resource, need.pool):
        return "no_credential"
    if reason := _closed(masks, masks.location.timetable, segment, closed="closed", otherwise="closed"):
        return reason
    own = resource.timetables[masks.location.id]
    if own and (reason := _closed(masks, own, segment, closed="away", otherwise="not_working")):
        return reason
    return None


def _closed(masks: Masks, timetable: Timetable, segment: Bits, *, closed: str, otherwise: str) -> str | None:
    times = masks.open_time(timetable)
    shut = segment & ~times.open
    if not shut:
        return None
    if shut & (times.closures | times.time_off):
        return closed
    return "on_break" if shut & times.breaks else otherwise


def _unit_reason(masks: Masks, need: Requirement, unit: str, at: int, holds_end: list[datetime]) -> str:
    low = at + need.offset_minutes - need.buffer_before_minutes
    high = at + need.segment_ends + need.buffer_after_minutes
    standing = [
        claim
        for claim in masks.claims(unit)
        for start, end in [masks.window.outward(claim.start, claim.end)]
        if start < high and low < end
    ]
    # A hold ends by itself, so it is named only where nothing lasting is in the way.
    lasting = [claim for claim in standing if claim.kind != "hold"]
    if lasting:
        return _CLAIMED[lasting[0].kind]
    holds_end += [claim.expires_at for claim in standing if claim.expires_at is not None]
    return "held"

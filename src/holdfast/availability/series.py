"""A series of visits as a whole: on each day of a rule a real slot, or none and what could be had instead.

However many visits, claims are read at most three times: around all the days, then around those that have nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from holdfast import wallclock
from holdfast.access.model import PUBLIC_SURFACES
from holdfast.availability.bitmap import MINUTE, set_minutes
from holdfast.availability.model import Request, Slot
from holdfast.availability.recurrence import Recurrence, nearest_to, usual_time
from holdfast.availability.search import Search
from holdfast.availability.service import prepare_each
from holdfast.db.transact import Transaction

DAY: Final = timedelta(days=1)
NOON: Final = time(12)
ALTERNATIVES: Final = 3
REACH: Final = timedelta(days=14)
"""How far from its day a visit that cannot be had is looked for; never beyond what the spacing allows."""


class Wish(NamedTuple):
    """One visit of a series: any start in ``[start, until)``, which lies on ``day``; ``exact``: that one alone."""

    day: date
    start: datetime
    until: datetime
    exact: bool = False


@dataclass(frozen=True)
class Occurrence:
    """``slot`` is what can be had on ``day``; where there is none, ``instead`` has what is nearest to ``wanted_at``."""

    number: int
    day: date
    wanted_at: datetime
    slot: Slot | None
    instead: tuple[Slot, ...] = ()


def wishes_of(rule: Recurrence, zone: str) -> list[Wish]:
    """The days of a rule, each from its first minute to its last, on that zone's clock. Raises Invalid."""
    return [Wish(day, wallclock.day_start(day, zone), wallclock.day_start(day + DAY, zone)) for day in rule.days()]


def exact_wishes(starts: Sequence[datetime], zone: str) -> list[Wish]:
    """These starts and no others, in their order in time."""
    return [Wish(wallclock.local_date(start, zone), start, start + MINUTE, exact=True) for start in sorted(starts)]


async def propose(
    tx: Transaction,
    asked: Request,
    rule: Recurrence,
    wishes: Sequence[Wish],
    zone: str,
    *,
    without_holds: Collection[UUID] = (),
) -> list[Occurrence]:
    """For each wish its slot, or what could be had instead. All at the rule's time, or as near to it as the day allows.

    Raises Invalid and NotFound as a search does.
    """
    staff = tx.scene.caller.surface not in PUBLIC_SURFACES
    requests = [
        replace(
            asked,
            start=wish.start,
            until=wish.until,
            any_minute=wish.exact and staff,
            part_of_day=None if wish.exact else asked.part_of_day,
        )
        for wish in wishes
    ]
    searches = await prepare_each(tx, requests, without_holds=without_holds)
    slots = choose(searches, rule.at, zone)
    target = rule.at or usual_time([[slot.start] for slot in slots if slot], zone) or _first_time(asked)
    found = [
        Occurrence(number, wish.day, wish.start if wish.exact else wallclock.resolve_rule(
            datetime.combine(wish.day, target), zone), slot)
        for number, (wish, slot) in enumerate(zip(wishes, slots, strict=True), 1)
    ]  # fmt: skip
    return await _with_alternatives(tx, asked, rule, found, zone, without_holds)


def choose(searches: Sequence[Search], at: time | None, zone: str) -> list[Slot | None]:
    """One slot of each search, all at one time of day as far as that can be had; None where a search has none."""
    starts = [[search.masks.window.instant(index) for index in set_minutes(search.starts)] for search in searches]
    target = at or usual_time(starts, zone)
    if target is None:
        return [None] * len(searches)
    chosen = [nearest_to(each, target, zone) for each in starts]
    return [
        search.slot(search.masks.window.index(start)) if start else None
        for search, start in zip(searches, chosen, strict=True)
    ]


def _first_time(asked: Request) -> time:
    return asked.part_of_day[0] if asked.part_of_day else NOON


async def _with_alternatives(
    tx: Transaction,
    asked: Request,
    rule: Recurrence,
    found: Sequence[Occurrence],
    zone: str,
    without_holds: Collection[UUID],
) -> list[Occurrence]:
    """The same, and for each that has no slot what is nearest and its neighbours leave room for.

    At the time of day that was asked for; where all that room has nothing then, at any time of day.
    """
    done = list(found)
    for part_of_day in dict.fromkeys((asked.part_of_day, None)):
        lost = [each for each in done if each.slot is None and not each.instead]
        rooms = [(each, room) for each in lost if (room := _room_for(tx, found, each, rule, zone)) is not None]
        requests = [
            replace(asked, start=start, until=until, any_minute=False, part_of_day=part_of_day)
            for _, (start, until) in rooms
        ]
        searches = await prepare_each(tx, requests, without_holds=without_holds)
        for (each, _), search in zip(rooms, searches, strict=True):
            done[each.number - 1] = replace(each, instead=nearest_days(search, each, zone))
    return done


def nearest_days(search: Search, lost: Occurrence, zone: str) -> tuple[Slot, ...]:
    """One slot on each of the nearest days that have any, at the time of day nearest to the one that was wanted."""
    by_day: dict[date, list[datetime]] = defaultdict(list)
    for index in set_minutes(search.starts):
        start = search.masks.window.instant(index)
        by_day[wallclock.local_date(start, zone)].append(start)
    at = wallclock.to_local(lost.wanted_at, zone).time()
    days = sorted(by_day, key=lambda day: (abs((day - lost.day).days), day))[:ALTERNATIVES]
    nearest = (nearest_to(by_day[day], at, zone) for day in days)
    return tuple(search.slot(search.masks.window.index(start)) for start in nearest if start)


def _room_for(
    tx: Transaction, found: Sequence[Occurrence], lost: Occurrence, rule: Recurrence, zone: str
) -> tuple[datetime, datetime] | None:
    """The window in which the visit may lie, or None where its neighbours leave none."""
    before = found[lost.number - 2].day if lost.number > 1 else None
    after = found[lost.number].day if lost.number < len(found) else None
    low, high = rule.room(before, after)
    low, high = max(low, lost.day - REACH), min(high, lost.day + REACH)
    if low > high:
        return None
    start = max(wallclock.day_start(low, zone), tx.scene.began_at)
    until = wallclock.day_start(high + DAY, zone)
    return (start, until) if start < until else None

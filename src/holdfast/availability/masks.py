"""The bitmaps of one location over one window: per resource what is open, per unit what is unclaimed.

Everything is made on first use and kept, because the roles of a visit share resources and resources share timetables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from functools import cached_property

from holdfast import wallclock
from holdfast.availability import bitmap, rules
from holdfast.availability.bitmap import Bits, Window
from holdfast.availability.days import DAY, LocalDays
from holdfast.availability.model import Claim, Lead, Location, Pool, Requirement, Resource, Service, Snapshot
from holdfast.availability.rules import OpenTime, Timetable


class Masks:
    """Bitmaps of one window, in its minutes; resources are those of the snapshot, at this location."""

    def __init__(self, snapshot: Snapshot, location: Location, window: Window) -> None:
        self.snapshot = snapshot
        self.location = location
        self.window = window
        self.full = window.full
        self.days = LocalDays.over(window, location.zone)
        self._open_times: dict[Timetable, OpenTime] = {}
        self._open: dict[str, Bits] = {}
        self._unclaimed: dict[str, Bits] = {}
        self._below_cap: dict[str, Bits] = {}
        self._grids: dict[int, Bits] = {}

    def open_time(self, timetable: Timetable) -> OpenTime:
        if timetable not in self._open_times:
            self._open_times[timetable] = rules.open_time(timetable, self.days)
        return self._open_times[timetable]

    @cached_property
    def location_open(self) -> Bits:
        return self.open_time(self.location.timetable).open

    def members(self, pool: Pool) -> list[Resource]:
        """The pool's resources that serve at this location, in the pool's order."""
        resources = (self.snapshot.resources[member] for member in pool.members)
        return [resource for resource in resources if self.location.id in resource.timetables]

    def open(self, resource: Resource) -> Bits:
        """The minutes in which the resource serves at this location."""
        if resource.id not in self._open:
            timetable = resource.timetables[self.location.id]
            own = self.full if timetable is None else self.open_time(timetable).open
            self._open[resource.id] = own & self.location_open
        return self._open[resource.id]

    def unclaimed(self, unit: str) -> Bits:
        if unit not in self._unclaimed:
            outward = self.window.outward
            taken = [outward(claim.start, claim.end) for claim in self.claims(unit)]
            self._unclaimed[unit] = bitmap.mask(taken, self.window.minutes) ^ self.full
        return self._unclaimed[unit]

    def claims(self, unit: str) -> Iterable[Claim]:
        return self.snapshot.claims.get(unit, ())

    def qualified(self, resource: Resource, pool: Pool) -> Bits:
        """The minutes in which the resource has all the pool asks for; a credential is good to the end of its day."""
        if any(attribute not in resource.attributes for attribute in pool.requires):
            return 0
        last_days = [day for attribute in pool.requires if (day := resource.attributes[attribute]) is not None]
        if not last_days:
            return self.full
        # the window's own days know where they end; a credential that is good until the year 9999 need not be resolved
        last_day = min(*last_days, max(self.days.spans))
        _, end = self.days.spans.get(last_day, (0, 0))
        return bitmap.mask([(0, end)], self.window.minutes)

    def below_cap(self, resource: Resource) -> Bits:
        """The minutes of the local days on which the resource may begin another visit."""
        if resource.visits_per_day is None:
            return self.full
        if resource.id not in self._below_cap:
            full = {day for day, visits in self.visits(resource).items() if visits >= resource.visits_per_day}
            if resource.visits_per_day == 0:
                full = set(self.days.spans)
            self._below_cap[resource.id] = self.full & ~self.days.days(full)
        return self._below_cap[resource.id]

    def visits(self, resource: Resource) -> dict[date, int]:
        """How many visits of the resource begin on each local day."""
        visits: dict[date, set[str]] = defaultdict(set)
        for unit in resource.units:
            for claim in self.claims(unit):
                if claim.visit is not None:
                    starts = claim.visit_start or claim.start
                    visits[wallclock.local_date(starts, self.location.zone)].add(claim.visit)
        return {day: len(ids) for day, ids in visits.items()}

    def starts(self, requirement: Requirement, resource: Resource, unit: str) -> Bits:
        """The visit starts at which this unit could serve the requirement."""
        need = requirement
        open_minutes = self.open(resource)
        if need.pool.requires:
            open_minutes &= self.qualified(resource, need.pool)
        free = self.unclaimed(unit)
        if not need.buffer_before_minutes and not need.buffer_after_minutes:
            serves = bitmap.earlier(bitmap.runs(open_minutes & free, need.length_minutes), need.offset_minutes)
        else:
            length = need.buffer_before_minutes + need.length_minutes + need.buffer_after_minutes
            clear = bitmap.earlier(bitmap.runs(free, length), need.offset_minutes - need.buffer_before_minutes)
            serves = bitmap.earlier(bitmap.runs(open_minutes, need.length_minutes), need.offset_minutes) & clear
        return serves if resource.visits_per_day is None else serves & self.below_cap(resource)

    def bookable(self, lead: Lead, now: datetime) -> tuple[datetime, datetime]:
        """From when to when one may book here."""
        return bookable(self.location.zone, lead, now)

    def wall_grid(self, every_minutes: int) -> Bits:
        """The minutes at which the wall clock stands on a multiple (see ``LocalDays.grid``)."""
        if every_minutes not in self._grids:
            self._grids[every_minutes] = self.days.grid(every_minutes)
        return self._grids[every_minutes]

    def grid(self, service: Service) -> Bits:
        """The starts that the service's grid offers."""
        bits = self.wall_grid(service.grid_minutes)
        if service.off_grid_after_claims:
            for need in service.requirements:
                for resource in self.members(need.pool):
                    for unit in resource.units:
                        free = self.unclaimed(unit)
                        released = free & ~(free << 1) & ~1
                        bits |= bitmap.earlier(released, need.offset_minutes - need.buffer_before_minutes)
        return bits & self.full


def bookable(zone: str, lead: Lead, now: datetime) -> tuple[datetime, datetime]:
    """From when to when one may book in that zone: neither too soon nor too far ahead."""
    last = wallclock.local_date(now, zone) + DAY * lead.horizon_days
    return now + bitmap.MINUTE * lead.notice_minutes, wallclock.day_start(last + DAY, zone)

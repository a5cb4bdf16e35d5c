"""The same question answered the slow way: minute by minute, with sets and loops and nothing of the engine.

It shares only the values that go in (``model``, ``rules``) and the zone files. Instants are minutes since the epoch.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import combinations

from holdfast import wallclock
from holdfast.availability.model import Location, Request, Requirement, Resource, Service, Slot, Snapshot
from holdfast.availability.rules import Dated, Timetable, Weekly

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def minutes_since_epoch(instant: datetime) -> float:
    return (instant - EPOCH).total_seconds() / 60


class Clock:
    """What the wall clock shows in each minute of a stretch of time, looked up instead of calculated."""

    def __init__(self, zone: str, first: int, last: int) -> None:
        rules = wallclock.zone(zone)
        self.shows: dict[int, datetime] = {}
        self.first_time_it_shows: dict[datetime, int] = {}
        for minute in range(first, last):
            shown = (EPOCH + timedelta(minutes=minute)).astimezone(rules).replace(tzinfo=None, fold=0)
            self.shows[minute] = shown
            self.first_time_it_shows.setdefault(shown, minute)
        self.dates = sorted({shown.date() for shown in self.shows.values()})

    def minute(self, local: datetime) -> int:
        """A time that is skipped is reached by counting on from the last minute that was not."""
        counted = 0
        while local not in self.first_time_it_shows:
            local -= timedelta(minutes=1)
            counted += 1
            if counted > 24 * 60:
                raise LookupError(local)
        return self.first_time_it_shows[local] + counted


@cache
def clock(zone: str, first: int, last: int) -> Clock:
    return Clock(zone, first, last)


def weekly_minutes(rule: Weekly, clock: Clock, dates: list[date]) -> set[int]:
    found: set[int] = set()
    for day in dates:
        if day.weekday() != rule.weekday:
            continue
        if rule.valid_from is not None and day < rule.valid_from:
            continue
        if rule.valid_until is not None and day > rule.valid_until:
            continue
        if rule.anchor is not None:
            monday = day - timedelta(days=day.weekday())
            anchor_monday = rule.anchor - timedelta(days=rule.anchor.weekday())
            if (monday - anchor_monday).days % (7 * rule.every_weeks) != 0:
                continue
        ends_on = day if rule.ends > rule.starts else day + timedelta(days=1)
        starts = clock.minute(datetime.combine(day, rule.starts))
        ends = clock.minute(datetime.combine(ends_on, rule.ends))
        found.update(range(starts, ends))
    return found


def dated_minutes(rule: Dated, clock: Clock) -> set[int]:
    earliest = datetime.combine(clock.dates[1], time.min)
    latest = datetime.combine(clock.dates[-1], time.min)
    if rule.ends <= earliest or rule.starts >= latest:
        return set()
    starts = clock.minute(rule.starts) if rule.starts > earliest else min(clock.shows)
    ends = clock.minute(rule.ends) if rule.ends < latest else max(clock.shows) + 1
    return set(range(starts, ends))


def open_minutes(table: Timetable, clock: Clock) -> set[int]:
    dates = clock.dates[1:-1]
    is_open: set[int] = set()
    for weekly in table.hours:
        is_open |= weekly_minutes(weekly, clock, dates)
    for weekly in table.breaks:
        is_open -= weekly_minutes(weekly, clock, dates)
    for dated in table.closures:
        is_open -= dated_minutes(dated, clock)
    for dated in table.extra:
        is_open |= dated_minutes(dated, clock)
    for dated in table.time_off:
        is_open -= dated_minutes(dated, clock)
    return is_open


def free_of(given: list[tuple[str, Requirement]], need: Requirement, units: list[str]) -> list[str]:
    """The units that do nothing else of the visit while they would serve this."""
    at_the_same_time = {
        unit
        for unit, other in given
        if other.offset_minutes < need.offset_minutes + need.length_minutes
        and need.offset_minutes < other.offset_minutes + other.length_minutes
    }
    return [unit for unit in units if unit not in at_the_same_time]


class Oracle:
    def __init__(self, snapshot: Snapshot, request: Request) -> None:
        self.snapshot = snapshot
        self.request = request
        self.location: Location = snapshot.locations[request.location]
        self.services: list[Service] = [snapshot.services[name] for name in request.services]
        first = int(minutes_since_epoch(request.start)) // 1440 - 3
        last = int(minutes_since_epoch(request.until)) // 1440 + 4
        self.clock = clock(self.location.zone, first * 1440, last * 1440)
        self.location_open = open_minutes(self.location.timetable, self.clock)
        self.known: dict[tuple[str, int, str | None], bool] = {}
        self.open: dict[str, set[int]] = {}
        self.taken: dict[str, list[tuple[float, float]]] = {}
        for resource in snapshot.resources.values():
            if request.location in resource.timetables:
                table = resource.timetables[request.location]
                own = self.location_open if table is None else open_minutes(table, self.clock)
                self.open[resource.id] = own & self.location_open
            for unit in resource.units:
                self.taken[unit] = [
                    (minutes_since_epoch(claim.start), minutes_since_epoch(claim.end))
                    for claim in snapshot.claims.get(unit, ())
                ]

    def starts(self) -> list[datetime]:
        request = self.request
        minute = int(-(-minutes_since_epoch(request.start) // 1))
        found = []
        while minute < minutes_since_epoch(request.until):
            if self.rules_allow(minute) and self.works(minute):
                found.append(EPOCH + timedelta(minutes=minute))
            minute += 1
        return found

    def rules_allow(self, start: int) -> bool:
        shown = self.clock.shows[start]
        if not self.on_grid(start, shown):
            return False
        if self.request.part_of_day is not None:
            opens, closes = self.request.part_of_day
            if not opens <= shown.time() or not (shown.time() < closes or closes.hour == closes.minute == 0):
                return False
        today = self.snapshot.now.astimezone(wallclock.zone(self.location.zone)).date()
        for service in self.services:
            lead = service.lead_by_surface.get(self.request.surface, service.lead)
            if start < minutes_since_epoch(self.snapshot.now) + lead.notice_minutes:
                return False
            if (shown.date() - today).days > lead.horizon_days:
                return False
        return True

    def on_grid(self, start: int, shown: datetime) -> bool:
        first = self.services[0]
        if (shown.hour * 60 + shown.minute) % first.grid_minutes == 0:
            return True
        if not first.off_grid_after_claims:
            return False
        for need in first.requirements:
            claim_begins = start + need.offset_minutes - need.buffer_before_minutes
            for name in need.pool.members:
                resource = self.snapshot.resources[name]
                for unit in resource.units if self.request.location in resource.timetables else ():
                    ends_here = any(claim_begins - 1 < end <= claim_begins for _, end in self.taken[unit])
                    if ends_here and not self.is_taken(unit, claim_begins, claim_begins + 1):
                        return True
        return False

    def works(self, start: int) -> bool:
        return any(self.sequence_works(0, start, person) for person in self.people())

    def people(self) -> list[str | None]:
        """Who could be the one person of the visit, best first; None for whoever is free."""
        request = self.request
        pools = [pool for service in self.services if (pool := self.providers(service))]
        if not request.same_provider or len(self.services) == 1 or not pools:
            return [request.provider]
        common: list[str | None] = [name for name in pools[0] if all(name in pool for pool in pools)]
        if request.provider is not None:
            common = [name for name in common if name == request.provider]
        return [*common, request.provider] if request.same_provider == "prefer" else common

    def providers(self, service: Service) -> list[str]:
        found: list[str] = []
        for need in sorted(service.requirements, key=lambda need: -need.length_minutes):
            for name in need.pool.members:
                if self.snapshot.resources[name].kind == "provider" and name not in found:
                    found.append(name)
        return found

    def sequence_works(self, index: int, start: int, person: str | None) -> bool:
        if index == len(self.services):
            return True
        service = self.services[index]
        if not self.service_works(service, start, person):
            return False
        ends = start + service.length_minutes
        last_wait = self.request.max_wait_minutes if index + 1 < len(self.services) else 0
        return any(self.sequence_works(index + 1, ends + wait, person) for wait in range(last_wait + 1))

    def service_works(self, service: Service, start: int, person: str | None) -> bool:
        key = service.id, start, person
        if key not in self.known:
            self.known[key] = any(
                self.hand_out(self.tasks(service, start, way), []) for way in self.ways(service, person)
            )
        return self.known[key]

    def ways(self, service: Service, person: str | None) -> list[dict[str, str]]:
        """Who is named for which role; somebody who can serve several may serve in any of them, the longest first."""
        named = {
            need.role: self.request.resources[need.role]
            for need in service.requirements
            if self.request.resources.get(need.role) in need.pool.members
        }
        able = [need for need in service.requirements if person in need.pool.members]
        if person is None or not able:
            return [named]
        able.sort(key=lambda need: -need.length_minutes)
        return [named | {need.role: person} for need in able if named.get(need.role) in (None, person)]

    def tasks(self, service: Service, start: int, way: dict[str, str]) -> list[tuple[Requirement, int, list[str]]]:
        tasks: list[tuple[Requirement, int, list[str]]] = []
        for need in service.requirements:
            units = self.units_for(need, start)
            count = need.quantity * self.request.party
            if need.role in way:
                mine = [unit for unit in units if unit in self.snapshot.resources[way[need.role]].units]
                tasks.append((need, 1, mine))
                count -= 1
            if count:
                tasks.append((need, count, units))
        return tasks

    def hand_out(self, tasks: list[tuple[Requirement, int, list[str]]], given: list[tuple[str, Requirement]]) -> bool:
        """Try every way of handing out units, role by role."""
        if not tasks:
            return True
        need, count, units = tasks[0]
        return any(
            self.hand_out(tasks[1:], given + [(unit, need) for unit in some])
            for some in combinations(free_of(given, need, units), count)
        )

    def units_for(self, need: Requirement, start: int) -> list[str]:
        return [
            unit
            for name in need.pool.members
            for resource in [self.snapshot.resources[name]]
            if self.request.location in resource.timetables and self.may_serve(resource, need, start)
            for unit in resource.units
            if not self.is_taken(
                unit,
                start + need.offset_minutes - need.buffer_before_minutes,
                start + need.offset_minutes + need.length_minutes + need.buffer_after_minutes,
            )
        ]

    def may_serve(self, resource: Resource, need: Requirement, start: int) -> bool:
        for minute in range(start + need.offset_minutes, start + need.offset_minutes + need.length_minutes):
            if minute not in self.open[resource.id]:
                return False
            for attribute in need.pool.requires:
                if attribute not in resource.attributes:
                    return False
                last_day = resource.attributes[attribute]
                if last_day is not None and self.clock.shows[minute].date() > last_day:
                    return False
        return resource.visits_per_day is None or self.visits_on(resource, start) < resource.visits_per_day

    def visits_on(self, resource: Resource, start: int) -> int:
        zone = wallclock.zone(self.location.zone)
        day = self.clock.shows[start].date()
        visits = set()
        for unit in resource.units:
            for claim in self.snapshot.claims.get(unit, ()):
                if claim.visit is not None:
                    begins = claim.visit_start or claim.start
                    if begins.astimezone(zone).date() == day:
                        visits.add(claim.visit)
        return len(visits)

    def is_taken(self, unit: str, low: int, high: int) -> bool:
        return any(start < high and low < end for start, end in self.taken[unit])

    def objections(self, slot: Slot) -> list[str]:
        """What is wrong with the units an offered slot names; nothing, one hopes."""
        found = []
        needed: Counter[tuple[str, str]] = Counter()
        for service in self.services:
            for need in service.requirements:
                needed[service.id, need.role] += need.quantity * self.request.party
        if Counter((pick.service, pick.role) for pick in slot.picks) != needed:
            found.append("not exactly the units that are needed")
        for pick in slot.picks:
            need = next(need for need in self.snapshot.services[pick.service].requirements if need.role == pick.role)
            begins = int(minutes_since_epoch(pick.start)) - need.offset_minutes
            if pick.unit not in self.units_for(need, begins):
                found.append(f"{pick.unit} cannot serve {pick.role}")
            if pick.end - pick.start != timedelta(minutes=need.length_minutes):
                found.append(f"the segment of {pick.role} has the wrong length")
        for one, other in combinations(slot.picks, 2):
            if one.unit == other.unit and one.start < other.end and other.start < one.end:
                found.append(f"{one.unit} is in two places")
        for index, service in enumerate(self.services):
            for need in service.requirements:
                wanted = self.request.resources.get(need.role)
                serving = [pick.resource for pick in slot.picks if (pick.part, pick.role) == (index, need.role)]
                if wanted in need.pool.members and wanted not in serving:
                    found.append(f"{wanted} was named for {need.role} and does not serve")
        return found

"""Who serves when, and which start is the tightest: worked out the slow way, for one start at a time.

What ``oracle`` is to the starts, this is to the rest of a slot: when each of its services begins, with whom, and what
it would leave beside it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import combinations
from math import ceil, floor

from holdfast.availability.model import Requirement, Resource, Service, Slot
from tests.availability.oracle import EPOCH, Oracle, free_of, minutes_since_epoch

Task = tuple[Requirement, int, list[str]]
FAR = 1500
"""Minutes that a gap is followed: longer than any service, and than any visit of these cases."""


class Choice:
    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.snapshot = oracle.snapshot
        self.request = oracle.request
        self.owner = {unit: each for each in self.snapshot.resources.values() for unit in each.units}
        self.loads: dict[tuple[str, date], int] = {}
        self.free: dict[str, set[int]] = {}

    def expected(self, start: datetime) -> tuple[list[tuple[str, datetime, datetime]], list[tuple[int, str, str]]]:
        """The parts of the slot at that start, and (part, role, unit) for everything that serves."""
        at = int(minutes_since_epoch(start))
        person = self.person(at)
        parts, picks = [], []
        for index, service in enumerate(self.oracle.services):
            while not self.oracle.sequence_works(index, at, person):
                at += 1  # the wait before it is as short as it can be
            ends = at + service.length_minutes
            parts.append((service.id, EPOCH + timedelta(minutes=at), EPOCH + timedelta(minutes=ends)))
            picks += [(index, role, unit) for role, unit in self.serving(service, at, person)]
            at = ends
        return parts, sorted(picks)

    def person(self, at: int) -> str | None:
        """The first in order of those with whom it works; nobody throughout only where there is no such person."""
        able = [name for name in self.oracle.people() if self.oracle.sequence_works(0, at, name)]
        throughout = [name for name in able if name is not None]
        return min(throughout, key=lambda name: self.order(name, at), default=None)

    def order(self, name: str, at: int) -> tuple[bool, float]:
        resource = self.snapshot.resources[name]
        if self.request.assign == "least_loaded":
            return name not in self.request.prefer, self.load(resource, self.oracle.clock.shows[at].date())
        if self.request.assign == "round_robin":
            return name not in self.request.prefer, resource.last_taken_at.timestamp() if resource.last_taken_at else 0
        return name not in self.request.prefer, 0

    def load(self, resource: Resource, day: date) -> int:
        """The minutes of that day in which visits have something of it."""
        key = resource.id, day
        if key not in self.loads:
            self.loads[key] = sum(
                self.oracle.clock.shows[minute].date() == day
                for unit in resource.units
                for claim in self.snapshot.claims.get(unit, ())
                if claim.kind in ("appointment", "hold")
                for minute in range(floor(minutes_since_epoch(claim.start)), ceil(minutes_since_epoch(claim.end)))
                if minute in self.oracle.clock.shows
            )
        return self.loads[key]

    def serving(self, service: Service, at: int, person: str | None) -> list[tuple[str, str]]:
        for way in self.oracle.ways(service, person):
            tasks = [
                (need, count, sorted(units, key=lambda unit: self.order(self.owner[unit].id, at)))
                for need, count, units in self.oracle.tasks(service, at, way)
            ]
            # whoever has the fewest to choose from chooses first
            tasks.sort(key=lambda task: len(task[2]))
            chosen = [self.first_way(some, []) for some in apart(tasks)]
            if all(each is not None for each in chosen):
                return [(role, unit) for each in chosen for role, unit in each or ()]
        raise AssertionError("the oracle said that this works")

    def first_way(self, tasks: list[Task], given: list[tuple[str, Requirement]]) -> list[tuple[str, str]] | None:
        """The first way to hand out the units that goes on to the end, in the order of the tasks and of the units."""
        if not tasks:
            return [(need.role, unit) for unit, need in given]
        need, count, units = tasks[0]
        for some in combinations(free_of(given, need, units), count):
            found = self.first_way(tasks[1:], given + [(unit, need) for unit in some])
            if found is not None:
                return found
        return None

    def cost(self, slot: Slot) -> tuple[int, int]:
        """Minutes that nobody could use any more beside the slot's claims, and how many gaps there would be."""
        shortest = min(service.length_minutes for service in self.snapshot.services.values())
        busy: dict[str, set[int]] = {}
        for pick in slot.picks:
            span = range(int(minutes_since_epoch(pick.claim_start)), int(minutes_since_epoch(pick.claim_end)))
            busy.setdefault(pick.unit, set()).update(span)
        gaps = {(unit, *gap) for unit, own in busy.items() for gap in self.gaps(unit, own)}
        lengths = [high - low for _, low, high in gaps]
        return sum(length for length in lengths if length < shortest), len(lengths)

    def gaps(self, unit: str, own: set[int]) -> set[tuple[int, int]]:
        found = set()
        for minute in own:
            for step in (-1, 1):
                edge = minute
                while abs(edge - minute) < FAR and edge + step not in own and edge + step in self.free_minutes(unit):
                    edge += step
                if edge != minute:
                    found.add((min(edge, minute + 1), max(edge + 1, minute)))
        return found

    def free_minutes(self, unit: str) -> set[int]:
        if unit not in self.free:
            open_minutes = self.oracle.open[self.owner[unit].id]
            self.free[unit] = {minute for minute in open_minutes if not self.oracle.is_taken(unit, minute, minute + 1)}
        return self.free[unit]


def apart(tasks: list[Task]) -> list[list[Task]]:
    """The tasks in groups that cannot take each other's units."""
    groups: list[tuple[set[str], list[Task]]] = []
    for task in tasks:
        mine, together = set(task[2]), [task]
        others = []
        for units, group in groups:
            if mine & units:
                mine, together = mine | units, group + together
            else:
                others.append((units, group))
        groups = [*others, (mine, together)]
    # within a group, the order in which they came
    return [[task for task in tasks if any(task is each for each in group)] for _, group in groups]

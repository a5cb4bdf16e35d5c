"""Who takes over when a resource drops out: the plan that strands fewest visits, and of those moves fewest. Pure.

Visits keep their times; only who serves changes. A visit that must move goes where it is free, or where a visit can
make way that has somewhere to go itself, and so on: an augmenting chain. Each displaced visit is tried on every unit
that may serve it, so the search finds the best plan there is, as long as it ends within MAX_STEPS for visits that
compete with each other; beyond that, the best found so far counts. (Fixed intervals on units that are not alike is
NP-hard, so some bound there must be.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Final, NamedTuple

MAX_STEPS: Final = 20_000


class Job(NamedTuple):
    """One unit of a visit, claimed for ``[start, end)``. ``options`` are the other units that may serve it then, best
    first: permitted by the rules, and free of everything that cannot make way."""

    visit: str
    unit: str
    start: datetime
    end: datetime
    options: tuple[str, ...] = ()

    def meets(self, other: Job) -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Handover:
    """``moves``: visit by visit in an order in which it can be done, {index of the job: its new unit}."""

    moves: tuple[Mapping[int, str], ...]
    stranded: frozenset[str]


def hand_over(jobs: Sequence[Job], displaced: Collection[int]) -> list[Handover]:
    """A plan for each group of visits that compete with each other. ``displaced`` are the jobs that cannot stay.

    The other jobs of a visit with a displaced one stay where they are, whatever happens.
    """
    wanted = frozenset(displaced)
    groups = (group for group in _rivals(jobs) if not wanted.isdisjoint(group))
    return [_Search(jobs, group, wanted.intersection(group)).best() for group in groups]


def _rivals(jobs: Sequence[Job]) -> Collection[list[int]]:
    """The jobs in groups: those that could meet in time on one unit, directly or through others."""
    leader = list(range(len(jobs)))

    def lead(job: int) -> int:
        while leader[job] != job:
            leader[job] = leader[leader[job]]
            job = leader[job]
        return job

    running: list[int] = []
    first_of: dict[str, int] = {}
    for job in sorted(range(len(jobs)), key=lambda each: jobs[each].start):
        running = [other for other in running if jobs[other].end > jobs[job].start]
        units = {jobs[job].unit, *jobs[job].options}
        for other in running:
            if not units.isdisjoint((jobs[other].unit, *jobs[other].options)):
                leader[lead(other)] = lead(job)
        running.append(job)
        leader[lead(first_of.setdefault(jobs[job].visit, job))] = lead(job)
    groups: dict[int, list[int]] = defaultdict(list)
    for job in range(len(jobs)):
        groups[lead(job)].append(job)
    return groups.values()


@dataclass(frozen=True)
class _State:
    """``waiting``: {visit: its jobs that need a place}; ``placed``: {job: its new unit}."""

    waiting: Mapping[str, frozenset[int]]
    placed: Mapping[int, str] = field(default_factory=dict)
    stranded: frozenset[str] = frozenset()


class _Search:
    def __init__(self, jobs: Sequence[Job], group: Sequence[int], displaced: Collection[int]) -> None:
        self._jobs = jobs
        waiting: dict[str, frozenset[int]] = defaultdict(frozenset)
        self._standing: dict[str, list[int]] = defaultdict(list)
        for job in group:
            self._standing[jobs[job].unit].append(job)
            if job in displaced:
                waiting[jobs[job].visit] |= {job}
        self._affected = dict(waiting)

    def best(self) -> Handover:
        # Whoever finds no place even alone finds none in company: settled first, so that the search need not prove it
        # again and again among the others.
        alone = {visit: self._solve(_State({visit: jobs})) for visit, jobs in self._affected.items()}
        lost = frozenset(visit for visit, found in alone.items() if found.stranded)
        rest = {visit: jobs for visit, jobs in self._affected.items() if visit not in lost}
        return self._solve(_State(rest, stranded=lost))

    def _solve(self, start: _State) -> Handover:
        self._found: Handover | None = None
        self._cost = (len(self._jobs) + 1, 0)
        self._least = (len(start.stranded), len(start.waiting))
        self._steps = 0
        self._search(start)
        return self._found or Handover((), start.stranded | start.waiting.keys())

    def _search(self, state: _State) -> None:
        self._steps += 1
        moved = {self._jobs[job].visit for job in state.placed} | state.waiting.keys()
        if (len(state.stranded), len(moved)) >= self._cost or self._steps > MAX_STEPS:
            return
        if not state.waiting:
            if (order := self._in_order(state.placed)) is not None:
                self._cost = len(state.stranded), len(moved)
                self._found = Handover(tuple(order), state.stranded)
            return
        choices = {visit: self._choices(state, jobs) for visit, jobs in state.waiting.items()}
        visit = min(choices, key=lambda each: (len(choices[each]), each))
        rest = {other: jobs for other, jobs in state.waiting.items() if other != visit}
        for placed, evicted in choices[visit]:
            waiting = dict(rest)
            for job in evicted:
                waiting[self._jobs[job].visit] = waiting.get(self._jobs[job].visit, frozenset()) | {job}
            self._search(_State(waiting, {**state.placed, **placed}, state.stranded))
            if self._cost == self._least:
                return
        if visit in self._affected:
            self._search(_State(rest, state.placed, state.stranded | {visit}))

    def _choices(self, state: _State, jobs: frozenset[int]) -> list[tuple[dict[int, str], frozenset[int]]]:
        """Every way to place the jobs, with the jobs that would have to make way; fewest of those first."""
        ordered = sorted(jobs)
        found = []
        for units in product(*(self._jobs[job].options for job in ordered)):
            placed = dict(zip(ordered, units, strict=True))
            evicted: set[int] | None = set()
            for job, unit in placed.items():
                in_the_way = self._in_the_way(state, placed, job, unit)
                evicted = None if in_the_way is None or evicted is None else evicted | in_the_way
            if evicted is not None:
                found.append((placed, frozenset(evicted)))
        return sorted(found, key=lambda choice: len(choice[1]))

    def _in_the_way(self, state: _State, placed: Mapping[int, str], job: int, unit: str) -> set[int] | None:
        """Who would have to leave the unit for the job; None when somebody there stays."""
        mine = self._jobs[job]
        settled = {**state.placed, **placed}
        if any(at == unit and other != job and self._jobs[other].meets(mine) for other, at in settled.items()):
            return None
        gone = set(settled).union(*state.waiting.values())
        standing = {other for other in self._standing[unit] if other not in gone and self._jobs[other].meets(mine)}
        if any(
            self._jobs[other].visit in self._affected
            or self._jobs[other].visit == mine.visit
            or not self._jobs[other].options
            for other in standing
        ):
            return None
        return standing

    def _in_order(self, placed: Mapping[int, str]) -> list[dict[int, str]] | None:
        """The moves visit by visit, each into a place that is empty by then; None when they wait for each other."""
        left: dict[str, dict[int, str]] = defaultdict(dict)
        for job, unit in placed.items():
            left[self._jobs[job].visit][job] = unit
        order = []
        while left:
            ready = next((visit for visit in left if not self._waits(left, visit)), None)
            if ready is None:
                return None
            order.append(left.pop(ready))
        return order

    def _waits(self, left: Mapping[str, Mapping[int, str]], visit: str) -> bool:
        return any(
            self._jobs[other].unit == unit and self._jobs[other].meets(self._jobs[job])
            for job, unit in left[visit].items()
            for rival, moves in left.items()
            if rival != visit
            for other in moves
        )

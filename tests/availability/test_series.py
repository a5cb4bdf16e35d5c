"""Proposals of a series against a brute force: every start of every day, as the oracle finds it, tried one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from holdfast import wallclock
from holdfast.availability import recurrence
from holdfast.availability.recurrence import Recurrence
from holdfast.availability.search import Search
from holdfast.availability.series import Occurrence, choose, nearest_days, wishes_of
from tests.availability.cases import Case
from tests.availability.oracle import Oracle

CASES = 60
DAY = timedelta(days=1)


class Days:
    """Three days around a change of the clocks, as searches and as what the oracle finds."""

    def __init__(self, seed: int) -> None:
        self.case = case = Case(seed)
        self.zone = case.zone
        rule = Recurrence(case.today - DAY, 3, every_days=1)
        request = replace(case.request, part_of_day=None, rank="earliest")
        self.requests = [replace(request, start=wish.start, until=wish.until) for wish in wishes_of(rule, self.zone)]
        self.whole = replace(request, start=self.requests[0].start, until=self.requests[-1].until)
        self.searches = [Search(case.snapshot, each) for each in self.requests]
        self.starts = [Oracle(case.snapshot, each).starts() for each in self.requests]

    def shown(self, instant: datetime) -> datetime:
        return instant.astimezone(wallclock.zone(self.zone))

    def distance(self, start: datetime, at: time) -> int:
        shown = self.shown(start)
        return abs(shown.hour * 60 + shown.minute - at.hour * 60 - at.minute)

    def best(self, at: time | None) -> list[datetime | None]:
        """Every time of day counted, every start weighed."""
        counted: Counter[time] = Counter()
        for starts in self.starts:
            counted.update({self.shown(start).time() for start in starts})
        most = max(counted.values(), default=0)
        target = at or min((shown for shown, days in counted.items() if days == most), default=time(0))
        return [
            sorted(starts, key=lambda start: (self.distance(start, target), start))[0] if starts else None
            for starts in self.starts
        ]

    def instead(self, day: date, at: time) -> list[datetime]:
        every = [start for starts in self.starts for start in starts]
        found = []
        for apart in range(4):
            for side in sorted({day - apart * DAY, day + apart * DAY}):
                mine = [start for start in every if self.shown(start).date() == side]
                found += sorted(mine, key=lambda start: (self.distance(start, at), start))[:1]
        return found[:3]


def differences(seed: int) -> list[str]:
    days = Days(seed)
    found = []
    for at in (None, time(10), time(2, 30)):
        slots = choose(days.searches, at, days.zone)
        if [slot and slot.start for slot in slots] != days.best(at):
            found.append(f"seed {seed}, at {at}: {slots} and not {days.best(at)}")
    noon = wallclock.resolve_rule(datetime.combine(days.case.today, time(12)), days.zone)
    lost = Occurrence(2, days.case.today, noon, None)
    instead = [slot.start for slot in nearest_days(Search(days.case.snapshot, days.whole), lost, days.zone)]
    if instead != days.instead(days.case.today, time(12)):
        found.append(f"seed {seed}: instead {instead} and not {days.instead(days.case.today, time(12))}")
    return found


def test_proposals_agree_with_brute_force() -> None:
    found = [each for seed in range(CASES) for each in differences(seed)]
    assert not found, "\n".join(found[:5])


def test_the_cases_are_worth_answering() -> None:
    offering = [days for days in map(Days, range(CASES)) if sum(map(bool, days.starts)) >= 2]
    assert len(offering) > 15


MUTANTS: dict[str, Callable[..., object]] = {
    "usual_time": lambda days, zone: min((start.time() for starts in days for start in starts), default=None),
    "nearest_to": lambda starts, at, zone: min(starts, default=None),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_control_a_mutant_is_seen_to_differ(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hasattr(recurrence, name)
    monkeypatch.setattr(f"holdfast.availability.series.{name}", MUTANTS[name])
    assert any(differences(seed) for seed in range(20))

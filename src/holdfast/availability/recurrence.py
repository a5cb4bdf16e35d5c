"""When the visits of a series should be: the days of a rule, and the best start on each. Pure.

Days and times are those of the location's wall clock, so "Tuesdays at 15:00" stays at 15:00 when the clocks change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final

from holdfast import wallclock
from holdfast.errors import Invalid, said

COUNT_MAX: Final = 52


@dataclass(frozen=True, slots=True)
class Recurrence:
    """``count`` days from ``first`` on: every so many days, or on ``weekdays`` (Monday is 0) of every so many weeks.

    Weeks begin on Monday and are counted from the week of ``first``; without weekdays it is the weekday of ``first``.
    ``at`` is the time of day that is wanted; none: the one that most of the days can have. Two visits that follow one
    another are at least ``days_min`` and at most ``days_max`` local days apart.
    """

    first: date
    count: int
    every_weeks: int | None = None
    weekdays: frozenset[int] = frozenset()
    every_days: int | None = None
    at: time | None = None
    days_min: int | None = None
    days_max: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.count <= COUNT_MAX:
            raise Invalid(said("A series has 1 to {most} visits.", most=COUNT_MAX), field="count")
        if not wallclock.is_sane(self.first):
            raise Invalid(wallclock.far("first", str(self.first)), field="first")
        if (self.every_weeks is None) == (self.every_days is None):
            raise Invalid("Say either every_weeks or every_days.", field="every_weeks")
        if not 1 <= (self.every_weeks or self.every_days or 0) <= 366:
            raise Invalid("every_weeks and every_days are numbers from 1 to 366.", field="every_weeks")
        if self.every_days is not None and self.weekdays:
            raise Invalid("weekdays go with every_weeks.", field="weekdays")
        if not all(0 <= day <= 6 for day in self.weekdays):
            raise Invalid("A weekday is a number from 0 for Monday to 6 for Sunday.", field="weekdays")
        if not 1 <= (self.days_min or 1) <= (self.days_max or 1096) <= 1096:
            raise Invalid("days_min is at most days_max; both are numbers of days from 1 on.", field="days_min")

    def days(self) -> list[date]:
        """The days, in order. Raises Invalid where the rule breaks its own spacing."""
        if self.every_days is not None:
            days = [self.first + timedelta(days=self.every_days * number) for number in range(self.count)]
        else:
            days = self._days_of_weeks(self.every_weeks or 1)
        if not wallclock.is_sane(days[-1]):
            far = said("The last of these visits would be on {day}, which is too far away.", day=str(days[-1]))
            raise Invalid(far, field="count")
        if any(not self.may_follow(one, after) for one, after in pairwise(days)):
            raise Invalid("These days are closer together, or further apart, than days_min and days_max allow.")
        return days

    def _days_of_weeks(self, every: int) -> list[date]:
        weekdays = sorted(self.weekdays) or [self.first.weekday()]
        monday = self.first - timedelta(days=self.first.weekday())
        days: list[date] = []
        while len(days) < self.count:
            week = (monday + timedelta(days=weekday) for weekday in weekdays)
            days += [day for day in week if day >= self.first]
            monday += timedelta(weeks=every)
        return days[: self.count]

    def may_follow(self, one: date, after: date) -> bool:
        """Whether two visits that follow one another may be on these days."""
        apart = (after - one).days
        return (self.days_min or 1) <= apart and (self.days_max is None or apart <= self.days_max)

    def room(self, before: date | None, after: date | None) -> tuple[date, date]:
        """The first and last day that a visit between those of these days may be on (neither: unbounded)."""
        low, high = [date.min], [date.max]
        if before is not None:
            low.append(before + timedelta(days=self.days_min or 1))
            high.append(before + timedelta(days=self.days_max) if self.days_max else date.max)
        if after is not None:
            high.append(after - timedelta(days=self.days_min or 1))
            low.append(after - timedelta(days=self.days_max) if self.days_max else date.min)
        return max(low), min(high)


def usual_time(days: Iterable[Sequence[datetime]], zone: str) -> time | None:
    """The time of day that most of the days can have, the earliest of several; None where no day has any."""
    times = Counter(shown for starts in days for shown in {_shown(start, zone) for start in starts})
    return min(times, key=lambda shown: (-times[shown], shown)) if times else None


def nearest_to(starts: Sequence[datetime], at: time, zone: str) -> datetime | None:
    """Of one day's starts the one whose time of day is nearest to ``at``, the earlier of two; None of none."""
    return min(starts, key=lambda start: (abs(_minutes(_shown(start, zone)) - _minutes(at)), start), default=None)


def _shown(instant: datetime, zone: str) -> time:
    return wallclock.to_local(instant, zone).time()


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute

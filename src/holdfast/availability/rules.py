"""Opening hours: what people write about time, and the minutes it opens.

Everything here is local wall time; ``open_time`` lays it over a window in one zone. Times are whole minutes. A closing
time that is not after the opening time belongs to the next day: 22:00 to 02:00 is a night, 00:00 to 00:00 a whole day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import holidays

from holdfast.availability import bitmap
from holdfast.availability.bitmap import Bits, Span
from holdfast.availability.days import DAY, LocalDays
from holdfast.errors import Invalid, said


@dataclass(frozen=True, slots=True)
class Weekly:
    """Every week (or every ``every_weeks``, counted from the week of ``anchor``) on one weekday, Monday being 0.

    ``valid_from`` and ``valid_until`` are the first and the last day on which it begins.
    """

    weekday: int
    starts: time
    ends: time
    valid_from: date | None = None
    valid_until: date | None = None
    every_weeks: int = 1
    anchor: date | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.weekday <= 6:
            raise Invalid(
                said("weekday is {weekday}: Monday is 0 and Sunday is 6.", weekday=self.weekday), field="weekday"
            )
        if self.every_weeks < 1 or (self.every_weeks > 1 and self.anchor is None):
            raise Invalid("every_weeks needs an anchor: a date in a week that counts.", field="every_weeks")
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise Invalid("valid_until lies before valid_from: swap them.", field="valid_until")
        _whole_minutes(self.starts, self.ends)

    def begins_on(self, day: date) -> bool:
        if day.weekday() != self.weekday:
            return False
        if (self.valid_from and day < self.valid_from) or (self.valid_until and day > self.valid_until):
            return False
        return self.anchor is None or (_monday(day) - _monday(self.anchor)).days // 7 % self.every_weeks == 0

    def on(self, day: date) -> tuple[datetime, datetime]:
        """Start and end, in local time, of the occurrence that begins on that day."""
        last = day if self.ends > self.starts else day + DAY
        return datetime.combine(day, self.starts), datetime.combine(last, self.ends)


@dataclass(frozen=True, slots=True)
class Dated:
    """Once, from one local wall time to another: a closure, time off, an extra opening."""

    starts: datetime
    ends: datetime

    def __post_init__(self) -> None:
        if self.starts.tzinfo or self.ends.tzinfo:
            raise Invalid("A dated rule is written in local time, without an offset.", field="starts")
        if self.ends <= self.starts:
            raise Invalid("ends is not after starts: swap them.", field="ends")
        _whole_minutes(self.starts.time(), self.ends.time())

    @classmethod
    def days(cls, first: date, last: date | None = None) -> Dated:
        """Whole local days, both included."""
        return cls(datetime.combine(first, time.min), datetime.combine((last or first) + DAY, time.min))


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a location is open, or when a resource serves there.

    Open is: the weekly hours, less breaks and closures (holidays are closures), plus extra openings (which is how one
    opens on a holiday), less time off (which nothing overrides: the person is not there).
    A closure takes the minutes it names, so one day's closure ends a night shift of the evening before at midnight.
    """

    hours: tuple[Weekly, ...] = ()
    breaks: tuple[Weekly, ...] = ()
    closures: tuple[Dated, ...] = ()
    extra: tuple[Dated, ...] = ()
    time_off: tuple[Dated, ...] = ()


class OpenTime(NamedTuple):
    """The minutes of a window a timetable opens, and those that each kind of rule takes away."""

    open: Bits
    breaks: Bits
    closures: Bits
    time_off: Bits


def open_time(timetable: Timetable, days: LocalDays) -> OpenTime:
    """The timetable laid over the window of ``days``, in their zone."""
    minutes = days.window.minutes
    breaks = bitmap.mask(_weekly(timetable.breaks, days), minutes)
    closures = bitmap.mask(_dated(timetable.closures, days), minutes)
    time_off = bitmap.mask(_dated(timetable.time_off, days), minutes)
    extra = bitmap.mask(_dated(timetable.extra, days), minutes)
    hours = bitmap.mask(_weekly(timetable.hours, days), minutes)
    return OpenTime((hours & ~breaks & ~closures | extra) & ~time_off, breaks, closures, time_off)


def holiday_closures(country: str, region: str | None, years: Iterable[int]) -> tuple[Dated, ...]:
    """The public holidays of an ISO 3166 country (and region), with the days they are observed on, as closures.

    Raises Invalid for a country or a region that the ``holidays`` library does not know.
    """
    try:
        dates = holidays.country_holidays(country, subdiv=region, years=list(years))
    except NotImplementedError as unknown:
        where = f"{country}, region {region}" if region else country
        raise Invalid(
            said("No holidays are known for {where}: {why}", where=where, why=str(unknown)), field="holidays"
        ) from unknown
    return tuple(Dated.days(day) for day in sorted(dates))


def _weekly(rules: Iterable[Weekly], days: LocalDays) -> list[Span]:
    return [
        (days.index(starts), days.index(ends))
        for rule in rules
        for day in days.by_weekday[rule.weekday]
        if rule.begins_on(day)
        for starts, ends in [rule.on(day)]
    ]


def _dated(rules: Iterable[Dated], days: LocalDays) -> list[Span]:
    first, last = min(days.spans), max(days.spans)
    # years of holidays and closures, of which a window meets a few: the others need not be resolved
    near = (rule for rule in rules if rule.starts.date() <= last and rule.ends.date() >= first)
    # nor is an end that lies beyond the window: it may be in the year 9999
    low, high = (datetime.combine(day, time.min) for day in (first, last + DAY))
    return [(days.index(max(rule.starts, low)), days.index(min(rule.ends, high))) for rule in near]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _whole_minutes(*times: time) -> None:
    for moment in times:
        if moment.second or moment.microsecond or moment.tzinfo:
            raise Invalid(
                said("{time} is not a plain time in whole minutes: write it like 09:30.", time=str(moment)),
                field="time",
            )

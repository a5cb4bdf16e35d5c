"""Local days laid over a window: from the clock on the wall to the minute's index, and back.

Almost every local day has 1,440 minutes, and then a wall time is the day's first index plus its minutes; only days on
which the clocks change ask the resolver. That keeps sixty days of opening hours for fifty people in microseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property
from typing import Final

from holdfast import wallclock
from holdfast.availability import bitmap
from holdfast.availability.bitmap import Bits, Span, Window

DAY: Final = timedelta(days=1)
DAY_MINUTES: Final = 1440


@dataclass(frozen=True)
class LocalDays:
    """The local days that touch a window, and one more on either side (a night shift reaches over midnight)."""

    window: Window
    zone: str
    spans: dict[date, Span]

    @cached_property
    def by_weekday(self) -> tuple[list[date], ...]:
        """The days, Mondays first."""
        return tuple([day for day in self.spans if day.weekday() == weekday] for weekday in range(7))

    @classmethod
    def over(cls, window: Window, zone: str) -> LocalDays:
        day = wallclock.local_date(window.origin, zone) - DAY
        last = wallclock.local_date(window.instant(window.minutes), zone) + DAY
        starts = {}
        while day <= last + DAY:
            starts[day] = window.index(wallclock.day_start(day, zone))
            day += DAY
        return cls(window, zone, {day: (low, starts[day + DAY]) for day, low in starts.items() if day <= last})

    def index(self, local: datetime) -> int:
        """The minute that a rule means by this wall time (RFC 5545 section 3.3.5, see ``wallclock.resolve_rule``)."""
        low, high = self.spans.get(local.date(), (0, 0))
        if high - low == DAY_MINUTES:
            return low + local.hour * 60 + local.minute
        return self.window.index(wallclock.resolve_rule(local, self.zone))

    def date_of(self, index: int) -> date:
        """The local calendar day of that minute."""
        return wallclock.local_date(self.window.instant(index), self.zone)

    def days(self, dates: set[date]) -> Bits:
        """All minutes of those local days."""
        return bitmap.mask([self.spans[day] for day in dates if day in self.spans], self.window.minutes)

    def grid(self, every_minutes: int) -> Bits:
        """The minutes at which the wall clock stands on a multiple of ``every_minutes`` since 00:00.

        The clock is what counts: after a change of the clocks the grid goes on at :00 and :30, in the repeated hour it
        is there twice, and where ``every_minutes`` does not divide a day it begins anew at midnight.
        """
        return self._where_clock_shows(_comb(every_minutes))

    def part_of_day(self, start: time, end: time) -> Bits:
        """The minutes whose wall time is in ``[start, end)``; an end of 00:00 means midnight."""
        low, high = (moment.hour * 60 + moment.minute for moment in (start, end))
        return self._where_clock_shows(bitmap.mask([(low, high or DAY_MINUTES)], DAY_MINUTES))

    def _where_clock_shows(self, times: Bits) -> Bits:
        """The minutes at which the wall clock shows one of ``times`` (a bit for each minute of a common day)."""
        bits = 0
        for low, high in self.spans.values():
            for begin, end in [(low, high)] if high - low == DAY_MINUTES else self._steady(low, high):
                stretch = times >> self._minute_of_day(begin) & (1 << end - begin) - 1
                bits |= bitmap.earlier(stretch, -begin)
        return bits & self.window.full

    def _steady(self, low: int, high: int) -> list[Span]:
        """A day on which the clocks change, in the stretches before and after they do."""
        if low == high:
            return []
        offset = self._local(low).utcoffset()
        change = bisect_left(range(low, high), True, key=lambda i: self._local(i).utcoffset() != offset) + low
        return [(low, change), (change, high)] if change < high else [(low, high)]

    def _minute_of_day(self, index: int) -> int:
        local = self._local(index)
        return local.hour * 60 + local.minute

    def _local(self, index: int) -> datetime:
        return wallclock.to_local(self.window.instant(index), self.zone)


@cache
def _comb(every_minutes: int) -> Bits:
    return sum(1 << minute for minute in range(0, DAY_MINUTES, every_minutes))

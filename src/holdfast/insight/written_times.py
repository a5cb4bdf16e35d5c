"""Dates, times and durations as people and exports write them.

ISO 8601, 3/14/2026 2:30 PM, 14.03.2026 14:30, 14/03/2026, March 14, 2026 2:30 pm, Sat 14 Mar 2026. Whether the day or
the month comes first is a property of a column, never of one cell: see ``DayFirst``.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Final, NamedTuple

_MONTH_NAMES: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_YEAR_FIRST: Final = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", re.ASCII)
_COMPACT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_NUMBERS: Final = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d\d)", re.ASCII)
_MONTH_DAY: Final = re.compile(r"([a-z]{3})[a-z]*\.?[ -](\d{1,2})(?:st|nd|rd|th)?,?[ -](\d{4})", re.ASCII)
_DAY_MONTH: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\.?[ -]([a-z]{3})[a-z]*\.?,?[ -](\d{4})", re.ASCII)
_WEEKDAY: Final = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? +", re.ASCII)
_CLOCK: Final = re.compile(
    r"t?(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d+)?)?)? ?(?P<half>[ap]\.?m\.?)?"
    r" ?(?P<offset>z|utc|gmt|[+-][01]\d:?[0-5]\d)?(?: ?\(?[a-z]{2,5}\)?)?",
    re.ASCII,
)
_SPLIT: Final = re.compile(r"(?<=\d)(?:t(?=\d)| at | - |, | +)(?=t?\d{1,2}(?:[:.h]\d\d| ?[ap]\.?m))", re.ASCII)
_HOURS: Final = re.compile(r"(\d{1,3}(?:\.\d+)?) ?h(?:ours?|rs?)?\.?", re.ASCII)
_MINUTES: Final = re.compile(r"(\d{1,5}) ?m(?:in(?:ute)?s?)?\.?", re.ASCII)
_COLONS: Final = re.compile(r"(\d{1,3}):(\d\d)(?::(\d\d))?", re.ASCII)
_ISO_LENGTH: Final = re.compile(r"pt(?:(\d{1,3})h)?(?:(\d{1,5})m)?(?:\d{1,5}s)?", re.ASCII)


class Written(NamedTuple):
    """What a cell says: a day, a clock time, or both; ``offset`` when it names its distance from UTC."""

    day: date | None
    clock: time | None
    offset: timezone | None


class DayFirst:
    """Finds out from a column whether 03/04/2026 is in April: one 25/… or …/25/ among its cells decides."""

    def __init__(self, said: bool | None = None) -> None:
        self.said = said
        self.decided: bool | None = said
        self.dotted = False
        self.is_needed = False

    def look(self, cell: str) -> None:
        """Take note of a cell."""
        match = _NUMBERS.match(_without_weekday(cell.strip().lower()))
        if match is None:
            return
        self.is_needed = True
        self.dotted = self.dotted or match[2] == "."
        if self.decided is None and int(match[1]) > 12:
            self.decided = True
        elif self.decided is None and int(match[3]) > 12:
            self.decided = False

    @property
    def value(self) -> bool:
        """Undecided: 03.04.2026 is read day first, 03/04/2026 month first."""
        return self.dotted if self.decided is None else self.decided

    @property
    def is_guess(self) -> bool:
        return self.is_needed and self.decided is None


@lru_cache(maxsize=65536)
def read_written(cell: str, day_first: bool) -> Written | None:
    """What the cell says; None when it is neither a day nor a time."""
    text = cell.strip().lower()
    head, clock_text = text, ""
    if (cut := _SPLIT.search(text)) is not None:
        head, clock_text = text[: cut.start()], text[cut.end() :]
    day = _day(head, day_first)
    if day is None:
        clock = _clock(text)
        return Written(None, *clock) if clock is not None else None
    if not clock_text:
        return Written(day, None, None)
    clock = _clock(clock_text)
    return Written(day, *clock) if clock is not None else None


@lru_cache(maxsize=4096)
def read_length(cell: str) -> timedelta | None:
    """A duration: minutes as a bare number, 1:30, 90 min, 1 h 30 min, 1.5 hours, PT1H30M; None for anything else."""
    text = cell.strip().lower()
    if re.fullmatch(r"\d{1,5}(\.0+)?", text, re.ASCII):
        return timedelta(minutes=float(text))
    if (colons := _COLONS.fullmatch(text)) is not None:
        return timedelta(hours=int(colons[1]), minutes=int(colons[2]), seconds=int(colons[3] or 0))
    if (iso := _ISO_LENGTH.fullmatch(text)) is not None:
        return timedelta(hours=int(iso[1] or 0), minutes=int(iso[2] or 0))
    hours, minutes = _HOURS.match(text), None
    rest = text[hours.end() :].removeprefix(",").strip().removeprefix("and ") if hours else text
    if rest:
        minutes = _MINUTES.fullmatch(rest)
        if minutes is None:
            return None
    return timedelta(hours=float(hours[1]) if hours else 0, minutes=int(minutes[1]) if minutes else 0)


def _without_weekday(text: str) -> str:
    match = _WEEKDAY.match(text)
    return text[match.end() :] if match else text


def _day(text: str, day_first: bool) -> date | None:
    text = _without_weekday(text.strip(" ,"))
    if (match := _YEAR_FIRST.fullmatch(text)) is not None:
        year, month, day = int(match[1]), int(match[3]), int(match[4])
    elif (match := _NUMBERS.fullmatch(text)) is not None:
        year = int(match[4]) + (2000 if len(match[4]) == 2 else 0)
        day, month = (int(match[1]), int(match[3])) if day_first else (int(match[3]), int(match[1]))
    elif (match := _COMPACT.fullmatch(text)) is not None:
        year, month, day = int(match[1]), int(match[2]), int(match[3])
    elif (match := _MONTH_DAY.fullmatch(text)) is not None:
        year, month, day = int(match[3]), _MONTHS.get(match[1], 0), int(match[2])
    elif (match := _DAY_MONTH.fullmatch(text)) is not None:
        year, month, day = int(match[3]), _MONTHS.get(match[2], 0), int(match[1])
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _clock(text: str) -> tuple[time, timezone | None] | None:
    match = _CLOCK.fullmatch(text.strip())
    if match is None or (match["minute"] is None and match["half"] is None):
        return None
    hour = int(match["hour"])
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"].startswith("p") else 0)
    try:
        clock = time(hour, int(match["minute"] or 0), int(match["second"] or 0))
    except ValueError:
        return None
    return clock, _offset(match["offset"])


def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text[0] not in "+-":
        return UTC
    return datetime.strptime(text, "%z").tzinfo  # type: ignore[return-value]

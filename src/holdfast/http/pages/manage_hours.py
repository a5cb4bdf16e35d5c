"""Rules of time in a form: a week of times as one writes them, what holds only for a while, and what is once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from itertools import groupby
from typing import Any, Final

from holdfast.catalog.hours import DatedEntry, Rules, WeeklyEntry, parse_times
from holdfast.http.pages.manage_form import CHECKED, Fields, Reader, set_rows

WEEKLY: Final = ("hours", "break")
LOCATION_DATED: Final = ("closure", "extra")
RESOURCE_DATED: Final = ("time_off", "extra", "closure")
EVERY_WEEKS_MAX: Final = 52
_ALWAYS: Final = ("", "", 1, "")
_DAY: Final = timedelta(days=1)


def hours_fields(rules: Rules, prefix: str = "") -> Fields:
    """The rules as the form has them."""
    fields: Fields = {}
    for kind in WEEKLY:
        for weekday in range(7):
            always = [
                each
                for each in rules.weekly
                if (each.kind, each.weekday, each.validity) == (kind, weekday, _ALWAYS)
            ]  # fmt: skip
            fields[f"{prefix}{kind}-{weekday}"] = ", ".join(each.times for each in sorted(always))
    set_rows(fields, f"{prefix}while", _while_rows(rules.weekly))
    set_rows(fields, f"{prefix}dated", (_dated_row(each) for each in rules.dated))
    return fields


def read_hours(reader: Reader, dated: Sequence[str], prefix: str = "") -> Rules:
    """The rules in the form; ``dated`` are the kinds that are possible."""
    weekly = [
        WeeklyEntry(kind, weekday, starts, ends)
        for kind in WEEKLY
        for weekday in range(7)
        for starts, ends in _times(reader, f"{prefix}{kind}-{weekday}")
    ]
    for row in reader.rows(f"{prefix}while", "times"):
        weekly += _read_while(reader, row)
    once = [_read_dated(reader, row, dated) for row in reader.rows(f"{prefix}dated", "from", "until", "reason")]
    return Rules(tuple(sorted(set(weekly))), tuple(sorted({each for each in once if each})))


def _while_rows(weekly: Sequence[WeeklyEntry]) -> Iterator[dict[str, Any]]:
    """One row for the days that have the same times for the same while."""
    limited = sorted(
        (each for each in weekly if each.validity != _ALWAYS), key=lambda each: (each.kind, each.validity, each)
    )
    for (kind, validity), same in groupby(limited, key=lambda each: (each.kind, each.validity)):
        by_day = {day: ", ".join(each.times for each in found) for day, found in groupby(same, key=lambda e: e.weekday)}
        for times in dict.fromkeys(by_day.values()):
            valid_from, valid_until, every_weeks, anchor = validity
            days = {f"day{day}": CHECKED for day, said in by_day.items() if said == times}
            yield {
                "kind": kind, "times": times, "from": valid_from, "until": valid_until, "every": every_weeks,
                "anchor": anchor, **days,
            }  # fmt: skip


def _dated_row(entry: DatedEntry) -> dict[str, Any]:
    starts, ends = entry.starts, entry.ends
    if starts.time() == ends.time() == time(0):
        return {"kind": entry.kind, "from": starts.date(), "until": (ends - _DAY).date(), "reason": entry.reason}
    return {
        "kind": entry.kind, "from": starts.date(), "from_time": f"{starts:%H:%M}", "until": ends.date(),
        "until_time": f"{ends:%H:%M}", "reason": entry.reason,
    }  # fmt: skip


def _times(reader: Reader, name: str) -> list[tuple[time, time]]:
    return (reader.attempt(name, parse_times) or []) if reader.text(name, required=False) else []


def _read_while(reader: Reader, row: str) -> list[WeeklyEntry]:
    kind = reader.choice(f"{row}kind", WEEKLY)
    days = [day for day in range(7) if reader.checked(f"{row}day{day}")]
    if not days:
        reader.wrong(f"{row}times", "On which days? Tick at least one.")
    every = reader.integer(f"{row}every", 1, EVERY_WEEKS_MAX, empty=1)
    valid_from, valid_until = reader.day(f"{row}from"), reader.day(f"{row}until")
    anchor = reader.day(f"{row}anchor") or (valid_from if every > 1 else "")
    if every > 1 and not anchor:
        reader.wrong(f"{row}anchor", "Every so many weeks, counted from when? Give a date in a week that counts.")
    if valid_from and valid_until and valid_until < valid_from:
        reader.wrong(f"{row}until", "This ends before it starts.")
    return [
        WeeklyEntry(kind, day, starts, ends, valid_from, valid_until, every, anchor)
        for starts, ends in _times(reader, f"{row}times")
        for day in days
    ]


def _read_dated(reader: Reader, row: str, kinds: Sequence[str]) -> DatedEntry | None:
    kind = reader.choice(f"{row}kind", kinds)
    first = reader.day(f"{row}from")
    last = reader.day(f"{row}until") or first
    from_time, until_time = reader.wall_time(f"{row}from_time"), reader.wall_time(f"{row}until_time")
    if not first:
        reader.wrong(f"{row}from", "From which day?")
        return None
    starts = datetime.combine(datetime.fromisoformat(first), from_time or time(0))
    # whole days end when the last one does
    ends = datetime.combine(datetime.fromisoformat(last), until_time or time(0)) + (
        timedelta(0) if until_time else _DAY
    )
    if ends <= starts:
        reader.wrong(f"{row}until", "This ends before it starts.")
    return DatedEntry(kind, starts, ends, reader.text(f"{row}reason", required=False))

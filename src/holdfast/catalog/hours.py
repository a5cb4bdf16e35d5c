"""Opening hours, breaks and exceptions in the words of the catalog file, and as the record takes them.

``mon-fri: 09:00-12:00, 13:00-17:00`` · ``sat: {times: 10:00-14:00, every_weeks: 2, anchor: 2027-03-06}`` ·
``2027-12-24`` · ``2027-12-24 to 2027-12-26`` · ``2027-12-24T12:00 to 2027-12-24T18:00``. All on the location's clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any, Final

from holdfast.wallclock import FAR, is_sane

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIMES: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d) ?- ?([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(T([01]\d|2[0-3]):[0-5]\d)?", re.ASCII)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class WeeklyEntry:
    """Every week, or every ``every_weeks`` from the week of ``anchor``; Monday is 0, times are wall times."""

    kind: str
    weekday: int
    starts: time
    ends: time
    valid_from: str = ""
    valid_until: str = ""
    every_weeks: int = 1
    anchor: str = ""

    @property
    def times(self) -> str:
        return f"{self.starts:%H:%M}-{self.ends:%H:%M}"

    @property
    def validity(self) -> tuple[str, str, int, str]:
        return self.valid_from, self.valid_until, self.every_weeks, self.anchor

    def facts(self) -> dict[str, Any]:
        """As the SQL functions take it."""
        return {
            "kind": self.kind, "weekday": self.weekday, "starts": f"{self.starts:%H:%M}", "ends": f"{self.ends:%H:%M}",
            "valid_from": self.valid_from or None, "valid_until": self.valid_until or None,
            "every_weeks": self.every_weeks, "anchor": self.anchor or None,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class DatedEntry:
    """Once, from one wall time to another."""

    kind: str
    starts: datetime
    ends: datetime
    reason: str = ""

    @property
    def when(self) -> str:
        """In the words of the file; whole days by their dates."""
        if self.starts.time() == self.ends.time() == time(0):
            last = (self.ends - _DAY).date()
            return f"{self.starts:%Y-%m-%d}" + (f" to {last}" if last > self.starts.date() else "")
        return f"{self.starts:%Y-%m-%dT%H:%M} to {self.ends:%Y-%m-%dT%H:%M}"

    def facts(self) -> dict[str, Any]:
        """As the SQL functions take it."""
        return {
            "kind": self.kind, "starts": self.starts.isoformat(), "ends": self.ends.isoformat(), "reason": self.reason,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rules:
    """What is said about time of one location, one resource, or one resource at one location; sorted."""

    weekly: tuple[WeeklyEntry, ...] = ()
    dated: tuple[DatedEntry, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.weekly or self.dated)

    def words(self) -> Iterator[tuple[str, str]]:
        """Each kind of rule in one line."""
        for kind, name in (("hours", "hours"), ("break", "breaks")):
            if said := weekly_in_words([rule for rule in self.weekly if rule.kind == kind]):
                yield name, "; ".join(f"{days} {_said(value)}" for days, value in said.items())
        for kind, name in (("closure", "closures"), ("extra", "extra"), ("time_off", "time_off")):
            if dated := [rule for rule in self.dated if rule.kind == kind]:
                yield name, ", ".join(f"{rule.when} {rule.reason}".strip() for rule in dated)


NO_RULES: Final = Rules()


def read_rules(weekly: Iterable[Mapping[str, Any]], dated: Iterable[Mapping[str, Any]]) -> Rules:
    """The rules in rows of the record, as JSON has them."""
    return Rules(
        tuple(
            sorted(
                WeeklyEntry(
                    row["kind"],
                    row["weekday"],
                    time.fromisoformat(row["starts"]),
                    time.fromisoformat(row["ends"]),
                    row["valid_from"] or "",
                    row["valid_until"] or "",
                    row["every_weeks"],
                    row["anchor"] or "",
                )
                for row in weekly
            )
        ),
        tuple(
            sorted(
                DatedEntry(
                    row["kind"],
                    datetime.fromisoformat(row["starts"]),
                    datetime.fromisoformat(row["ends"]),
                    row["reason"],
                )
                for row in dated
            )
        ),
    )


def parse_weekdays(text: str) -> list[int]:
    """``"mon-fri"``, ``"sat, sun"``, ``"daily"`` as weekdays. Raises ValueError."""
    if text.strip().lower() == "daily":
        return list(range(7))
    days: list[int] = []
    for part in text.lower().split(","):
        first, _, last = (word.strip()[:3] for word in part.partition("-"))
        if first not in WEEKDAYS or (last and last not in WEEKDAYS):
            raise ValueError("write days such as mon-fri, sat, or daily")
        low, high = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        days += range(low, high + 1) if low <= high else [*range(low, 7), *range(high + 1)]
    return sorted(set(days))


def parse_times(text: str) -> list[tuple[time, time]]:
    """``"09:00-12:00, 13:00-17:00"``; 24:00 is midnight. Raises ValueError."""
    found = []
    for part in text.split(","):
        match = _TIMES.fullmatch(part.strip())
        if match is None or (match[3] == "24" and match[4] != "00"):
            raise ValueError("write times such as 09:00-12:00, 13:00-17:00")
        found.append((time(int(match[1]), int(match[2])), time(int(match[3]) % 24, int(match[4]))))
    return found


def parse_when(text: str) -> tuple[datetime, datetime]:
    """A day, days, or a span between two wall times. Raises ValueError."""
    first, _, last = (part.strip() for part in text.partition(" to "))
    last = last or first
    if not _MOMENT.fullmatch(first) or not _MOMENT.fullmatch(last) or ("T" in first) != ("T" in last):
        raise ValueError("write 2027-12-24, 2027-12-24 to 2027-12-26, or 2027-12-24T12:00 to 2027-12-24T18:00")
    starts, ends = datetime.fromisoformat(first), datetime.fromisoformat(last)
    _check_year(starts)
    _check_year(ends)
    ends = ends if "T" in last else ends + _DAY
    if ends <= starts:
        raise ValueError("it ends before it starts: swap them")
    return starts, ends


def parse_day(text: str) -> str:
    """A date, as it is written. Raises ValueError."""
    day = date.fromisoformat(text.strip())
    _check_year(day)
    return day.isoformat()


def _check_year(day: date) -> None:
    if not is_sane(day):
        raise ValueError(f"{FAR}; leave the date out for what has no end")


def weekly_in_words(rules: Iterable[WeeklyEntry]) -> dict[str, Any]:
    """{days: times} as the file has it; days that are alike stand together."""
    by_day: dict[int, Any] = {}
    for weekday, group in groupby(sorted(rules, key=lambda rule: rule.weekday), key=lambda rule: rule.weekday):
        by_day[weekday] = _day_in_words(list(group))
    words: dict[str, Any] = {}
    days = sorted(by_day)
    while days:
        first = days[0]
        run = [first]
        while run[-1] + 1 in by_day and by_day[run[-1] + 1] == by_day[first]:
            run.append(run[-1] + 1)
        days = days[len(run) :]
        words[WEEKDAYS[first] if len(run) == 1 else f"{WEEKDAYS[first]}-{WEEKDAYS[run[-1]]}"] = by_day[first]
    return words


def _day_in_words(rules: list[WeeklyEntry]) -> Any:
    parts: list[Any] = []
    for validity, group in groupby(sorted(rules, key=lambda rule: rule.validity), key=lambda rule: rule.validity):
        times = ", ".join(rule.times for rule in sorted(group))
        named = dict(zip(("from", "until", "every_weeks", "anchor"), validity, strict=True))
        said = {name: value for name, value in named.items() if value not in ("", 1)}
        parts.append({"times": times, **said} if said else times)
    return parts[0] if len(parts) == 1 else parts


def _said(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(map(_said, value))
    if isinstance(value, dict):
        return ", ".join(str(each) if name == "times" else f"{name} {each}" for name, each in value.items())
    return str(value)

"""What a foreign calendar file says, in one shape for every format.

A reader yields an ``Event`` for everything that takes time, and writes into a ``Reading`` what it left out, what it
could not read, and which time zone it went by. Instants are aware ``datetime`` in UTC; ranges are ``[start, end)``.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timezone, tzinfo
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from icalendar.timezone import tzp

from holdfast.errors import Invalid

LeftOut = Literal["cancelled", "free", "declined", "zero length", "exported twice", "outside the window"]
ZoneSource = Literal["option", "file", "assumed"]

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199
PROBLEMS_KEPT: Final = 1000


class Event(NamedTuple):
    """One booking on one resource. A CSV line with three resource columns gives three events with one ``uid``."""

    uid: str
    """The file's own id; "" where the file has none."""
    recurrence_id: datetime | None
    """The original start of one occurrence of a series (RFC 5545 section 3.8.4.4), None for a single event."""
    start: datetime
    end: datetime
    resource: str
    resource_kind: str
    """provider, room, device, resource; or calendar where the file says no more than "a calendar"."""
    summary: str
    """Title or client's name: client data, to be shown only to who asked for it."""
    status: str
    kind: str
    """The service or category, "" where unknown."""
    source: str
    """The surface that made the booking (online, front desk, …), "" where unknown."""
    all_day: bool
    line: int


class Problem(NamedTuple):
    """What could not be read: the line in the file (1 is the first), and one sentence."""

    line: int
    what: str


class Window(NamedTuple):
    """Only what overlaps ``[start, end)`` is read; None leaves that side to the file."""

    start: datetime | None = None
    end: datetime | None = None

    def overlaps(self, start: datetime, end: datetime) -> bool:
        return (self.start is None or end > self.start) and (self.end is None or start < self.end)


@dataclass(frozen=True, slots=True)
class Hints:
    """What the caller knows better than the file: which column is what, and how dates are written."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """A field (``start``, ``end``, ``room``, …) to the header that holds it."""
    day_first: bool | None = None
    """Whether 03/04/2026 is the third of April; None: found out from the column."""


WHOLE: Final = Window()
NO_HINTS: Final = Hints()


@dataclass(slots=True)
class Reading:
    """What a reader notes while its events are drawn; complete when the last event has been."""

    name: str
    """What the file calls itself, or its file name."""
    zone: tzinfo = UTC
    zone_source: ZoneSource = "assumed"
    """Where the zone of times without one came from."""
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    id_scope: str = ""
    """Where the ids mean one thing: "" for everywhere (RFC 5545 section 3.8.4.7), else this file alone."""
    notes: list[str] = field(default_factory=list)
    """Assumptions in words, such as which of day and month comes first."""

    def problem(self, line: int, what: str) -> None:
        """Note a problem. Only the first thousand keep their text: a broken million-line file must fit in memory."""
        self.problem_count += 1
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(Problem(line, what))

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """A calendar file, read whole."""

    events: list[Event]
    reading: Reading

    @property
    def problems(self) -> list[Problem]:
        return self.reading.problems


def zone_named(name: str) -> tzinfo | None:
    """The zone of an IANA or Windows name, or of a VTIMEZONE read before; None when nobody knows it."""
    with warnings.catch_warnings():
        # A vendor prefix ("/freeassociation.sourceforge.net/Europe/Berlin") is stripped: that is what we want.
        warnings.simplefilter("ignore")
        try:
            return tzp.timezone(name)
        except (ValueError, OSError):
            return None


def zone_of_option(name: str) -> tzinfo:
    """The zone a person asked for. Raises Invalid with a hint."""
    found = zone_named(name.strip())
    if found is None:
        raise Invalid(f"{name[:80]!r} is not a time zone; one looks like Europe/Berlin.", field="tz")
    return found


def zone_name(zone: tzinfo) -> str:
    """How the zone is called, for people."""
    if isinstance(zone, ZoneInfo):
        return zone.key
    if isinstance(zone, timezone):
        return str(zone)
    return str(getattr(zone, "_tzid", zone))


def instant(local: datetime, zone: tzinfo) -> datetime:
    """The moment a foreign calendar means by a wall-clock time.

    RFC 5545 section 3.3.5: an hour that happens twice means its first occurrence, one that does not exist is read
    with the offset from before the gap; that is ``fold=0`` (PEP 495). The zone may be the file's own VTIMEZONE,
    which is why this does not go through the resolver of our own locations' wall clocks.
    """
    at = local.replace(tzinfo=zone, fold=0)
    return at if zone is UTC else at.astimezone(UTC)


def instants(local_start: datetime, local_end: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Both ends of a booking in one zone. One that begins in the hour that spring skips keeps its length."""
    start, end = instant(local_start, zone), instant(local_end, zone)
    if end < start and local_end > local_start:
        end = start + (local_end - local_start)
    return start, end


def is_sane(start: datetime, end: datetime) -> bool:
    """Whether both ends lie in years that a booking can have."""
    return FIRST_YEAR <= start.year <= LAST_YEAR and FIRST_YEAR <= end.year <= LAST_YEAR

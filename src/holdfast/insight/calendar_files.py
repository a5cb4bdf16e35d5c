"""Read a calendar file, whatever made it: ``read_calendar`` whole, ``open_calendar`` event by event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from holdfast.errors import Invalid
from holdfast.insight.calendar_events import NO_HINTS, WHOLE, CalendarFile, Event, Hints, Reading, Window
from holdfast.insight.csv_file import csv_events
from holdfast.insight.file_text import encoding_of, head_of, report_encoding
from holdfast.insight.ics_file import ics_events


@dataclass(frozen=True, slots=True)
class OpenCalendar:
    """A file whose events are drawn one at a time; ``reading`` is complete once they all have been."""

    events: Iterator[Event]
    reading: Reading


def open_calendar(
    path: Path, *, tz: tzinfo | None = None, window: Window = WHOLE, hints: Hints = NO_HINTS
) -> OpenCalendar:
    """Open an iCalendar or CSV file (told apart by what is in it).

    ``tz`` is the zone of times that carry none. Raises NotFound or Invalid, one sentence and a hint, when there is
    nothing to read; anything broken inside becomes a problem in ``reading`` and the rest is read. A million-line
    CSV is never held in memory; an .ics file is, since an event may move another one anywhere in it.
    """
    head = head_of(path)
    encoding = encoding_of(path, head)
    reading = Reading(name=path.stem)
    report_encoding(encoding, reading)
    text = head.decode(encoding.name, "replace").replace("\0", "")
    if "BEGIN:V" in text.upper():
        return OpenCalendar(ics_events(path, encoding, tz=tz, window=window, reading=reading), reading)
    if path.suffix.lower() in (".ics", ".ical", ".ifb", ".vcs"):
        raise Invalid(
            f"{path} is not an iCalendar file: it has no BEGIN:VCALENDAR. A web page saved by mistake? "
            "Export the calendar again as .ics."
        )
    return OpenCalendar(csv_events(path, encoding, tz=tz, window=window, hints=hints, reading=reading), reading)


def read_calendar(
    path: Path, *, tz: tzinfo | None = None, window: Window = WHOLE, hints: Hints = NO_HINTS
) -> CalendarFile:
    """The whole file at once, sorted by start; see ``open_calendar`` for the rest."""
    opened = open_calendar(path, tz=tz, window=window, hints=hints)
    events = sorted(opened.events, key=lambda event: (event.start, event.line))
    opened.reading.problems.sort()
    return CalendarFile(events, opened.reading)

"""The outline of an iCalendar file: its head, its VTIMEZONEs, and its VEVENTs one by one, each with its line numbers.

``icalendar`` gives up on a whole file for one broken line and does not say where; this cut comes first, so that one
broken event costs one event. It also drops what nobody here looks at (descriptions,
alarms), which is most of a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from holdfast.insight.calendar_events import Reading

EVENT_PROPERTIES: Final = frozenset(
    {
        "UID",
        "DTSTART",
        "DTEND",
        "DURATION",
        "RRULE",
        "RDATE",
        "EXDATE",
        "RECURRENCE-ID",
        "STATUS",
        "TRANSP",
        "X-MICROSOFT-CDO-BUSYSTATUS",
        "SUMMARY",
        "SEQUENCE",
        "LAST-MODIFIED",
        "DTSTAMP",
        "CATEGORIES",
        "ATTENDEE",
    }
)
_HEAD: Final = re.compile(r'(?P<name>[A-Za-z0-9-]+)(?P<parameters>(?:;(?:[^":]|"[^"]*")*)?):(?P<value>.*)', re.DOTALL)
_TEXT_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


class ContentLine(NamedTuple):
    """One property: RFC 5545 section 3.1, unfolded; ``line`` is where it begins in the file."""

    line: int
    name: str
    parameters: str
    """As written, from the first semicolon on; "" without any."""
    value: str

    @property
    def written(self) -> str:
        return f"{self.name}{self.parameters}:{self.value}"


@dataclass(slots=True)
class EventBlock:
    """The properties of one VEVENT that say when, whose and whether."""

    line: int
    properties: dict[str, list[ContentLine]] = field(default_factory=dict)
    has_junk: bool = False
    """A line that is no property was met and reported; a broken description has dozens."""

    def first(self, name: str) -> ContentLine | None:
        """The first property of that name; RFC 5545 allows most of them once only."""
        found = self.properties.get(name)
        return found[0] if found else None

    def value(self, name: str) -> str:
        found = self.properties.get(name)
        return found[0].value.strip() if found else ""

    @property
    def repeats(self) -> bool:
        return any(name in self.properties for name in ("RRULE", "RDATE", "EXDATE"))

    @property
    def written(self) -> str:
        """A VEVENT again, of the kept properties alone."""
        lines = [line.written for found in self.properties.values() for line in found]
        return "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""])


@dataclass(slots=True)
class Outline:
    """What surrounds the events: complete when the last block has been drawn."""

    head: dict[str, str] = field(default_factory=dict)
    """Properties of the VCALENDAR; the first file of several in one counts."""
    zones: list[tuple[int, str]] = field(default_factory=list)
    """The VTIMEZONE components: the line where each begins, and the component as written."""
    saw_calendar: bool = False


def unescape(text: str) -> str:
    """A TEXT value as it reads: RFC 5545 section 3.3.11."""
    if "\\" not in text:
        return text
    return _TEXT_ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], text)


def unfold(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of the physical line where each begins."""
    first, held = 0, ""
    for number, physical in enumerate(lines, start=1):
        line = physical.rstrip("\r\n")
        if line[:1] in (" ", "\t") and first:
            held += line[1:]
            continue
        if held.strip():
            yield first, held
        first, held = number, line
    if held.strip():
        yield first, held


def event_blocks(lines: Iterable[str], outline: Outline, reading: Reading) -> Iterator[EventBlock]:
    """The VEVENTs of a file in its order; ``outline`` fills as the file is read, ``reading`` notes what is broken."""
    block: EventBlock | None = None
    inside: list[str] = []
    """Other components open here, such as a VALARM, whose DURATION and ATTENDEE are not the event's."""
    numbered = unfold(lines)
    for number, text in numbered:
        marker = text.strip().upper() if text[:4].upper() in ("BEGI", "END:") else ""
        if marker == "BEGIN:VTIMEZONE" and block is None:
            marker = _read_zone(number, text, numbered, outline, reading)
        if marker in ("BEGIN:VEVENT", "BEGIN:VCALENDAR", "END:VCALENDAR"):
            if block is not None:
                reading.problem(
                    block.line, "this VEVENT has no END:VEVENT; it was read up to where the next one begins."
                )
                yield block
            block, inside = (EventBlock(number) if marker == "BEGIN:VEVENT" else None), []
            outline.saw_calendar = outline.saw_calendar or marker == "BEGIN:VCALENDAR"
        elif marker == "END:VEVENT":
            if block is not None:
                yield block
            else:
                reading.problem(number, "END:VEVENT without a BEGIN:VEVENT; skipped.")
            block, inside = None, []
        elif marker.startswith("BEGIN:"):
            inside.append(marker[6:])
        elif marker:
            inside = inside[: inside.index(marker[4:])] if marker[4:] in inside else inside
        elif not inside:
            _read_line(number, text, block, outline, reading)
    if block is not None:
        reading.problem(block.line, "the file breaks off inside this VEVENT; it was left out.")


def _read_zone(number: int, begin: str, numbered: Iterator[tuple[int, str]], outline: Outline, reading: Reading) -> str:
    """Take a VTIMEZONE off the lines; returns the marker that ended it: the next VEVENT's when END is missing."""
    zone = [begin]
    for _, text in numbered:
        marker = text.strip().upper()
        if marker in ("BEGIN:VEVENT", "END:VCALENDAR"):
            reading.problem(number, "this VTIMEZONE has no END:VTIMEZONE; it was left out.")
            return marker
        zone.append(text)
        if marker == "END:VTIMEZONE":
            outline.zones.append((number, "\r\n".join([*zone, ""])))
            break
    return "END:VTIMEZONE"


def _read_line(number: int, text: str, block: EventBlock | None, outline: Outline, reading: Reading) -> None:
    """A property of the event, or of the calendar when no event is open."""
    match = _HEAD.fullmatch(text)
    if match is None:
        if block is not None and not block.has_junk:
            reading.problem(number, f"{text[:40]!r} is not a property (NAME:value); the line was skipped.")
            block.has_junk = True
        return
    name = match["name"].upper()
    if block is None:
        outline.head.setdefault(name, unescape(match["value"].strip()))
    elif name in EVENT_PROPERTIES:
        block.properties.setdefault(name, []).append(ContentLine(number, name, match["parameters"], match["value"]))

"""Events of an iCalendar file (RFC 5545): which of its VEVENTs take time, and when.

A plain event is read here; whatever repeats is handed to ``icalendar`` and ``recurring-ical-events``. Both would read
the plain ones too, at 0.7 ms an event on the machine this was measured on: more than a minute for the 100,000 events
that a few years of a busy practice hold, against some seconds here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Final, NamedTuple

from icalendar.prop import vDuration
from icalendar.timezone import tzp

from holdfast.errors import Invalid
from holdfast.insight.calendar_events import (
    FIRST_YEAR,
    LAST_YEAR,
    Event,
    Reading,
    Window,
    instant,
    instants,
    zone_named,
)
from holdfast.insight.file_text import Encoding, lines_of
from holdfast.insight.ics_blocks import ContentLine, EventBlock, Outline, event_blocks, unescape
from holdfast.insight.ics_series import Horizon, Occurrence, learn_zone, occurrences

_DATE_TIME: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?", re.ASCII)
_TZID: Final = re.compile(r';TZID=(?:"(?P<quoted>[^"]+)"|(?P<bare>[^;:]+))', re.IGNORECASE)
_PARTSTAT_DECLINED: Final = re.compile(r";PARTSTAT=\"?DECLINED", re.IGNORECASE)


class Unreadable(Exception):
    """Why one event cannot be read: the line, and what is wrong there."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


class _Time(NamedTuple):
    """A date, or a date-time with its zone."""

    value: datetime | date
    zone: tzinfo

    @property
    def instant(self) -> datetime:
        """A date means its local midnight."""
        if isinstance(self.value, datetime):
            return instant(self.value, self.zone)
        return instant(datetime.combine(self.value, time.min), self.zone)


@dataclass(slots=True)
class _Calendar:
    """What all events of a file share."""

    reading: Reading
    window: Window
    resource: str
    own_addresses: frozenset[str]
    declared_zone: str | None
    """X-WR-TIMEZONE, when the file has one: its UTC times then repeat on that zone's wall clock."""
    zones: dict[str, tzinfo] = field(default_factory=dict)


def ics_events(
    path: Path, encoding: Encoding, *, tz: tzinfo | None, window: Window, reading: Reading
) -> Iterator[Event]:
    """The events of an .ics file that take time, all-day ones included, in no particular order.

    ``tz`` is for times without a zone, default X-WR-TIMEZONE. Raises Invalid when the file is no calendar at all.
    """
    # icalendar remembers VTIMEZONEs by name for the whole process: those of another file must not speak here.
    tzp.use_default()
    outline = Outline()
    blocks = list(event_blocks(lines_of(path, encoding), outline, reading))
    if not outline.saw_calendar and not blocks:
        raise Invalid(
            f"{path} is not an iCalendar file: it has no BEGIN:VCALENDAR. Export the calendar as .ics or .csv."
        )
    for line, zone in outline.zones:
        learn_zone(line, zone, reading)
    declared_zone = _settle_zone(outline, blocks, tz, reading)
    reading.name = outline.head.get("X-WR-CALNAME", "").strip() or path.stem
    own_addresses = frozenset(text.lower() for text in (reading.name, path.stem) if "@" in text)
    calendar = _Calendar(reading, window, reading.name, own_addresses, declared_zone)
    yield from _events(calendar, _newest(blocks, reading))


def _settle_zone(outline: Outline, blocks: list[EventBlock], tz: tzinfo | None, reading: Reading) -> str | None:
    """Which zone floating times are in. Returns X-WR-TIMEZONE, when the file has one that exists."""
    declared = outline.head.get("X-WR-TIMEZONE")
    found = zone_named(declared) if declared else None
    if declared and found is None:
        reading.problem(1, f"X-WR-TIMEZONE {declared[:60]!r} is not a time zone; it was ignored.")
    if tz is not None:
        reading.zone, reading.zone_source = tz, "option"
    elif found is not None:
        reading.zone, reading.zone_source = found, "file"
    else:
        _zone_of_events(blocks, reading)
    return getattr(found, "key", None)


def _zone_of_events(blocks: list[EventBlock], reading: Reading) -> None:
    """Without X-WR-TIMEZONE the calendar is shown, and floating times are read, in the first zone an event names."""
    for block in blocks:
        start = block.first("DTSTART")
        name = _zone_name(start) if start else None
        zone = zone_named(name) if name else None
        if zone is not None:
            reading.zone, reading.zone_source = zone, "file"
            return


def _newest(blocks: list[EventBlock], reading: Reading) -> dict[str, list[EventBlock]]:
    """The events by UID, each UID and RECURRENCE-ID once: the highest SEQUENCE, then the latest change, counts."""
    newest: dict[tuple[str, str], EventBlock] = {}
    for block in blocks:
        uid = block.value("UID") or f"line {block.line}"
        key = (uid, block.value("RECURRENCE-ID"))
        other = newest.get(key)
        if other is not None:
            reading.left_out["exported twice"] += 1
        if other is None or _version(block) >= _version(other):
            newest[key] = block
    groups: dict[str, list[EventBlock]] = {}
    for (uid, _), block in newest.items():
        groups.setdefault(uid, []).append(block)
    return groups


def _version(block: EventBlock) -> tuple[int, str]:
    sequence = block.value("SEQUENCE")
    return (int(sequence) if sequence.isdecimal() else 0, block.value("LAST-MODIFIED") or block.value("DTSTAMP"))


def _events(calendar: _Calendar, groups: dict[str, list[EventBlock]]) -> Iterator[Event]:
    """Plain events first: how far endless rules are followed depends on them."""
    horizon = Horizon(calendar.window)
    series: list[list[EventBlock]] = []
    for blocks in groups.values():
        if any(block.repeats for block in blocks):
            series.append(_readable(calendar, blocks, horizon))
            continue
        for block in blocks:
            try:
                occurrence = _single(calendar, block)
            except Unreadable as broken:
                calendar.reading.problem(broken.line, broken.what)
                continue
            horizon.see(occurrence.end)
            event = _event(calendar, block, occurrence)
            if event is not None:
                yield event
    for blocks in series:
        by_line = {block.line: block for block in blocks}
        for occurrence in occurrences(blocks, horizon, calendar.reading, calendar.declared_zone):
            event = _event(calendar, by_line[occurrence.line], occurrence)
            if event is not None:
                yield event


def _readable(calendar: _Calendar, blocks: list[EventBlock], horizon: Horizon) -> list[EventBlock]:
    """The blocks of a series whose own first time makes sense; the others are reported and left out."""
    good = []
    for block in blocks:
        try:
            horizon.see_rule(block, _single(calendar, block).end)
        except Unreadable as broken:
            calendar.reading.problem(broken.line, broken.what)
        else:
            good.append(block)
    return good


def _single(calendar: _Calendar, block: EventBlock) -> Occurrence:
    """When a VEVENT happens, its repetitions aside. Raises Unreadable."""
    start_line = block.first("DTSTART")
    if start_line is None:
        raise Unreadable(block.line, "this VEVENT has no DTSTART; it was left out.")
    start = _time(calendar, start_line)
    begin = start.instant
    end = _end(calendar, block, start, begin)
    if end < begin:
        raise Unreadable((block.first("DTEND") or start_line).line, "the event ends before it starts; it was left out.")
    original = block.first("RECURRENCE-ID")
    recurrence_id = _time(calendar, original).instant if original else None
    return Occurrence(block.line, recurrence_id, begin, end, not isinstance(start.value, datetime))


def _end(calendar: _Calendar, block: EventBlock, start: _Time, begin: datetime) -> datetime:
    """DTEND, else DTSTART and DURATION, else a day for a date and no time at all for a date-time (section 3.6.1)."""
    end_line, duration = block.first("DTEND"), block.first("DURATION")
    if end_line is not None:
        end = _time(calendar, end_line)
        if isinstance(start.value, datetime) and isinstance(end.value, datetime) and start.zone is end.zone is not UTC:
            return instants(start.value, end.value, start.zone)[1]
        return end.instant
    if duration is None:
        return begin if isinstance(start.value, datetime) else _later(start, timedelta(days=1))
    try:
        length: timedelta = vDuration.from_ical(duration.value.strip())  # type: ignore[no-untyped-call]
        # Section 3.3.6: a day of a duration is a day on the calendar (23 hours in spring), an hour is an hour.
        return begin + length if "T" in duration.value.upper() else _later(start, length)
    except (ValueError, OverflowError):
        raise Unreadable(duration.line, f"{duration.value[:40]!r} is not a duration; the event was left out.") from None


def _later(start: _Time, length: timedelta) -> datetime:
    return _Time(start.value + length, start.zone).instant


def _time(calendar: _Calendar, line: ContentLine) -> _Time:
    """A DATE or DATE-TIME property with the zone it is in. Raises Unreadable."""
    match = _DATE_TIME.fullmatch(line.value.strip())
    if match is None:
        raise Unreadable(line.line, f"{line.name} {line.value[:40]!r} is not a date and time; the event was left out.")
    year, month, day, hour, minute, second, utc = match.groups()
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise Unreadable(line.line, f"the year is outside {FIRST_YEAR} to {LAST_YEAR}; the event was left out.")
    try:
        if hour is None:
            return _Time(date(int(year), int(month), int(day)), calendar.reading.zone)
        # Second 60 is a leap second (section 3.3.12), which no clock in Python has.
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second), 59))  # noqa: DTZ001
    except ValueError as impossible:
        raise Unreadable(line.line, f"{line.name} {line.value[:40]!r}: {impossible}; the event was left out.") from None
    return _Time(moment, UTC if utc else _zone(calendar, line))


def _zone(calendar: _Calendar, line: ContentLine) -> tzinfo:
    """The zone named by TZID; floating times are in the calendar's zone, and so are those of a zone nobody knows."""
    known = calendar.zones.get(line.parameters)
    if known is not None:
        return known
    name = _zone_name(line)
    zone = zone_named(name) if name else calendar.reading.zone
    if zone is None:
        calendar.reading.problem(line.line, f"the time zone {name!r:.60} is unknown; read as the calendar's own.")
        zone = calendar.reading.zone
    calendar.zones[line.parameters] = zone
    return zone


def _zone_name(line: ContentLine) -> str | None:
    match = _TZID.search(line.parameters)
    return (match["quoted"] or match["bare"]).strip() if match else None


def _event(calendar: _Calendar, block: EventBlock, occurrence: Occurrence) -> Event | None:
    """The event if it takes time within the window; otherwise why not is counted."""
    left_out = calendar.reading.left_out
    if not calendar.window.overlaps(occurrence.start, occurrence.end):
        left_out["outside the window"] += 1
    elif block.value("STATUS").upper() == "CANCELLED":
        left_out["cancelled"] += 1
    elif block.value("TRANSP").upper() == "TRANSPARENT" or block.value("X-MICROSOFT-CDO-BUSYSTATUS").upper() == "FREE":
        left_out["free"] += 1
    elif _is_declined(calendar, block):
        left_out["declined"] += 1
    elif occurrence.start == occurrence.end:
        left_out["zero length"] += 1
    else:
        return Event(
            uid=block.value("UID"),
            recurrence_id=occurrence.recurrence_id,
            start=occurrence.start,
            end=occurrence.end,
            resource=calendar.resource,
            resource_kind="calendar",
            summary=unescape(block.value("SUMMARY")),
            status=block.value("STATUS").lower(),
            kind=unescape(block.value("CATEGORIES")),
            source="",
            all_day=occurrence.all_day,
            line=occurrence.line,
        )
    return None


def _is_declined(calendar: _Calendar, block: EventBlock) -> bool:
    """The calendar's owner said no; where the file does not tell who that is, everybody did."""
    attendees = block.properties.get("ATTENDEE")
    if not attendees:
        return False
    declined = [bool(_PARTSTAT_DECLINED.search(attendee.parameters)) for attendee in attendees]
    own = [
        no
        for no, attendee in zip(declined, attendees, strict=True)
        if attendee.value.strip().lower().removeprefix("mailto:") in calendar.own_addresses
    ]
    return any(own) or all(declined)

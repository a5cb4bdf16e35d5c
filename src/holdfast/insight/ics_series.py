"""Events that repeat: rules, extra and excepted dates, moved occurrences, expanded by ``recurring-ical-events``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final, NamedTuple

import icalendar
import recurring_ical_events
from recurring_ical_events import ComponentsWithName, EventAdapter
from recurring_ical_events import Occurrence as LibraryOccurrence

from holdfast.insight.calendar_events import FIRST_YEAR, Reading, Window, instant, is_sane
from holdfast.insight.ics_blocks import EventBlock

YEAR: Final = timedelta(days=365)
_LINE: Final = "X-HOLDFAST-LINE"
_TOO_OFTEN: Final = re.compile(r"FREQ=(SECONDLY|MINUTELY)", re.IGNORECASE)
_BOUNDED: Final = re.compile(r"(?:^|;)(COUNT|UNTIL)=([0-9]{0,8})", re.IGNORECASE)


class Occurrence(NamedTuple):
    """One time an event happens; ``line`` is that of the VEVENT which says so."""

    line: int
    recurrence_id: datetime | None
    start: datetime
    end: datetime
    all_day: bool


class Horizon:
    """How far rules are followed: they may be endless, and a rate over centuries says nothing.

    To the window's end if there is one. Otherwise a year from now, or to the last event with a date of its own if
    that is later. A calendar whose last such event lies more than a year back is an old export: its endless rules stop
    at that event, or years of events that nobody has seen would be audited.
    """

    def __init__(self, window: Window, now: datetime | None = None) -> None:
        self._window = window
        self._now = now or datetime.now(UTC)
        self._last: datetime | None = None

    def see(self, end: datetime) -> None:
        """Take note of an event that happens once."""
        self._last = end if self._last is None else max(self._last, end)

    def see_rule(self, block: EventBlock, first_end: datetime) -> None:
        """Take note of a rule's own end, unless that is further off than anybody plans."""
        bound = _BOUNDED.search(block.value("RRULE"))
        if block.first("RECURRENCE-ID") is not None:
            self.see(first_end)
        elif bound is not None and len(bound[2]) == 8 and bound[1].upper() == "UNTIL":
            try:
                until = datetime.strptime(bound[2], "%Y%m%d").replace(tzinfo=UTC) + timedelta(days=1)
            except ValueError:
                return
            if until < self._now + YEAR:
                self.see(until)

    def of(self, rule: str) -> datetime:
        """The last instant to which this rule is followed."""
        if self._window.end is not None:
            return self._window.end
        if _BOUNDED.search(rule) is None and self._last is not None and self._last < self._now - YEAR:
            return self._last
        return max(self._now + YEAR, self._last or self._now)

    @property
    def first(self) -> datetime:
        return self._window.start or datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)


class _Adapter(EventAdapter):  # type: ignore[misc]
    """Keeps the way back from an occurrence to the line of its VEVENT."""

    @property
    def line(self) -> int:
        return int(self._component[_LINE])


class _Bare(LibraryOccurrence):  # type: ignore[misc]
    """An occurrence that is not copied into a component of its own: that copy is most of the cost of a long series."""

    def __init__(self, adapter: _Adapter, *times: Any, **more: Any) -> None:
        super().__init__(adapter, *times, **more)
        self.source = adapter

    def as_component(self, _keep_recurrence_attributes: bool) -> _Bare:
        return self


def learn_zone(line: int, text: str, reading: Reading) -> None:
    """Make a VTIMEZONE known to ``icalendar``; names that IANA or Windows define keep their own rules."""
    try:
        icalendar.Calendar.from_ical(f"BEGIN:VCALENDAR\r\n{text}END:VCALENDAR\r\n")
    except Exception as broken:  # the library lets through whatever dateutil raises
        reading.problem(line, f"this VTIMEZONE cannot be read ({_first_sentence(broken)}); it was left out.")


def occurrences(
    blocks: list[EventBlock], horizon: Horizon, reading: Reading, declared_zone: str | None
) -> Iterator[Occurrence]:
    """Every occurrence of the events of one UID, moved ones where they moved to, within the horizon."""
    calendar = icalendar.Calendar()
    if declared_zone is not None:
        calendar.add("X-WR-TIMEZONE", declared_zone)
    components = [component for block in blocks if (component := _component(block, reading)) is not None]
    for component in components:
        calendar.add_component(component)
    rule = next((block.value("RRULE") for block in blocks if "RRULE" in block.properties), "COUNT=1")
    events = ComponentsWithName("VEVENT", adapter=_Adapter, occurrence=_Bare)
    try:
        query = recurring_ical_events.of(calendar, components=[events])
        found = [_occurrence(each, reading.zone) for each in query.between(horizon.first, horizon.of(rule))]
    except Exception as broken:  # a bad rule raises many kinds here
        reading.problem(blocks[0].line, f"this series cannot be followed ({_first_sentence(broken)}); it was left out.")
        return
    yield from (each for each in found if is_sane(each.start, each.end))


def _occurrence(found: LibraryOccurrence, zone: tzinfo) -> Occurrence:
    start, original = _instant(found.start, zone), found.source.recurrence_ids
    recurrence_id = original[0].replace(tzinfo=UTC) if original and isinstance(original[0], datetime) else start
    all_day = not isinstance(found.start, datetime)
    return Occurrence(found.source.line, recurrence_id, start, _instant(found.end, zone), all_day)


def _component(block: EventBlock, reading: Reading) -> icalendar.Component | None:
    """The block as the library wants it, without what it cannot read; that is reported."""
    try:
        component = icalendar.Event.from_ical(block.written)
    except Exception as broken:  # not only ValueError: a TZID that names a folder of zones is an OSError
        reading.problem(block.line, f"this VEVENT cannot be read ({_first_sentence(broken)}); it was left out.")
        return None
    for name, what in component.errors:
        line = block.first(name) if name else None
        told = f"{name or 'a property'} cannot be read ({_first_sentence(what)}); it was ignored."
        reading.problem(line.line if line else block.line, told)
        if name:
            component.pop(name, None)
    rule = block.first("RRULE")
    if rule is not None and _TOO_OFTEN.search(rule.value):
        reading.problem(rule.line, "the event repeats every minute or second; only its first time was counted.")
        component.pop("RRULE", None)
    component[_LINE] = block.line
    return component


def _instant(value: datetime | date, zone: tzinfo) -> datetime:
    if not isinstance(value, datetime):
        return instant(datetime.combine(value, time.min), zone)
    return value.astimezone(UTC) if value.tzinfo is not None else instant(value, zone)


def _first_sentence(error: Exception | str) -> str:
    said = error.strerror if isinstance(error, OSError) else str(error)
    return (said or "").split("\n")[0].rstrip(".")[:160] or type(error).__name__

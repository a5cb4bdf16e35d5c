"""Events of a CSV export: one line a booking, streamed, so that a million lines cost no more memory than one."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Final

from holdfast.errors import Invalid
from holdfast.insight.calendar_events import (
    FIRST_YEAR,
    LAST_YEAR,
    Event,
    Hints,
    LeftOut,
    Reading,
    Window,
    instant,
    instants,
)
from holdfast.insight.csv_columns import Columns, check_fields, check_headers, columns_of, is_header
from holdfast.insight.csv_rows import rows_of
from holdfast.insight.file_text import Encoding, lines_of
from holdfast.insight.written_times import DayFirst, Written, read_length, read_written

HEADER_WITHIN: Final = 15
"""Reports put a title and blank lines above the header; no further down than this."""
DAY: Final = timedelta(days=1)
OVER_MIDNIGHT: Final = timedelta(hours=12)
"""An end before its start belongs to the next morning if that makes the booking no longer than this."""
_FREED: Final = (
    "cancel",
    "declin",
    "reschedul",
    "delet",
    "void",
    "reject",
    "expired",
    "waitlist",
    "wait list",
    "draft",
)
_YES: Final = frozenset({"yes", "y", "true", "1", "x", "on"})


class Unreadable(Exception):
    """Why a row cannot be read."""


@dataclass(frozen=True, slots=True)
class _Table:
    columns: Columns
    header_line: int
    delimiter: str
    day_first: bool


@dataclass(slots=True)
class _Span:
    """When a row happens."""

    start: datetime
    end: datetime
    all_day: bool


def csv_events(
    path: Path, encoding: Encoding, *, tz: tzinfo | None, window: Window, hints: Hints, reading: Reading
) -> Iterator[Event]:
    """The events of a CSV file that take time, in its order, one for each resource a row names.

    Times without an offset are in ``tz``; without ``tz`` they are taken as written (UTC), which is noted: overlaps come
    out right all the same, except in the two nights of a year when the clocks change. Raises Invalid when no header
    row, or no start or end column, can be found.
    """
    table = _table(path, encoding, hints, reading)
    if tz is not None:
        reading.zone, reading.zone_source = tz, "option"
    reading.name, reading.id_scope = path.stem, str(path)
    return _events(path, encoding, table, window, reading)


def _events(path: Path, encoding: Encoding, table: _Table, window: Window, reading: Reading) -> Iterator[Event]:
    columns = table.columns
    lines = lines_of(path, encoding)
    for line, row, mended in rows_of(lines, table.delimiter, lambda cells: _is_row(table, cells)):
        if line <= table.header_line or not (any(row) or mended):
            continue
        try:
            if mended:
                reading.problem(line, f"{mended}.")
            reason, span = _judge(table, row, reading)
        except Unreadable as broken:
            reading.problem(line, f"{broken}; the row was left out.")
            continue
        if reason is None and not window.overlaps(span.start, span.end):
            reason = "outside the window"
        if reason is not None:
            reading.left_out[reason] += 1
            continue
        uid, title = columns.cell(row, "id"), columns.cell(row, "title")
        kind, source = columns.cell(row, "kind"), columns.cell(row, "source")
        status = columns.cell(row, "status").lower()
        for resource_kind, resource in _resources(columns, row, reading.name):
            yield Event(
                uid=uid,
                recurrence_id=None,
                start=span.start,
                end=span.end,
                resource=resource,
                resource_kind=resource_kind,
                summary=title,
                status=status,
                kind=kind,
                source=source,
                all_day=span.all_day,
                line=line,
            )


def _is_row(table: _Table, cells: Sequence[str]) -> bool:
    """Whether these cells alone are a row of this table: as long as its header, with a date where it belongs."""
    if len(cells) < len(table.columns.headers):
        return False
    dated = read_written(table.columns.cell(cells, table.columns.dated), table.day_first)
    return dated is not None and dated.day is not None


def _table(path: Path, encoding: Encoding, hints: Hints, reading: Reading) -> _Table:
    """Find the header, and read down the date column until it is clear whether the day comes first."""
    check_fields(hints.columns)
    header: Columns | None = None
    delimiter = _delimiter(path, encoding, hints.columns)
    day_first = DayFirst(hints.day_first)
    header_line = 0
    rows = csv.reader(lines_of(path, encoding), delimiter=delimiter)
    try:
        for row in rows:
            if header is None:
                if is_header(row, hints.columns):
                    check_headers(path, row, hints.columns)
                    header, header_line = columns_of(path, row, hints.columns), rows.line_num
                elif rows.line_num > HEADER_WITHIN:
                    break
                continue
            day_first.look(header.cell(row, header.dated))
            if day_first.decided is not None or (rows.line_num > header_line + 50 and not day_first.is_needed):
                break
    except csv.Error:
        pass  # _events meets it again and says so
    if header is None:
        raise Invalid(
            f"{path} is not a calendar this can read: no row names a start. Export it as .ics or .csv, or say which "
            'column is which: --map start="…" --map end="…".'
        )
    if day_first.is_guess:
        order = "day first" if day_first.value else "month first"
        reading.note(f"{path.name}: dates such as 03/04/2026 were read {order}; --dayfirst or --monthfirst settles it.")
    return _Table(header, header_line, delimiter, day_first.value)


def _delimiter(path: Path, encoding: Encoding, mapping: Mapping[str, str]) -> str:
    """The separator under which one of the first lines is a header; the comma when none is."""
    lines = lines_of(path, encoding)
    head = [line for line, _ in zip(lines, range(HEADER_WITHIN), strict=False)]
    for delimiter in ",;\t|":
        if any(is_header(next(csv.reader([line], delimiter=delimiter), []), mapping) for line in head):
            return delimiter
    return ","


def _judge(table: _Table, row: Sequence[str], reading: Reading) -> tuple[LeftOut | None, _Span]:
    """When the row happens, and why it takes no time, if so. Raises Unreadable."""
    columns = table.columns
    span = _span(table, row, reading)
    status = columns.cell(row, "status").lower()
    if columns.cell(row, "cancelled").lower() in _YES or any(word in status for word in _FREED):
        return "cancelled", span
    if columns.cell(row, "busy").lower() == "free":
        return "free", span
    if span.start == span.end:
        return "zero length", span
    return None, span


def _span(table: _Table, row: Sequence[str], reading: Reading) -> _Span:
    columns = table.columns
    first = _written(table, row, "start", "start_date", "start_time")
    if first.day is None:
        raise Unreadable(f"the start {_shown(columns, row, 'start', 'start_time')} has no date")
    all_day = columns.cell(row, "all_day").lower() in _YES or first.clock is None
    start = datetime.combine(first.day, time.min if all_day else first.clock or time.min)
    zone = first.offset or reading.zone
    end = _end(table, row, all_day)
    if isinstance(end, Written):
        until, end_zone = datetime.combine(end.day or first.day, end.clock or time.min), end.offset or zone
        if all_day:
            until = datetime.combine(max(until.date(), first.day), time.min) + DAY
        elif end.day is None and until < start and until + DAY - start <= OVER_MIDNIGHT:
            until += DAY
        begin, finish = (
            instants(start, until, zone) if end_zone is zone else (instant(start, zone), instant(until, end_zone))
        )
    else:
        begin = instant(start, zone)
        finish = begin + end
    if finish < begin:
        raise Unreadable("the booking ends before it starts")
    return _Span(begin, finish, all_day)


def _end(table: _Table, row: Sequence[str], all_day: bool) -> Written | timedelta:
    """The end as written, else the duration. Raises Unreadable."""
    columns = table.columns
    if columns.cell(row, "end") or columns.cell(row, "end_time") or columns.cell(row, "end_date"):
        end = _written(table, row, "end", "end_date", "end_time")
        if end.clock is not None or all_day:
            return end
        raise Unreadable(f"the end {_shown(columns, row, 'end', 'end_date')} has no time")
    duration = columns.cell(row, "duration")
    length = read_length(duration)
    if length is not None:
        return length
    if all_day:
        return DAY
    raise Unreadable(f"{duration[:40]!r} is not a duration" if duration else "there is no end and no duration")


def _written(table: _Table, row: Sequence[str], whole: str, day: str, clock: str) -> Written:
    """A moment from one column, or from a column of dates and one of times. Raises Unreadable."""
    columns = table.columns
    text = columns.cell(row, whole)
    if not text:
        text = f"{columns.cell(row, day)} {columns.cell(row, clock)}".strip()
        found = _joined(columns.cell(row, day), columns.cell(row, clock), table.day_first)
    else:
        found = read_written(text, table.day_first)
    if not text:
        raise Unreadable(f"the {whole} is missing" + (" (the row is short)" if len(row) < len(columns.headers) else ""))
    if found is None:
        raise Unreadable(f"{text[:40]!r} is not a date and time")
    if found.day is not None and not FIRST_YEAR <= found.day.year <= LAST_YEAR:
        raise Unreadable(f"the year of {text[:40]!r} is outside {FIRST_YEAR} to {LAST_YEAR}")
    return found


def _joined(day: str, clock: str, day_first: bool) -> Written | None:
    date_part = read_written(day, day_first) if day else Written(None, None, None)
    time_part = read_written(clock, day_first) if clock else Written(None, None, None)
    if date_part is None or time_part is None:
        return None
    # "Start Date" of some exports repeats midnight as its time; the column of times is the one that counts.
    return Written(
        date_part.day or time_part.day, time_part.clock or date_part.clock, time_part.offset or date_part.offset
    )


def _shown(columns: Columns, row: Sequence[str], *fields: str) -> str:
    return repr(next((cell for field in fields if (cell := columns.cell(row, field))), "")[:40])


def _resources(columns: Columns, row: Sequence[str], file_name: str) -> Iterator[tuple[str, str]]:
    """(kind, name) of each resource the row takes; the file itself where it has no such column.

    A room called "Room 1" may be in every branch, so a location column is part of what a room or device is called;
    people keep their name wherever they work.
    """
    if not columns.resources:
        yield "calendar", file_name
        return
    location = columns.cell(row, "location")
    for kind, position in columns.resources:
        name = row[position].strip() if position < len(row) else ""
        if name:
            yield kind, f"{name} ({location})" if location and kind not in ("provider", "calendar") else name

"""CSV exports: headers, dates as people write them, broken rows."""

# ruff: noqa: DTZ001 -- walls without a zone are what is tested here

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import Invalid
from holdfast.insight.calendar_events import Event, Hints, Window
from holdfast.insight.calendar_files import open_calendar, read_calendar
from holdfast.insight.written_times import DayFirst, read_length, read_written

CALENDARS = Path(__file__).parent / "calendars"


def spans(events: list[Event]) -> list[str]:
    return [f"{event.start:%m-%d %H:%M}-{event.end:%H:%M}" for event in events]


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def test_a_google_export() -> None:
    calendar = read_calendar(CALENDARS / "google.csv", tz=ZoneInfo("America/New_York"))
    assert spans(calendar.events) == ["03-10 13:00-14:00", "03-10 13:30-14:30", "03-25 04:00-04:00"]
    assert [event.all_day for event in calendar.events] == [False, False, True]
    assert [event.summary for event in calendar.events] == ["Moss, Dana", "Eli", "Stocktaking"]
    assert {(event.resource_kind, event.resource) for event in calendar.events} == {("calendar", "google")}


def test_a_report_with_a_title_semicolons_dots_and_durations() -> None:
    calendar = read_calendar(CALENDARS / "clinic.csv")
    assert spans(calendar.events) == ["03-14 09:00-10:00", "03-14 09:30-10:00", "03-14 10:00-11:15"]
    assert {(event.resource_kind, event.resource) for event in calendar.events} == {("provider", "Anna")}
    assert [event.kind for event in calendar.events] == ["Facial", "Laser", "Laser"]
    assert calendar.reading.left_out == {"cancelled": 1}
    assert calendar.reading.zone_source == "assumed"


def test_one_row_takes_every_resource_it_names_and_bad_rows_are_told() -> None:
    calendar = read_calendar(CALENDARS / "rooms.csv")
    first = [(event.resource_kind, event.resource) for event in calendar.events if event.uid == "1"]
    assert first == [("provider", "Anna"), ("room", "Room 1"), ("device", "Laser A")]
    assert [(problem.line, problem.what) for problem in calendar.problems] == [
        (5, "'not a time' is not a date and time; the row was left out."),
        (6, "the start is missing (the row is short); the row was left out."),
        (7, "the booking ends before it starts; the row was left out."),
    ]


HEADERS = [
    "Start Time,End Time,Calendar,Type,Appointment ID",
    "Appointment Date,Start Time,End Time,Service Provider,Service,Appt. Status",
    "Date,Time,Duration,Staff,Service,Status,Client",
    "Date,Start time,End time,Staff,Client name,Visit type,Status,Location",
    "Ref #,Client,Service,Scheduled date,Duration,Team member,Status",
    "Subject,Start Date,Start Time,End Date,End Time,Show time as",
    "id,resource,starts_at,ends_at,status",
    "Booking ID,Room name,startTime,endTime",
]


@pytest.mark.parametrize("header", HEADERS)
def test_headers_of_many_systems_are_known(tmp_path: Path, header: str) -> None:
    values = []
    for name in header.split(","):
        plain = name.lower()
        has_date = not any("date" in other.lower() for other in header.split(",")) or "scheduled" in plain
        if "duration" in plain:
            values.append("60")
        elif plain.startswith("end") and "date" not in plain:
            values.append("2025-03-14 10:00" if has_date else "10:00 AM")
        elif "date" in plain and not has_date:
            values.append("03/14/2025")
        elif "start" in plain or plain == "time" or "scheduled" in plain:
            values.append("2025-03-14 09:00" if has_date else "9:00 am")
        else:
            values.append("x")
    calendar = read_calendar(write(tmp_path / "a.csv", header, ",".join(values)))
    assert calendar.problems == []
    assert spans(calendar.events) == ["03-14 09:00-10:00"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2025-03-14 14:30", "2025-03-14T14:30:00"),
        ("2025-03-14T14:30:15.250Z", "2025-03-14T14:30:15+00:00"),
        ("2025-03-14T14:30:00-05:00", "2025-03-14T14:30:00-05:00"),
        ("2025/3/14 14:30", "2025-03-14T14:30:00"),
        ("3/14/2025 2:30 PM", "2025-03-14T14:30:00"),
        ("3/14/25, 2:30pm", "2025-03-14T14:30:00"),
        ("3/14/2025 12:05 a.m.", "2025-03-14T00:05:00"),
        ("March 14, 2025 2:30 pm", "2025-03-14T14:30:00"),
        ("Fri, Mar 14, 2025 at 2:30 PM", "2025-03-14T14:30:00"),
        ("Friday 14 March 2025 14:30", "2025-03-14T14:30:00"),
        ("14-Mar-2025 14:30", "2025-03-14T14:30:00"),
        ("3/14/2025 2:30 PM EST", "2025-03-14T14:30:00"),
        ("20250314 14:30", "2025-03-14T14:30:00"),
        ("2025-03-14 14h30", "2025-03-14T14:30:00"),
    ],
)
def test_moments_as_people_write_them(cell: str, expected: str) -> None:
    written = read_written(cell, False)
    assert written is not None
    assert written.day is not None
    assert written.clock is not None
    assert datetime.combine(written.day, written.clock, written.offset).isoformat() == expected


@pytest.mark.parametrize("cell", ["", "soon", "31/31/2025", "2025-02-30 10:00", "25:00", "13:00 pm", "3/14/2025 9"])
def test_what_is_no_moment(cell: str) -> None:
    assert read_written(cell, False) is None


@settings(deadline=None)
@given(st.text(max_size=30), st.booleans())
def test_no_cell_crashes_the_reader(cell: str, day_first: bool) -> None:
    read_written(cell, day_first)
    read_length(cell)
    DayFirst().look(cell)


@settings(deadline=None)
@given(st.datetimes(datetime(1970, 1, 1), datetime(2199, 1, 1)).map(lambda at: at.replace(second=0, microsecond=0)))
def test_every_way_of_writing_reads_back(at: datetime) -> None:
    ways = {
        "%Y-%m-%d %H:%M": False,
        "%m/%d/%Y %I:%M %p": False,
        "%d/%m/%Y %H:%M": True,
        "%d.%m.%Y %H:%M": True,
        "%B %d, %Y %I:%M %p": False,
        "%a %d %b %Y %H:%M": False,
    }
    for way, day_first in ways.items():
        written = read_written(at.strftime(way), day_first)
        assert written is not None, way
        assert (written.day, written.clock) == (at.date(), at.time()), way


@pytest.mark.parametrize(
    ("cell", "minutes"),
    [
        ("60", 60),
        ("60.0", 60),
        ("90 min", 90),
        ("90 minutes", 90),
        ("1h", 60),
        ("1h 15min", 75),
        ("1 hr 15 mins", 75),
        ("1 hour and 30 minutes", 90),
        ("1.5 hours", 90),
        ("1:30", 90),
        ("01:30:00", 90),
        ("PT1H30M", 90),
    ],
)
def test_lengths_as_people_write_them(cell: str, minutes: int) -> None:
    assert read_length(cell) == timedelta(minutes=minutes)


@pytest.mark.parametrize("cell", ["", "long", "1 day", "-5", "h", "1h x"])
def test_what_is_no_length(cell: str) -> None:
    assert read_length(cell) in (None, timedelta(0))


def dated(tmp_path: Path, *cells: str) -> Path:
    return write(tmp_path / "a.csv", "Start,Duration", *(f"{cell} 09:00,30" for cell in cells))


@pytest.mark.parametrize(
    ("cells", "months", "is_guess"),
    [
        (["03/04/2025", "25/04/2025"], [4, 4], False),
        (["03/04/2025", "04/25/2025"], [3, 4], False),
        (["03/04/2025"], [3], True),
        (["03.04.2025"], [4], True),
        (["2025-03-04"], [3], False),
    ],
)
def test_day_or_month_first_is_found_out_from_the_column(
    tmp_path: Path, cells: list[str], months: list[int], is_guess: bool
) -> None:
    calendar = read_calendar(dated(tmp_path, *cells))
    assert sorted(event.start.month for event in calendar.events) == months
    assert ("--dayfirst" in " ".join(calendar.reading.notes)) is is_guess


def test_the_caller_settles_the_order(tmp_path: Path) -> None:
    calendar = read_calendar(dated(tmp_path, "03/04/2025"), hints=Hints(day_first=True))
    assert calendar.events[0].start.month == 4
    assert calendar.reading.notes == []


def test_a_mapping_names_the_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Wann,Bis,Wer", "2025-03-14 09:00,2025-03-14 10:00,Anna")
    with pytest.raises(Invalid, match="no row names a start"):
        read_calendar(path)
    calendar = read_calendar(path, hints=Hints({"start": "Wann", "end": "bis", "provider": "Wer"}))
    assert [(event.resource_kind, event.resource) for event in calendar.events] == [("provider", "Anna")]
    with pytest.raises(Invalid, match="has no column 'Raum'"):
        read_calendar(path, hints=Hints({"start": "Wann", "room": "Raum"}))
    with pytest.raises(Invalid, match="there is no field 'who'"):
        read_calendar(path, hints=Hints({"start": "Wann", "who": "Wer"}))
    with pytest.raises(Invalid, match="no column for the end"):
        read_calendar(path, hints=Hints({"start": "Wann"}))


def test_an_end_time_after_midnight_is_on_the_next_day(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Date,Start time,End time", "2025-03-14,22:00,01:00", "2025-03-14,12:00,11:00")
    calendar = read_calendar(path)
    assert spans(calendar.events) == ["03-14 22:00-01:00"]
    assert [problem.line for problem in calendar.problems] == [3]


def test_the_same_room_name_at_two_sites_is_two_rooms(tmp_path: Path) -> None:
    rows = ("2025-03-14 09:00,30,Anna,Room 1,Soho", "2025-03-14 09:00,30,Anna,Room 1,Camden")
    calendar = read_calendar(write(tmp_path / "a.csv", "Start,Duration,Staff,Room,Location", *rows))
    assert {event.resource for event in calendar.events} == {"Anna", "Room 1 (Soho)", "Room 1 (Camden)"}


def test_offsets_win_over_the_zone_and_a_window_bounds(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "Start,End",
        "2025-03-14T09:00:00+02:00,2025-03-14T10:00:00+02:00",
        "2026-03-14 09:00,2026-03-14 10:00",
    )
    window = Window(None, datetime(2026, 1, 1, tzinfo=UTC))
    calendar = read_calendar(path, tz=ZoneInfo("America/New_York"), window=window)
    assert spans(calendar.events) == ["03-14 07:00-08:00"]
    assert calendar.reading.left_out == {"outside the window": 1}


def test_a_csv_is_streamed(tmp_path: Path) -> None:
    """The first event is there before the last line has been looked at: that line is broken, and nobody has said so."""
    rows = [f"2025-03-{13 + number % 15} 09:00,30" for number in range(500)]
    opened = open_calendar(write(tmp_path / "a.csv", "Start,Duration", *rows, "broken,30"))
    next(opened.events)
    assert opened.reading.problem_count == 0
    assert sum(1 for _ in opened.events) == 499
    assert opened.reading.problem_count == 1


def test_a_field_of_megabytes_costs_its_own_row(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv", "Start,Duration", "2025-03-14 09:00,30", '"' + "x" * 200_000, "2025-03-15 09:00,30"
    )
    calendar = read_calendar(path)
    assert [event.line for event in calendar.events] == [2, 4]
    assert {problem.line for problem in calendar.problems} == {3}
    assert "characters" in calendar.problems[0].what or "quote" in calendar.problems[0].what


@pytest.mark.parametrize(
    "spoiled",
    [
        '"Ana Ruiz,2025-03-14 09:00,30,Room 1',
        'Ana Ruiz,"2025-03-14 09:00,30,Room 1',
        'Ana Ruiz,2025-03-14 09:00,30,"Room 1',
        '"Ruiz, Ana",2025-03-14 09:00,30,"Room 1',
    ],
)
@pytest.mark.parametrize("after", [0, 3, 5000])
def test_one_stray_quote_costs_no_row_at_all(tmp_path: Path, spoiled: str, after: int) -> None:
    rest = [f"Client {n},2025-03-15 09:00,30,Room 2" for n in range(after)]
    rest[1:2] = ['"Two\nlines, kept",2025-03-15 10:00,30,Room 2'] if after > 1 else []
    path = write(tmp_path / "a.csv", "Client,Start,Duration,Room", spoiled, *rest)
    calendar = read_calendar(path)
    assert len(calendar.events) == 1 + len(rest)
    assert calendar.events[0].start.isoformat() == "2025-03-14T09:00:00+00:00"
    assert [problem.line for problem in calendar.problems] == [2]
    assert "quote" in calendar.problems[0].what
    assert max(event.line for event in calendar.events) == len(rest) + (3 if after else 2)


def test_a_note_over_several_lines_is_one_cell(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "Client,Start,Duration",
        '"Ana\n2025, of ""all"" years\n",2025-03-14 09:00,30',
        "Bo,2025-03-15,30",
    )
    calendar = read_calendar(path)
    assert [event.line for event in calendar.events] == [2, 5]
    assert not calendar.problems

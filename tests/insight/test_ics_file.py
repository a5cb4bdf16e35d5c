"""iCalendar files, oddity by oddity, and the real ones where HOLDFAST_CALENDARS points to them."""

# ruff: noqa: DTZ001 -- walls without a zone are what is tested here

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import Invalid
from holdfast.insight.calendar_events import Event, Reading, Window
from holdfast.insight.calendar_files import read_calendar
from holdfast.insight.ics_blocks import EventBlock
from holdfast.insight.ics_series import YEAR, Horizon

CALENDARS = Path(__file__).parent / "calendars"
BERLIN = ZoneInfo("Europe/Berlin")


def starts(events: list[Event]) -> list[str]:
    return [f"{event.start:%m-%d %H:%M}" for event in events]


def write(path: Path, *lines: str) -> Path:
    path.write_text("\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""]), encoding="utf-8")
    return path


def one(*lines: str) -> list[str]:
    return ["BEGIN:VEVENT", "UID:one@tests", *lines, "END:VEVENT"]


def test_a_series_keeps_its_wall_clock_and_its_exceptions() -> None:
    """9:00 in New York is 14:00 UTC before 10 March 2024, then 13:00; one excepted, one moved, one cancelled."""
    calendar = read_calendar(CALENDARS / "weekly.ics")
    assert starts(calendar.events) == ["03-05 14:00", "03-12 13:00", "03-12 13:30", "03-27 18:00", "04-09 13:00"]
    assert calendar.reading.left_out == {"cancelled": 1}
    assert calendar.problems == []
    moved = calendar.events[3]
    assert moved.summary == "Team meeting, moved"
    assert moved.recurrence_id == datetime(2024, 3, 26, 13, tzinfo=UTC)
    assert {event.resource for event in calendar.events} == {"Room 1"}


def test_this_and_future_moves_the_rest() -> None:
    calendar = read_calendar(CALENDARS / "this_and_future.ics")
    assert starts(calendar.events) == ["01-06 07:00", "01-07 07:00", "01-08 10:00", "01-09 10:00"]


def test_zones_by_vtimezone_by_windows_name_by_vendor_prefix_and_by_none() -> None:
    calendar = read_calendar(CALENDARS / "zones.ics")
    assert starts(calendar.events) == [
        "01-15 09:00",
        "07-15 10:00",
        "07-16 10:00",
        "07-17 12:00",
        "07-18 09:00",
        "07-19 09:00",
    ]
    assert [(problem.line, "Atlantis" in problem.what) for problem in calendar.problems] == [(46, True)]


def test_a_named_zone_is_for_floating_times_alone() -> None:
    calendar = read_calendar(CALENDARS / "zones.ics", tz=ZoneInfo("Asia/Tokyo"))
    assert starts(calendar.events)[3:] == ["07-17 12:00", "07-18 03:00", "07-19 03:00"]
    assert calendar.reading.zone_source == "option"


def test_a_vtimezone_does_not_leak_into_the_next_file(tmp_path: Path) -> None:
    read_calendar(CALENDARS / "zones.ics")
    path = write(tmp_path / "a.ics", *one("DTSTART;TZID=Clinic Time:20250115T120000", "DURATION:PT1H"))
    calendar = read_calendar(path)
    assert starts(calendar.events) == ["01-15 12:00"]
    assert "unknown" in calendar.problems[0].what


def test_what_takes_no_time_is_left_out_and_counted() -> None:
    calendar = read_calendar(CALENDARS / "left_out.ics")
    kept = [(event.uid, event.all_day) for event in calendar.events]
    assert kept == [("closed@tests", True), ("kept@tests", False), ("other-declined@tests", False)]
    assert calendar.events[1].summary == "Moved"
    assert calendar.reading.left_out == {
        "exported twice": 2,
        "cancelled": 1,
        "free": 3,
        "declined": 1,
        "zero length": 1,
    }


def test_a_broken_event_costs_one_event() -> None:
    calendar = read_calendar(CALENDARS / "broken.ics")
    assert [event.uid.removesuffix("@tests") for event in calendar.events] == [
        "good-1",
        "bad-rule",
        "junk",
        "no-end",
        "every-second",
        "good-2",
    ]
    told = {problem.line: problem.what for problem in calendar.problems}
    assert sorted(told) == [10, 13, 20, 26, 33, 36, 43, 49, 56]
    assert "month must be in 1..12" in told[10]
    assert "no DTSTART" in told[13]
    assert "ends before it starts" in told[20]
    assert "RRULE" in told[26]
    assert "NAME:value" in told[33]
    assert "no END:VEVENT" in told[36]
    assert "not a duration" in told[43]
    assert "every minute or second" in told[49]
    assert "breaks off" in told[56]


def test_endless_rules_of_an_old_export_stop_at_its_last_dated_event() -> None:
    calendar = read_calendar(CALENDARS / "old_endless.ics")
    assert starts(calendar.events) == ["01-07 17:00", "01-14 17:00", "01-21 17:00", "01-28 17:00", "01-28 18:00"]


def test_a_window_bounds_both_ends() -> None:
    window = Window(datetime(2019, 2, 1, tzinfo=UTC), datetime(2019, 3, 1, tzinfo=UTC))
    calendar = read_calendar(CALENDARS / "old_endless.ics", window=window)
    assert starts(calendar.events) == ["02-04 17:00", "02-11 17:00", "02-18 17:00", "02-25 17:00"]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, timedelta(days=365)),
        (timedelta(days=-400), timedelta(days=-400)),
        (timedelta(days=-300), timedelta(days=365)),
        (timedelta(days=30), timedelta(days=365)),
        (timedelta(days=500), timedelta(days=500)),
    ],
)
def test_how_far_an_endless_rule_is_followed(last: timedelta | None, expected: timedelta) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    horizon = Horizon(Window(), now)
    if last is not None:
        horizon.see(now + last)
    assert horizon.of("FREQ=WEEKLY") == now + expected
    assert horizon.of("FREQ=WEEKLY;COUNT=9") == now + max(YEAR, last or YEAR)


def test_an_event_in_the_hour_that_spring_skips_keeps_its_length(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.ics",
        *one("DTSTART;TZID=Europe/Berlin:20250330T024500", "DTEND;TZID=Europe/Berlin:20250330T031500"),
    )
    calendar = read_calendar(path)
    assert calendar.problems == []
    assert calendar.events[0].end - calendar.events[0].start == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("properties", "hours"),
    [
        (["DTSTART;TZID=Europe/Berlin:20250329T120000", "DURATION:P1D"], 23),
        (["DTSTART;TZID=Europe/Berlin:20250329T120000", "DURATION:PT24H"], 24),
        (["DTSTART;TZID=Europe/Berlin:20250329T120000", "DTEND;TZID=Europe/Berlin:20250330T120000"], 23),
        (["DTSTART;VALUE=DATE:20250330", "X-A:1", "X-B;TZID=Europe/Berlin:1"], 24),
        (["DTSTART;VALUE=DATE:20250330", "DTEND;VALUE=DATE:20250401"], 48),
        (["DTSTART:20250330T120000Z", "DTEND;TZID=America/New_York:20250330T120000"], 4),
    ],
)
def test_durations_by_section_3_3_6(tmp_path: Path, properties: list[str], hours: int) -> None:
    event = read_calendar(write(tmp_path / "a.ics", *one(*properties))).events[0]
    assert event.end - event.start == timedelta(hours=hours)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.ics"
    lines = [
        "BEGIN:VCALENDAR",
        "X-WR-CALNAME:Praxis Jäger",
        *one("DTSTART:20250330T120000Z", "DURATION:PT1H"),
        "END:VCALENDAR",
    ]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    calendar = read_calendar(path)
    assert calendar.events[0].resource == "Praxis Jäger"
    assert [problem.line for problem in calendar.problems] == ([2] if encoding == "cp1252" else [])


def test_nul_bytes_and_a_bad_byte_in_a_utf_8_file(tmp_path: Path) -> None:
    path = tmp_path / "a.ics"
    lines = [
        "BEGIN:VCALENDAR",
        "X-WR-CALNAME:Jäger",
        *one("DTSTART:20250330T120000Z", "DURATION:PT1H"),
        "END:VCALENDAR",
    ]
    path.write_bytes("\r\n".join(lines).encode().replace(b"UID:one", b"UID:\0o\xffne"))
    calendar = read_calendar(path)
    assert calendar.events[0].uid == "o�ne@tests"
    assert calendar.events[0].resource == "Jäger"
    assert [problem.line for problem in calendar.problems] == [4, 4]


def test_folded_lines_old_line_ends_and_todos(tmp_path: Path) -> None:
    path = tmp_path / "a.ics"
    todo = ["BEGIN:VTODO", "UID:todo", "DTSTART:20250101T000000Z", "X-WR-CALNAME:not me", "END:VTODO"]
    lines = ["begin:vcalendar", *todo, *one("DTSTART:202503", " 30T120000Z", "DURATION:PT", "\t1H"), "end:vcalendar"]
    path.write_text("\n".join(lines), encoding="utf-8")
    calendar = read_calendar(path)
    assert starts(calendar.events) == ["03-30 12:00"]
    assert calendar.events[0].resource == "a"


@st.composite
def rules(draw: st.DrawFn) -> tuple[datetime, str]:
    start = datetime(2024, 1, 1) + timedelta(days=draw(st.integers(0, 500)), hours=draw(st.integers(4, 22)))
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    rule = f"FREQ={frequency};INTERVAL={draw(st.integers(1, 4))}"
    if frequency == "WEEKLY" and draw(st.booleans()):
        days = draw(st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR"]), min_size=1, max_size=3, unique=True))
        rule += f";BYDAY={','.join(days)}"
    if draw(st.booleans()):
        rule += f";COUNT={draw(st.integers(1, 60))}"
    return start, rule


@settings(max_examples=60, deadline=None)
@given(rules())
def test_rules_expand_as_dateutil_expands_them(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[datetime, str]
) -> None:
    start, rule = drawn
    window = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    stamp = f"DTSTART;TZID=Europe/Berlin:{start:%Y%m%dT%H%M%S}"
    path = write(tmp_path_factory.mktemp("rule") / "a.ics", *one(stamp, "DURATION:PT30M", f"RRULE:{rule}"))
    found = [event.start for event in read_calendar(path, window=window).events]
    walls = rrulestr(rule, dtstart=start).between(datetime(2023, 12, 31), datetime(2026, 1, 2), inc=True)
    # RFC 5545 section 3.8.5.3: DTSTART is always the first instance, also where the rule would not name it.
    expected = sorted({wall.replace(tzinfo=BERLIN).astimezone(UTC) for wall in [start, *walls]})
    if "COUNT" in rule and start not in walls:
        expected = [at for at in expected if at in found or at == start.replace(tzinfo=BERLIN).astimezone(UTC)]
    assert found == [at for at in expected if at < datetime(2026, 1, 1, tzinfo=UTC)]


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(["weekly.ics", "zones.ics", "left_out.ics", "broken.ics", "this_and_future.ics"]),
    cuts=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 12), st.binary(max_size=6)), min_size=1, max_size=6),
)
def test_no_damage_to_a_file_crashes_the_reader(
    tmp_path_factory: pytest.TempPathFactory, name: str, cuts: list[tuple[int, int, bytes]]
) -> None:
    content = (CALENDARS / name).read_bytes()
    for at, length, put in cuts:
        content = content[:at] + put + content[at + length :]
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(content)
    # A file that no longer begins as a calendar may be refused; nothing else may be raised.
    with suppress(Invalid):
        read_calendar(path, window=Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize("zone", ["America", "Etc", "posix/America", "../zoneinfo", "."])
def test_a_zone_that_is_a_folder_of_zones_is_explained(tmp_path: Path, zone: str) -> None:
    stamp = f"DTSTART;TZID={zone}:20240304T090000"
    path = write(tmp_path / "a.ics", *one(stamp, "DURATION:PT30M", "RRULE:FREQ=DAILY;COUNT=2"))
    calendar = read_calendar(path, window=Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)))
    assert calendar.reading.problems
    assert not any("/" in each.what.replace(repr(zone), "") for each in calendar.reading.problems)


REAL = os.environ.get("HOLDFAST_CALENDARS")
REAL_FILES = sorted(Path(REAL).glob("*.ics")) if REAL else []


@pytest.mark.skipif(not REAL_FILES, reason="HOLDFAST_CALENDARS names no folder of calendars")
@pytest.mark.parametrize("path", REAL_FILES, ids=lambda path: path.name)
def test_real_calendars_read_as_the_library_reads_them(path: Path) -> None:
    """Same instants as recurring-ical-events on the whole file, less what takes no time."""
    window = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    calendar = read_calendar(path, window=window)
    zone = calendar.reading.zone

    def utc(value: date) -> datetime:
        if not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=zone).astimezone(UTC)

    library = recurring_ical_events.of(icalendar.Calendar.from_ical(path.read_bytes()))
    expected = sorted(
        (utc(each["DTSTART"].dt), utc(each["DTEND"].dt), str(each["SUMMARY"]).strip())
        for each in library.between(window.start, window.end)
        if each.get("TRANSP") != "TRANSPARENT" and each.get("STATUS") != "CANCELLED"
        if window.overlaps(utc(each["DTSTART"].dt), utc(each["DTEND"].dt))
    )
    assert expected
    assert sorted((event.start, event.end, event.summary) for event in calendar.events) == expected
    assert calendar.problems == []


def test_problems_keep_their_count_when_there_are_too_many() -> None:
    reading = Reading("a")
    for line in range(1500):
        reading.problem(line, "bad")
    assert (len(reading.problems), reading.problem_count) == (1000, 1500)


def test_a_block_writes_itself_again() -> None:
    block = EventBlock(1)
    assert block.written == "BEGIN:VEVENT\r\nEND:VEVENT\r\n"
    assert not block.repeats

"""The figures, checked by hand on small calendars, and how they read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from holdfast.insight import audit_words as words
from holdfast.insight.audit_json import as_json
from holdfast.insight.audit_page import render
from holdfast.insight.audit_report import Audit, Report, Ticket, duration_words
from holdfast.insight.calendar_files import open_calendar

CALENDARS = Path(__file__).parent / "calendars"
NOW = datetime(2025, 3, 15, tzinfo=UTC)
KEYS = [
    "schema",
    "made_at",
    "zone",
    "zone_is_assumed",
    "buffer_minutes",
    "from",
    "to",
    "files",
    "all_day_left_out",
    "duplicates_left_out",
    "past",
    "coming",
    "resources",
    "kinds",
    "service_pairs",
    "source_pairs",
    "heat",
    "weeks",
    "peak",
    "worst",
    "money",
]
DOLLARS = Ticket(Decimal(340), "$")


def audit(*paths: Path, now: datetime = NOW, ticket: Ticket | None = None, **options: bool) -> Report:
    gathered = Audit(**options)
    for path in paths:
        opened = open_calendar(path)
        gathered.add_file(path.name, opened.events, opened.reading)
    return gathered.report(now=now, buffer_minutes=5, ticket=ticket)


def rows(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["id,Provider,Room,Start,End,Client", *lines]), encoding="utf-8")
    return path


def test_every_figure_of_a_small_clinic() -> None:
    report = audit(CALENDARS / "rooms.csv", ticket=DOLLARS)
    assert (report.past.bookings, report.past.collisions, report.past.overlap_minutes) == (3, 2, 60)
    assert (report.coming.bookings, report.past.weeks, report.past.per_week) == (0, 1.0, 2.0)
    assert report.past.per_1000 == 666.67
    by_name = {tally.name: (tally.bookings, tally.collisions, tally.near_misses) for tally in report.resources}
    assert by_name == {
        "Laser A": (2, 1, 0),
        "Room 2": (2, 1, 0),
        "Anna": (2, 0, 1),
        "Ben": (1, 0, 0),
        "Room 1": (1, 0, 0),
    }
    assert [(kind.kind, kind.bookings, kind.collisions) for kind in report.kinds] == [
        ("device", 2, 1),
        ("room", 3, 1),
        ("provider", 3, 0),
    ]
    assert [(pair.one, pair.other, pair.collisions) for pair in report.source_pairs] == [
        ("Front desk", "Front desk", 1),
        ("Front desk", "Online", 1),
    ]
    assert report.heat_collisions[4][9:11] == [1, 1]
    assert (report.cost, report.cost_per_year, report.avoidable) == ("$680", "$35,360", "$0")


def test_a_booking_that_hits_on_two_resources_is_one_collision(tmp_path: Path) -> None:
    path = rows(
        tmp_path / "a.csv",
        "1,Anna,Room 1,2025-03-10 09:00,2025-03-10 10:00,",
        "2,Anna,Room 1,2025-03-10 09:30,2025-03-10 10:30,",
    )
    report = audit(path)
    assert report.past.collisions == 1
    assert [tally.collisions for tally in report.resources] == [1, 1]


def test_the_past_makes_the_rate_and_what_is_to_come_can_be_moved(tmp_path: Path) -> None:
    path = rows(
        tmp_path / "a.csv",
        "1,Anna,,2025-03-01 09:00,2025-03-01 10:00,",
        "2,Anna,,2025-03-20 09:00,2025-03-20 10:00,",
        "3,Anna,,2025-03-20 09:30,2025-03-20 10:00,",
    )
    report = audit(path, ticket=DOLLARS)
    assert (report.past.collisions, report.coming.collisions) == (0, 1)
    assert words.headline(report) == "No double-booking in 1 booking so far."
    assert words.coming(report) == "1 of the 2 bookings to come collides and can still be moved."
    assert report.worst[0].is_coming
    assert words.money(report)[-1] == "$340 can still be saved: 1 collision to come × $340."


def test_only_bookings_to_come() -> None:
    report = audit(CALENDARS / "rooms.csv", now=datetime(2024, 1, 1, tzinfo=UTC), ticket=DOLLARS)
    assert words.headline(report) == "2 of 3 bookings are double-booked among those to come."
    assert words.coming(report) == ""


def test_the_same_file_twice_and_the_same_line_twice_count_once(tmp_path: Path) -> None:
    once = audit(CALENDARS / "weekly.ics")
    copy = tmp_path / "copy.ics"
    copy.write_bytes((CALENDARS / "weekly.ics").read_bytes())
    twice = audit(CALENDARS / "weekly.ics", copy)
    assert once.past.bookings == twice.past.bookings == 5
    assert once.past.collisions == twice.past.collisions == 1
    assert twice.duplicates == 5
    line = "1,Anna,,2025-03-10 09:00,2025-03-10 10:00,"
    assert audit(rows(tmp_path / "a.csv", line, line)).past.collisions == 0
    other = "2,Anna,,2025-03-10 09:00,2025-03-10 10:00,"
    assert audit(rows(tmp_path / "a.csv", line, other)).past.collisions == 1, "control: another id does collide"


def test_two_systems_that_count_from_one_do_not_hide_each_other(tmp_path: Path) -> None:
    desk = rows(tmp_path / "desk.csv", "1,Anna,,2025-03-10 10:00,2025-03-10 11:00,Kim")
    online = rows(tmp_path / "online.csv", "1,Anna,,2025-03-10 10:30,2025-03-10 11:30,Lee")
    assert audit(desk, online).past.collisions == 1
    parts = ["1,Anna,,2025-03-10 10:00,2025-03-10 11:00,Kim", "1,Anna,,2025-03-10 10:30,2025-03-10 11:30,Kim"]
    assert audit(rows(tmp_path / "parts.csv", *parts)).past.collisions == 0, "control: in one file they are one booking"


def test_exports_that_overlap_count_a_booking_once(tmp_path: Path) -> None:
    line = "1,Anna,Room 1,2025-03-10 10:00,2025-03-10 11:00,Kim"
    report = audit(rows(tmp_path / "january.csv", line), rows(tmp_path / "march.csv", line))
    assert (report.past.bookings, report.past.collisions) == (1, 0)


def test_all_day_events_count_when_asked_for() -> None:
    assert audit(CALENDARS / "left_out.ics").collisions == 0
    assert audit(CALENDARS / "left_out.ics").all_day == 1
    report = audit(CALENDARS / "left_out.ics", include_all_day=True)
    assert (report.collisions, report.all_day) == (1, 0)


def test_weeks_are_all_there_also_the_empty_ones(tmp_path: Path) -> None:
    path = rows(
        tmp_path / "a.csv",
        "1,Anna,,2025-01-06 09:00,2025-01-06 10:00,",
        "2,Anna,,2025-02-02 09:00,2025-02-02 10:00,",
    )
    weeks = audit(path).weeks
    assert [(week.monday.isoformat(), week.bookings) for week in weeks] == [
        ("2025-01-06", 1),
        ("2025-01-13", 0),
        ("2025-01-20", 0),
        ("2025-01-27", 1),
    ]


def test_the_worst_twenty_are_the_longest(tmp_path: Path) -> None:
    lines = []
    for number in range(30):
        day = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number)
        minutes = 10 + number
        lines.append(f"{number}a,Anna,,{day:%Y-%m-%d} 09:00,{day:%Y-%m-%d} 10:00,")
        lines.append(f"{number}b,Anna,,{day:%Y-%m-%d} 09:00,{day:%Y-%m-%d} 09:{minutes},")
    found = audit(rows(tmp_path / "a.csv", *lines)).worst
    assert [worst.overlap_minutes for worst in found] == list(range(39, 19, -1))


def test_nothing_to_compare(tmp_path: Path) -> None:
    report = audit(rows(tmp_path / "a.csv"))
    assert words.headline(report) == "There are no bookings to compare here."
    assert "There are no bookings" in render(report)
    json.dumps(as_json(report))


def test_json_is_plain_stable_and_without_clients_names(tmp_path: Path) -> None:
    lines = (
        "1,Anna,,2025-03-10 09:00,2025-03-10 10:00,Kim Ode",
        "2,Anna,,2025-03-10 09:30,2025-03-10 10:30,Lou <b>Tan",
    )
    path = rows(tmp_path / "a.csv", *lines)
    plain = as_json(audit(path))
    assert list(plain) == KEYS
    assert plain["schema"] == "holdfast.audit/1"
    for text in (json.dumps(plain), render(audit(path))):
        assert "Kim Ode" not in text
    shown = audit(path, keep_titles=True)
    assert as_json(shown)["worst"][0]["titles"] == ("Kim Ode", "Lou <b>Tan")
    assert "Kim Ode × Lou &lt;b&gt;Tan" in render(shown)


def test_the_page_needs_nothing_but_itself() -> None:
    page = render(audit(CALENDARS / "rooms.csv", CALENDARS / "broken.ics", ticket=DOLLARS))
    assert not re.search(r"(src|href)=|<script|@import|url\(|https?:", page)
    assert page.count("<section") == page.count("</section>")
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert "2 of 9 bookings were double-booked so far." in page
    assert "line 13: this VEVENT has no DTSTART" in page


def test_times_are_shown_in_the_calendars_zone() -> None:
    report = audit(CALENDARS / "weekly.ics")
    assert report.zone == ZoneInfo("America/New_York")
    assert words.moment(report.worst[0].start) == "Tue 12 Mar 2024, 09:30"
    assert report.heat_collisions[1][9] == 1


def test_words() -> None:
    assert words.counted(1, "booking") == "1 booking"
    assert words.counted(1204, "booking") == "1,204 bookings"
    assert words.rate(0) == "0.0"
    assert words.rate(0.0234) == "0.023"
    assert words.rate(29.67) == "29.7"
    assert [duration_words(minutes) for minutes in (5, 60, 95, 62_400)] == ["5 min", "1 h", "1 h 35 min", "1,040 h"]
    assert Ticket(Decimal("19.5"), "", " EUR").times(3) == "58.50 EUR"
    assert Ticket(Decimal(340), "$").times(40) == "$13,600"

"""Opening hours on the days that are hard: changes of the clocks, nights, holidays, every other week."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from holdfast import wallclock
from holdfast.availability import rules
from holdfast.availability.bitmap import Window, spans
from holdfast.availability.days import LocalDays
from holdfast.availability.rules import Dated, Timetable, Weekly
from holdfast.errors import Invalid

DAILY = tuple(Weekly(day, time(0), time(0)) for day in range(7))


def stretches(table: Timetable, zone: str, first: date, days: int = 1) -> list[tuple[str, str]]:
    """What is open on those local days, as pairs of local times with their offsets."""
    origin = wallclock.day_start(first, zone)
    window = Window(
        origin, int((wallclock.day_start(first + timedelta(days=days), zone) - origin).total_seconds()) // 60
    )
    bits = rules.open_time(table, LocalDays.over(window, zone)).open

    def shown(index: int) -> str:
        return wallclock.to_local(window.instant(index), zone).strftime("%d %H:%M%z")

    return [(shown(low), shown(high)) for low, high in spans(bits)]


def weekly(starts: time, ends: time) -> tuple[Weekly, ...]:
    return tuple(Weekly(day, starts, ends) for day in range(7))


@pytest.mark.parametrize(
    ("zone", "day", "minutes"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23 * 60),
        ("Europe/Berlin", date(2026, 10, 25), 25 * 60),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23 * 60 + 30),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24 * 60 + 30),
        ("America/Santiago", date(2026, 9, 6), 23 * 60),
        ("Antarctica/Troll", date(2026, 10, 25), 26 * 60),
    ],
)
def test_open_all_day_means_the_whole_day(zone: str, day: date, minutes: int) -> None:
    origin = wallclock.day_start(day, zone) - timedelta(days=1)
    window = Window(origin, 3 * 1440)
    days = LocalDays.over(window, zone)
    assert (rules.open_time(Timetable(DAILY), days).open & days.days({day})).bit_count() == minutes


def test_a_night_shift_is_an_hour_shorter_when_the_clocks_go_forward() -> None:
    night = Timetable(weekly(time(22), time(6)))
    assert stretches(night, "Europe/Berlin", date(2026, 3, 28), 2) == [
        ("28 00:00+0100", "28 06:00+0100"),
        ("28 22:00+0100", "29 06:00+0200"),
        ("29 22:00+0200", "30 00:00+0200"),
    ]


@pytest.mark.parametrize(
    ("starts", "ends", "opened"),
    [
        (time(2, 30), time(10), [("29 03:30+0200", "29 10:00+0200")]),
        (time(1), time(2, 30), [("29 01:00+0100", "29 03:30+0200")]),
        (time(2, 10), time(2, 40), [("29 03:10+0200", "29 03:40+0200")]),
        (time(2, 30), time(3), []),
    ],
)
def test_what_begins_or_ends_in_the_gap_moves_forward(starts: time, ends: time, opened: list[tuple[str, str]]) -> None:
    assert stretches(Timetable(weekly(starts, ends)), "Europe/Berlin", date(2026, 3, 29)) == opened


def test_a_time_that_happens_twice_means_its_first() -> None:
    table = Timetable(weekly(time(2, 30), time(4)))
    assert stretches(table, "Europe/Berlin", date(2026, 10, 25)) == [("25 02:30+0200", "25 04:00+0100")]
    table = Timetable(weekly(time(1), time(2, 30)))
    assert stretches(table, "Europe/Berlin", date(2026, 10, 25)) == [("25 01:00+0200", "25 02:30+0200")]


def test_the_layers_in_their_order() -> None:
    monday = datetime(2026, 3, 2, tzinfo=UTC).replace(tzinfo=None)
    table = Timetable(
        hours=weekly(time(9), time(17)),
        breaks=weekly(time(12), time(13)),
        closures=(Dated(monday.replace(hour=15), monday.replace(hour=18)),),
        extra=(Dated(monday.replace(hour=16), monday.replace(hour=20)),),
        time_off=(Dated(monday.replace(hour=19), monday.replace(hour=23)),),
    )
    assert stretches(table, "UTC", monday.date()) == [
        ("02 09:00+0000", "02 12:00+0000"),
        ("02 13:00+0000", "02 15:00+0000"),
        ("02 16:00+0000", "02 19:00+0000"),
    ]


def test_every_other_week_and_only_so_long() -> None:
    rule = Weekly(0, time(9), time(10), date(2026, 3, 3), date(2026, 4, 13), every_weeks=2, anchor=date(2026, 3, 4))
    mondays = [date(2026, 2, 16) + timedelta(weeks=week) for week in range(12)]
    assert [day for day in mondays if rule.begins_on(day)] == [date(2026, 3, 16), date(2026, 3, 30), date(2026, 4, 13)]


def test_holidays_close_and_an_extra_opening_opens_one() -> None:
    closed = rules.holiday_closures("DE", "BY", [2026])
    assert Dated.days(date(2026, 1, 6)) in closed
    assert Dated.days(date(2026, 1, 6)) not in rules.holiday_closures("DE", "BE", [2026])
    open_anyway = Dated(datetime.fromisoformat("2026-01-06T10:00"), datetime.fromisoformat("2026-01-06T12:00"))
    table = Timetable(weekly(time(9), time(17)), closures=closed, extra=(open_anyway,))
    assert stretches(table, "Europe/Berlin", date(2026, 1, 6)) == [("06 10:00+0100", "06 12:00+0100")]


@pytest.mark.parametrize(
    ("write", "field"),
    [
        (lambda: Weekly(7, time(9), time(10)), "weekday"),
        (lambda: Weekly(0, time(9, 0, 30), time(10)), "time"),
        (lambda: Weekly(0, time(9), time(10), every_weeks=2), "every_weeks"),
        (lambda: Weekly(0, time(9), time(10), date(2026, 2, 1), date(2026, 1, 1)), "valid_until"),
        (lambda: Dated.days(date(2026, 2, 2), date(2026, 2, 1)), "ends"),
        (lambda: Dated(datetime(2026, 2, 2, tzinfo=UTC), datetime(2026, 2, 3, tzinfo=UTC)), "starts"),
        (lambda: rules.holiday_closures("XX", None, [2026]), "holidays"),
        (lambda: rules.holiday_closures("DE", "XX", [2026]), "holidays"),
    ],
)
def test_rules_that_make_no_sense_name_their_field(write, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        write()
    assert refused.value.facts["field"] == field

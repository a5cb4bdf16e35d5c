"""The resolver, over every zone and every change of the clocks from 2024 to 2028."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from holdfast import wallclock
from holdfast.errors import Invalid, WallTimeRefused

SECOND = timedelta(seconds=1)
FROM, UNTIL = datetime(2024, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)


def offset(zone_name: str, instant: datetime) -> timedelta:
    shift = instant.astimezone(wallclock.zone(zone_name)).utcoffset()
    assert shift is not None
    return shift


def transitions(zone_name: str) -> Iterator[tuple[datetime, timedelta, timedelta]]:
    """(instant, offset before, offset after), found by walking days and halving: nothing of wallclock's arithmetic."""
    day, known = FROM, offset(zone_name, FROM)
    while day < UNTIL:
        after = day + timedelta(days=1)
        if offset(zone_name, after) != known:
            low, high = day, after
            while high - low > SECOND:
                middle = (low + (high - low) / 2).replace(microsecond=0)
                low, high = (middle, high) if offset(zone_name, middle) == known else (low, middle)
            yield high, known, offset(zone_name, high)
            known = offset(zone_name, after)
        day = after


def naive(instant: datetime, shift: timedelta) -> datetime:
    return (instant + shift).replace(tzinfo=None)


@pytest.fixture(scope="module")
def changes() -> list[tuple[str, datetime, timedelta, timedelta]]:
    return [(name, *change) for name in sorted(wallclock.zone_names()) for change in transitions(name)]


def test_the_walk_really_meets_changes_of_many_kinds(changes) -> None:
    sizes = {after - before for _, _, before, after in changes}
    assert len(changes) > 1500
    assert {timedelta(minutes=30), timedelta(minutes=-30), timedelta(hours=2), timedelta(hours=-2)} <= sizes
    assert {"Australia/Lord_Howe", "Antarctica/Troll", "Africa/Casablanca"} <= {name for name, *_ in changes}


def test_a_time_in_a_gap_never_resolves_silently(changes) -> None:
    for name, instant, before, after in changes:
        if after <= before:
            continue
        for into in (timedelta(0), (after - before) / 2, after - before - SECOND):
            missing = naive(instant, before) + into
            with pytest.raises(WallTimeRefused) as refused:
                wallclock.resolve(missing, name)
            assert refused.value.facts["reason"] == "does not exist"
            earlier, later = map(datetime.fromisoformat, refused.value.facts["choices"])
            assert earlier < instant <= later
            assert wallclock.resolve(missing, name, choice="earlier") == earlier
            assert wallclock.resolve(missing, name, choice="later") == later
            forward = wallclock.resolve_rule(missing, name)
            assert forward == later
            assert wallclock.to_local(forward, name).replace(tzinfo=None) == missing + (after - before)


def test_a_time_that_happens_twice_offers_both(changes) -> None:
    for name, instant, before, after in changes:
        if after >= before:
            continue
        for into in (timedelta(0), (before - after) / 2, before - after - SECOND):
            twice = naive(instant, after) + into
            with pytest.raises(WallTimeRefused) as refused:
                wallclock.resolve(twice, name)
            assert refused.value.facts["reason"] == "happens twice"
            first, second = map(datetime.fromisoformat, refused.value.facts["choices"])
            assert first < instant <= second
            assert {first.replace(tzinfo=None), second.replace(tzinfo=None)} == {twice}
            assert second - first == before - after
            assert wallclock.resolve(twice, name, choice="later") == second
            assert wallclock.resolve_rule(twice, name) == first == wallclock.resolve(twice, name, choice="earlier")


def test_the_seconds_around_a_change_resolve_to_themselves(changes) -> None:
    for name, instant, before, after in changes:
        jump = abs(after - before)
        for shift, moment in ((before, instant - jump - SECOND), (after, instant + jump)):
            assert wallclock.resolve(naive(moment, shift), name) == moment


def test_anywhere_else_the_round_trip_is_exact() -> None:
    rng = random.Random(20260308)
    names = sorted(wallclock.zone_names())
    for _ in range(5_000):
        name = rng.choice(names)
        instant = FROM + rng.randrange(int((UNTIL - FROM).total_seconds())) * SECOND
        local = wallclock.to_local(instant, name).replace(tzinfo=None)
        choices = {wallclock.resolve(local, name, choice=choice) for choice in ("earlier", "later")}
        assert instant in choices, name
        if len(choices) == 1:
            assert wallclock.resolve(local, name) == instant, name


def test_a_local_day_tiles_with_its_neighbours(changes) -> None:
    for name, instant, _, _ in changes:
        day = wallclock.local_date(instant, name)
        for probe in (day - timedelta(days=1), day, day + timedelta(days=1)):
            start, end = wallclock.day_start(probe, name), wallclock.day_start(probe + timedelta(days=1), name)
            assert wallclock.local_date(start, name) == probe == wallclock.local_date(end - SECOND, name), name
            assert wallclock.local_date(start - SECOND, name) == probe - timedelta(days=1), name


@pytest.mark.parametrize(
    ("zone_name", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Antarctica/Troll", date(2026, 3, 29), 22),
        ("Africa/Cairo", date(2026, 4, 24), 23),
        ("Pacific/Apia", date(2026, 4, 5), 24),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Pacific/Kiritimati", date(2026, 4, 5), 24),
    ],
)
def test_days_have_the_length_they_have(zone_name: str, day: date, hours: float) -> None:
    length = wallclock.day_start(day + timedelta(days=1), zone_name) - wallclock.day_start(day, zone_name)
    assert length == timedelta(hours=hours)


def test_the_night_python_and_postgresql_disagree_about() -> None:
    with pytest.raises(WallTimeRefused) as refused:
        wallclock.resolve(datetime.fromisoformat("2026-11-01T01:30"), "America/New_York")
    assert refused.value.facts["choices"] == ["2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-02T09:00:00+01:00", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("2026-03-02t08:00z", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("2026-03-02T08:00:00.000Z", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        (" 2026-03-02 09:00 ", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("2026-10-25T02:30+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_what_a_caller_may_write(text: str, instant: datetime) -> None:
    assert wallclock.parse_instant(text, "Europe/Berlin") == instant


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("2026-03-02", "add a time"),
        ("2026-03-02T09:00:00 01:00", "%2B"),
        ("0026-03-02T09:00", "outside 1970"),
        ("9999-12-31T23:59:59-12:00", "outside 1970"),
        ("2026-02-29T09:00", "day is out of range"),
        ("2026-03-02T24:00", "hour must be"),
        ("2026-03-02T09:00:60Z", "second must be"),
        ("2026-03-02T09:00+99:00", "offset"),
        ("2026-W10-1T09:00", "write a time like"),
        ("٢٠٢٦-03-02T09:00", "write a time like"),
        ("tomorrow at nine", "write a time like"),
        ("", "write a time like"),
    ],
)
def test_what_a_caller_may_not_write(text: str, hint: str) -> None:
    with pytest.raises(Invalid, match=hint) as refused:
        wallclock.parse_instant(text, "Europe/Berlin", field="from")
    assert refused.value.facts["field"] == "from"
    assert refused.value.detail.startswith("from is ")


def test_a_wall_time_in_the_gap_is_refused_through_parse_too() -> None:
    with pytest.raises(WallTimeRefused, match="does not exist"):
        wallclock.parse_instant("2026-03-29T02:30", "Europe/Berlin")
    chosen = wallclock.parse_instant("2026-03-29T02:30", "Europe/Berlin", choice="later")
    assert chosen == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("America/New York", "America/New_York"),
        ("berlin", "Europe/Berlin"),
        ("Europe/Zuerich", "Europe/Zurich"),
        ("../../etc/passwd", None),
        ("", None),
    ],
)
def test_an_unknown_zone_is_refused_with_its_neighbours(name: str, near: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        wallclock.zone(name)
    if near is not None:
        assert near in refused.value.facts["suggestions"]


def test_mixing_up_wall_times_and_instants_is_refused() -> None:
    with pytest.raises(Invalid, match="not a wall time"):
        wallclock.resolve(datetime(2026, 3, 2, 9, tzinfo=UTC), "Europe/Berlin")
    with pytest.raises(Invalid, match="not an instant"):
        wallclock.to_local(datetime.fromisoformat("2026-03-02T09:00"), "Europe/Berlin")
    with pytest.raises(Invalid, match="outside 1970"):
        wallclock.resolve(datetime.fromisoformat("0001-01-01T00:00"), "Europe/Berlin")


def test_the_rules_in_use_are_the_packages() -> None:
    assert wallclock.tzdata_version()[:2] == "20"
    assert wallclock.zone("Europe/Berlin").key == "Europe/Berlin"

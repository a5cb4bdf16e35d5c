"""Why not: the reason of each role, nobody's name, and the nearest start that works."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date, time

import pytest

from holdfast.availability.explain import Explanation, Obstacle, explain
from holdfast.availability.model import Claim, Lead, Pool, Requirement, Service, Snapshot
from holdfast.availability.rules import Dated, Timetable
from holdfast.availability.search import Search
from tests.availability.clinic import FACIAL, RESOURCES, ask, at, booked, daily, record, shown


def why_not(snapshot: Snapshot, start: str, **changes: object) -> Explanation:
    search = Search(snapshot, ask(**changes))
    nearest = search.nearest(at(start), 1)
    return replace(explain(search, at(start)), nearest=nearest[0] if nearest else None)


def reasons(found: Explanation, role: str = "provider") -> list[tuple[str, int]]:
    return [(each.reason, each.count) for answer in found.roles if answer.role == role for each in answer.obstacles]


def test_a_start_that_works_has_nothing_in_the_way() -> None:
    found = why_not(record(), "10:00")
    assert found.works
    assert not found.rules
    assert [answer.free for answer in found.roles] == [2, 2]


def test_booked_held_blocked_and_busy() -> None:
    hold = Claim(at("10:00"), at("10:30"), "hold", "h", at("10:00"), at("09:05"))
    block = Claim(at("10:00"), at("12:00"), "block")
    taken = {
        "anna": [hold],
        "ben": [booked("10:30", "11:00")],
        "room 1": [block],
        "room 2": [block._replace(kind="busy")],
    }
    found = why_not(record(taken), "10:00")
    assert not found.works
    assert found.roles[0].obstacles == (Obstacle("held", 1, at("09:05")), Obstacle("booked", 1))
    assert reasons(found, "room") == [("blocked", 1), ("busy", 1)]
    assert found.nearest is not None
    assert shown(found.nearest.start) == "09:00"


def test_it_says_nothing_about_whose_it_is() -> None:
    secret = Claim(at("10:00"), at("11:00"), "appointment", "visit of Zoe", at("10:00"))
    found = asdict(replace(why_not(record({"anna": [secret], "ben": [secret]}), "10:00"), nearest=None))
    assert "Zoe" not in str(found)
    assert "anna" not in str(found)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("08:00", [("closed", 2)]),
        ("12:00", [("on_break", 2)]),
        ("11:30", [("on_break", 2)]),
        ("09:00", [("not_working", 1)]),
    ],
)
def test_opening_hours(start: str, expected: list[tuple[str, int]]) -> None:
    assert reasons(why_not(record(), start)) == expected


def test_away_capped_and_not_qualified() -> None:
    away = Timetable(daily(9, 17), time_off=(Dated.days(date(2026, 3, 2)),))
    crew = [
        replace(RESOURCES["anna"], timetables={"berlin": away}),
        replace(RESOURCES["ben"], visits_per_day=0),
    ]
    assert reasons(why_not(record(resources=crew), "10:00")) == [("away", 1), ("cap_reached", 1)]
    laser = replace(FACIAL, requirements=(Requirement("provider", Pool(("anna", "ben"), frozenset({"laser"})), 60),))
    expired = replace(RESOURCES["ben"], attributes={"laser": date(2026, 3, 1)})
    assert reasons(why_not(record(resources=[expired], services=[laser]), "10:00")) == [("no_credential", 2)]


def test_a_closed_location() -> None:
    snapshot = record()
    holiday = Timetable(daily(9, 17), closures=(Dated.days(date(2026, 3, 2)),))
    location = replace(snapshot.locations["berlin"], timetable=holiday)
    found = why_not(replace(snapshot, locations={"berlin": location}), "10:00")
    assert reasons(found) == [("closed", 2)]
    assert found.nearest is None


def test_rules_that_forbid_whoever_is_free() -> None:
    service = replace(FACIAL, lead=Lead(120, 0))
    snapshot = record(services=[service], now=at("09:10"))
    assert why_not(snapshot, "10:00").rules == ("too_soon",)
    assert why_not(snapshot, "14:10").rules == ("off_grid",)
    assert why_not(snapshot, "03 10:00", until=at("05 00:00")).rules == ("too_far",)
    assert why_not(snapshot, "06 10:00").rules == ("too_far", "outside_window")
    assert why_not(record(), "06 10:00").rules == ("outside_window",)
    assert why_not(record(), "10:00", part_of_day=(time(14), time(0))).rules == ("outside_part_of_day",)


def test_two_roles_after_the_same_person() -> None:
    needs = tuple(Requirement(role, Pool(("anna",)), 30) for role in ("injector", "assistant"))
    found = why_not(record(services=[Service("facial", 30, needs)]), "10:00")
    assert [(answer.free, answer.obstacles) for answer in found.roles] == [(1, ()), (1, ())]
    assert found.shared


@pytest.mark.parametrize("start", ["00:00", "09:00", "09:15", "11:45", "16:30", "23:45"])
def test_it_agrees_with_the_search(start: str) -> None:
    taken = {"anna": [booked("09:00", "11:00")], "ben": [booked("13:00", "14:00")]}
    search = Search(record(taken), ask())
    found = explain(search, at(start))
    obstacles = found.rules or found.shared or any(answer.free < answer.needed for answer in found.roles)
    assert found.works == (not obstacles) == (at(start) in {slot.start for slot in search.slots()})

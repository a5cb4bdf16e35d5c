"""Dates that are far away: whoever writes one is told in which field, and one that stands harms nobody's search."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from holdfast.availability.recurrence import Recurrence
from holdfast.catalog.hours import parse_day, parse_when
from holdfast.catalog.yaml_file import parse_catalog
from holdfast.errors import HoldfastError, Invalid
from holdfast.http.pages import choice, desk_times
from tests.rules.clinic import daily, next_monday
from tests.rules.test_http import PATH, Door, door

__all__ = ["door"]  # the fixture

DAYS = (
    "0000-00-00", "0001-01-01", "1969-12-31", "1970-01-01", "2027-02-29", "2199-12-31", "2200-01-01", "2262-04-12",
    "9999-12-31", "10000-01-01", "2027-W01-1", "-2027-01-01", "٢٠٢٧-٠١-٠١",
)  # fmt: skip
MOMENTS = tuple(
    f"{day}{clock}" for day in DAYS for clock in ("T00:00", "T23:59:59Z", "T00:00:00+14:00", "T23:59-12:00")
)
MONDAY = next_monday()
SERVICE = {"service": "facial", "location": "austin"}
HER = {"name": "Ana Ruiz", "email": "ana@example.com"}
RULE: dict[str, Any] = {"first": str(MONDAY), "every_days": 1}
SERIES: dict[str, Any] = {"location": "austin", "services": ["facial"], "count": 3, "rule": RULE}
SPAN = {"resource": "ana", "start": f"{MONDAY}T09:00:00Z", "end": f"{MONDAY}T10:00:00Z"}


def asked_of_lists() -> Iterator[tuple[str, str, dict[str, str]]]:
    """(path, the parameter, the others)."""
    for name in ("from", "to"):
        yield PATH, name, SERVICE
        yield f"{PATH}/days", name, SERVICE
        for path in ("/v1/appointments", "/v1/blocks", "/v1/collisions", "/v1/waitlist/rates"):
            yield path, name, {}
    yield f"{PATH}/next", "from", SERVICE
    yield f"{PATH}/explain", "start", SERVICE


def asked_of_commands(far: str) -> Iterator[tuple[str, set[str], dict[str, Any]]]:
    """(path, the fields that may be named, the body)."""
    yield "/v1/holds", {"start"}, SERVICE | {"start": far}
    yield "/v1/appointments", {"start"}, SERVICE | {"start": far, "client": HER}
    yield "/v1/visits", {"start"}, {"location": "austin", "services": ["facial", "peel"], "start": far}
    yield "/v1/series", {"starts", "count", "first"}, SERIES | {"count": 1, "starts": [far]}
    yield "/v1/blocks", {"start", "end"}, SPAN | {"start": far, "reason": "Out"}
    yield "/v1/blocks", {"start", "end"}, SPAN | {"end": far, "reason": "Out"}
    yield "/v1/dropouts", {"start", "end", "to"}, SPAN | {"start": far}
    yield "/v1/dropouts", {"start", "end", "to"}, SPAN | {"end": far}
    yield "/v1/series/propose", {"first", "count"}, SERIES | {"rule": RULE | {"first": far}}
    yield "/v1/series/propose", {"first", "count"}, SERIES | {"count": 52, "rule": {"first": far, "every_weeks": 366}}
    for name in ("earliest_on", "latest_on"):
        yield "/v1/waitlist", {name}, {"services": ["facial"], "locations": ["austin"], "client": HER, name: far}


def names_what_is_wrong(problem: dict[str, Any], fields: set[str]) -> bool:
    """Whatever is named is a field of the request; a refusal may also be about all of it, and say so in a sentence."""
    pointers = {part for each in problem.get("errors", ()) for part in each["pointer"].split("/")}
    return bool(pointers & fields) if pointers else problem.get("field") in {None, *fields}


async def test_no_date_in_a_list_or_search_is_a_mistake_of_ours(door: Door) -> None:
    for path, name, others in asked_of_lists():
        for far in (*DAYS, *MOMENTS[::9]):
            answer = await door.get(path, surface="desk", **(others | {name: far}))
            assert answer.status_code in {200, 422}, (path, name, far, answer.text)
            if answer.status_code == 422:
                # an end may also be wrong because of where the beginning is
                assert names_what_is_wrong(answer.json(), {name, "to"}), (path, name, far, answer.text)
    for month in ("0000-01", "1970-01", "1969-12", "2199-12", "2200-01", "9999-12"):
        answer = await door.get(f"{PATH}/days", **SERVICE, month=month)
        assert answer.status_code == (200 if month in {"1970-01", "2199-12"} else 422), (month, answer.text)
        assert answer.status_code == 200 or answer.json()["field"] == "month"


async def test_no_date_in_a_command_is_a_mistake_of_ours(door: Door) -> None:
    for number, far in enumerate((*DAYS, *MOMENTS[::3])):
        for path, fields, body in asked_of_commands(far):
            for surface in ("widget", "desk") if number % 4 == 0 else ("desk",):
                answer = await door.post(path, body, surface=surface)
                assert answer.status_code < 500, (path, body, answer.text)
                if answer.status_code == 422:
                    assert names_what_is_wrong(answer.json(), fields), (path, body, answer.text)


async def test_what_stands_in_the_record_for_ever_harms_no_search(door: Door) -> None:
    clinic = door.clinic
    usual = [slot.start for slot in await clinic.slots("facial", MONDAY)]
    assert usual
    for good_until, has_it in ((date(9999, 12, 31), True), (date(2300, 1, 1), True), (date(1, 1, 1), False)):
        await clinic.resource_rules("ana", has={"laser": good_until})
        await clinic.pool("lasered", ["ana"], requires=["laser"])
        await clinic.service("zap", 60, {"nurse": {"pool": "lasered"}}, grid=30)
        assert bool(await clinic.slots("zap", MONDAY)) == has_it, good_until
    await clinic.hours(daily("09:00", "17:00", valid_from="0001-01-01", valid_until="9999-12-31"), resource="bo")
    for ends in ("2300-01-01T00:00", "9999-12-31T23:59"):
        off = {"kind": "time_off", "starts": f"{MONDAY + timedelta(days=1)}T00:00", "ends": ends}
        await clinic.dates([off | {"starts": "0001-01-01T00:00", "ends": "1600-01-01T00:00"}, off], resource="bo")
        bo = {"nurse": str(clinic.ids["bo"])}
        assert [slot.start for slot in await clinic.slots("facial", MONDAY, resources=bo)] == usual
        assert await clinic.slots("facial", MONDAY + timedelta(days=1), resources=bo) == []
        refused = await clinic.refusal(clinic.hold("facial", usual[0] + timedelta(days=1), who={"nurse": ["bo"]}))
        assert refused.facts["reason"] == "away"


CATALOG = """organization: C
locations: {main: {time_zone: America/Chicago, %s}}
providers: {ana: {%s}}
services: {Check-up: 30}
"""


@pytest.mark.parametrize("far", DAYS)
def test_a_file_with_a_far_date_is_told_its_line(far: str) -> None:
    wanted = [
        (f'closures: ["2027-03-01 to {far}"]', ""), (f'closures: ["{far}"]', ""),
        (f'extra: ["{far}T10:00 to {far}T11:00"]', ""),
        ("", f'has: {{laser: "{far}"}}'), ("", f'time_off: ["2027-03-01 to {far}"]'),
        *((f'hours: {{mon: {{times: "09:00-12:00", every_weeks: 2, anchor: 2027-03-01, {key}: "{far}"}}}}', "")
          for key in ("from", "until")),
        (f'hours: {{mon: {{times: "09:00-12:00", every_weeks: 2, anchor: "{far}"}}}}', ""),
    ]  # fmt: skip
    for location, provider in wanted:
        if not _is_read(CATALOG % (location, provider)):
            continue
        assert far in {"1970-01-01", "2199-12-31", "2027-W01-1"}, (far, location, provider)


def _is_read(text: str) -> bool:
    try:
        parse_catalog(text)
    except HoldfastError as refused:
        return "line " not in refused.detail
    return True


def test_the_refusal_says_the_years_and_what_to_do_instead() -> None:
    for parse in (parse_day, parse_when):
        with pytest.raises(ValueError, match="outside 1970 to 2199; leave the date out"):
            parse("9999-12-31")
    with pytest.raises(Invalid) as refused:
        Recurrence(first=date(9999, 12, 31), count=2, every_days=1)
    assert refused.value.facts["field"] == "first"
    with pytest.raises(Invalid) as refused:
        Recurrence(first=date(2199, 12, 31), count=2, every_days=1).days()
    assert refused.value.facts["field"] == "count"


@pytest.mark.parametrize("read", [choice.read_day, desk_times.read_day])
def test_a_page_takes_a_far_day_for_none(read: Callable[[str], date | None]) -> None:
    assert [day for day in DAYS if read(day)] == ["1970-01-01", "2199-12-31", "2027-W01-1"]

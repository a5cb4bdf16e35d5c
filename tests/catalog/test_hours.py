"""The rules of time in the catalog file: read, written back, brought into the record, refused without sense."""

from __future__ import annotations

import pytest

from holdfast.access.service import find_organization
from holdfast.catalog.document import read_document
from holdfast.catalog.transfer import carry_out, plan_import
from holdfast.catalog.yaml_file import parse_catalog
from holdfast.catalog.yaml_nodes import FileInvalid
from holdfast.catalog.yaml_text import dump_catalog
from holdfast.db.transact import Caller, Record

TEN_LINES = """\
organization: Corner Clinic
locations:
  main: {time_zone: America/Chicago, hours: {mon-fri: "09:00-12:00, 13:00-17:00"}, holidays: US-TX}
providers:
  ana:
  bo: {hours: {mon-thu: 09:00-15:00}}
rooms: [room]
services:
  Check-up: {duration: 30, lead: {public: {notice: 2h, horizon_days: 60}}}
"""
EVERYTHING = """\
organization: {name: Spa, assign: round_robin, rank: tight}
locations:
  north:
    time_zone: Europe/Berlin
    holidays: DE-BE
    hours:
      daily: 22:00-02:00
    closures: [2027-12-24, {when: 2027-12-30 to 2028-01-02, reason: Stocktaking}]
    extra: ["2027-12-26T10:00 to 2027-12-26T14:00"]
  south: Europe/Berlin
providers:
  ana:
    locations: [north, south]
    visits_per_day: 6
    has: {laser: 2027-06-30}
    breaks: {mon-fri: 12:00-12:30}
    time_off: [2027-08-01 to 2027-08-14]
    at:
      south: {hours: {mon: 09:00-13:00, sat: {times: 10:00-14:00, every_weeks: 2, anchor: 2027-03-06}}}
rooms:
  laser-room: {locations: north, has: [laser]}
pools:
  laser-rooms: {members: [laser-room], requires: [laser]}
services:
  ipl: {duration: 40, grid: 20, off_grid_after_claims: yes, locations: north, requires: [providers, laser-rooms]}
"""


@pytest.mark.parametrize("text", [TEN_LINES, EVERYTHING])
async def test_a_file_with_hours_comes_back_equal(record: Record, text: str) -> None:
    read = parse_catalog(text).document
    assert parse_catalog(dump_catalog(read)).document == read
    await carry_out(record, await plan_import(record, None, read))
    caller = Caller(await find_organization(record), "system", "system")
    assert await record.transact(caller, read_document) == read
    again = await plan_import(record, caller.organization_id, read)
    assert again.changes == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("hours: {mon-fri: 9 to 5}", "write times such as"),
        ("hours: {someday: 09:00-17:00}", "write days such as"),
        ("hours: {sat: {times: 09:00-12:00, every_weeks: 2}}", "needs an anchor"),
        ("holidays: US-XX", "no holidays are known"),
        ("closures: [2027-02-30]", "day is out of range"),
        ("closures: [2027-03-02 to 2027-03-01]", "ends before it starts"),
    ],
)
def test_hours_without_sense_are_told_by_line(line: str, told: str) -> None:
    text = f"organization: Spa\nlocations:\n  main:\n    time_zone: UTC\n    {line}\nproviders: [ana]\n"
    with pytest.raises(FileInvalid) as refused:
        parse_catalog(text)
    assert refused.value.remarks[0].line == 5
    assert told in refused.value.remarks[0].message

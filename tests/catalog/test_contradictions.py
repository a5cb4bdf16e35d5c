"""Rules that contradict each other: refused where nobody could ever book, remarked on where it only looks wrong."""

from __future__ import annotations

import pytest

from holdfast.catalog.contradictions import can_be_met
from holdfast.catalog.yaml_file import parse_catalog
from holdfast.catalog.yaml_nodes import FileInvalid
from holdfast.db.transact import Record
from holdfast.errors import Invalid
from holdfast.http.pages.manage_form import Reader
from holdfast.http.pages.manage_services import _leads
from holdfast.web.languages import Language
from tests.rules.clinic import Clinic

CATALOG = """organization: C
locations:
  main: {{time_zone: America/Chicago, hours: {{mon-fri: "09:00-17:00"}}, {location}}}
  north: America/Chicago
providers:
  ana: {{locations: [main, north], {ana}}}
services:
  Check-up: {{duration: 30, lead: {{public: {{{lead}}}}}}}
"""


def warnings(ana: str = "", location: str = "") -> list[str]:
    file = parse_catalog(CATALOG.format(ana=ana, location=location, lead="notice: 2h"))
    return [f"{remark.line}: {remark.message}" for remark in file.warnings]


@pytest.mark.parametrize(
    ("notice", "horizon", "met"),
    [(43_200, 7, False), (1440, 0, False), (1439, 0, True), (11_519, 7, True)],
)
async def test_a_notice_beyond_the_horizon_is_refused_in_every_place_it_can_be_written(
    record: Record, notice: int, horizon: int, met: bool
) -> None:
    assert can_be_met(notice, horizon) == met
    text = CATALOG.format(ana="", location="", lead=f"notice: {notice}, horizon_days: {horizon}")
    reader = Reader({"notice-widget": str(notice), "horizon-widget": str(horizon)}, Language("en"))
    _leads(reader)
    clinic = await Clinic.open(record)
    lead = {"surface": "widget", "notice_minutes": notice, "horizon_days": horizon}
    if met:
        parse_catalog(text)
        assert not reader.errors
        await clinic.service("facial", 30, {}, leads=[lead])
        return
    with pytest.raises(FileInvalid) as refused:
        parse_catalog(text)
    [remark] = refused.value.remarks
    assert remark.line == 8
    assert "nobody could ever book on public" in remark.message
    assert list(reader.errors) == ["horizon-widget"]
    with pytest.raises(Invalid, match="Shorten notice_minutes, or raise horizon_days"):
        await clinic.service("facial", 30, {}, leads=[lead])


@pytest.mark.parametrize(
    ("ana", "location", "told"),
    [
        ('hours: {sat: "09:00-12:00"}', "", "ana never works while main is open"),
        ('hours: {mon-fri: "18:00-08:00"}', "", "ana never works while main is open"),
        ('hours: {mon-fri: "18:00-09:01"}', "", None),
        ('hours: {sun: "22:00-10:00"}', "", None),  # until Monday at ten
        ('hours: {sat: "09:00-12:00"}', "extra: [2027-03-06]", None),
        ('hours: {sat: "09:00-12:00"}, at: {main: {hours: {mon: "09:00-12:00"}}}', "", None),
        ('hours: {mon: "09:00-12:00"}, at: {main: {hours: {sat: "09:00-12:00"}}}', "", "ana never works while main"),
        ("extra: [2027-03-06]", "", "extra hours on 2027-03-06, when main is closed"),
        ("extra: [2027-03-06]", "extra: [2027-03-06]", None),
        ("extra: [2027-03-08]", "", None),
        ("extra: [2027-03-08]", "closures: [2027-03-08]", "extra hours on 2027-03-08, when main is closed"),
        ('extra: ["2027-03-05T16:30 to 2027-03-06T10:00"]', "", None),
        ('extra: ["2027-03-05T17:00 to 2027-03-06T10:00"]', "", "when main is closed"),
    ],
)
def test_hours_that_never_meet_their_locations_are_remarked_on(ana: str, location: str, told: str | None) -> None:
    found = warnings(ana, location)
    if told is None:
        assert found == []
    else:
        [said] = found
        assert said.startswith("6: ")
        assert told in said

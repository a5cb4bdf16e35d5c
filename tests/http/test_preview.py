"""A catalog file sent to be looked at: what it would change, and which booked visits that touches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from holdfast.ids import public_id
from tests.http.houses import House, assert_problem, made

FILE = """\
organization: spa
locations: {main: {name: Main Street, time_zone: America/New_York, hours: {daily: "TIMES"}}}
providers: [ana, ben]
rooms: [room-1, room-2]
devices: {laser: {capacity: 2}}
services: {}
"""


def test_a_preview_lists_changes_and_the_visits_they_touch(spa: House, day: Callable[[], datetime]) -> None:
    booked = spa.book(day(), "consult")
    before = made(spa.manager.get("/v1/appointments/" + booked["id"]))
    ask = {"file": FILE.replace("TIMES", "01:00-02:00")}
    told = made(spa.manager.post("/v1/catalog/preview", json=ask))
    assert told["possible"] is True
    assert ("change", "location", "main") in {(each["action"], each["kind"], each["slug"]) for each in told["changes"]}
    (affected,) = [each for each in told["affected"] if each["appointment"] == booked["id"]]
    assert affected["sentences"] == ["It would be closed then."]
    assert {effect["reason"] for effect in affected["effects"]} == {"closed"}
    assert made(spa.manager.get("/v1/appointments/" + booked["id"])) == before
    # the control: a file with no such hours touches nothing
    wide = made(spa.manager.post("/v1/catalog/preview", json={"file": FILE.replace("TIMES", "00:00-24:00")}))
    assert wide["affected"] == []


def test_what_cannot_be_retired_is_said_with_its_visits(spa: House, day: Callable[[], datetime]) -> None:
    booked = spa.book(day(), "consult", resources={"provider": "ana"})
    ask = {"file": FILE.replace("TIMES", "00:00-24:00").replace("[ana, ben]", "[ben]"), "retire_missing": True}
    told = made(spa.manager.post("/v1/catalog/preview", json=ask))
    assert told["possible"] is False
    (affected,) = [each for each in told["affected"] if each["appointment"] == booked["id"]]
    assert ("in_the_way", public_id("resource", spa.clinic.resources["ana"])) in {
        (effect["reason"], effect["resource"]) for effect in affected["effects"]
    }


def test_a_file_with_mistakes_names_every_line(spa: House) -> None:
    wrong = spa.manager.post("/v1/catalog/preview", json={"file": "organization: spa\nroms: []\n"})
    body = assert_problem(wrong, 422, "invalid")
    assert any("line 2" in each["detail"] for each in body["errors"])


@pytest.mark.parametrize("slug", ["rival", "nobody"])
def test_a_file_about_another_organization_is_refused_the_same_whether_it_exists(
    spa: House, rival: House, slug: str
) -> None:
    ask = {"file": FILE.replace("TIMES", "00:00-24:00").replace("organization: spa", f"organization: {slug}")}
    body = assert_problem(spa.manager.post("/v1/catalog/preview", json=ask), 422, "invalid")
    assert body["detail"] == f"The file is about {slug!r}; this is 'spa'."


def test_only_a_manager_may_look(spa: House) -> None:
    assert_problem(spa.desk.post("/v1/catalog/preview", json={"file": FILE}), 403, "forbidden")

"""Conditional requests: ETag and If-Match (RFC 9110 sections 8.8.3 and 13.1.1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from tests.http.houses import House, assert_problem, made


@pytest.fixture
def address(spa: House, day: Callable[[], datetime]) -> str:
    """An appointment at revision 2."""
    start = day()
    address = f"/v1/appointments/{spa.book(start, 'consult')['id']}"
    made(spa.desk.post(f"{address}/reschedule", json={"start": start.isoformat()}))
    assert spa.desk.get(address).headers["etag"] == '"2"'
    return address


@pytest.mark.parametrize("tag", ['"2"', "*", '"1", "2"', 'W/"7", "2"', '"1","2"'])
def test_what_matches(spa: House, address: str, tag: str) -> None:
    done = spa.desk.post(f"{address}/check_in", headers={"If-Match": tag})
    assert made(done)["state"] == "checked_in"
    assert done.headers["etag"] == '"3"'


@pytest.mark.parametrize("tag", ['"1"', '"3"', 'W/"2"', 'W/"2", "1"', '"two"', '""', '"' + "9" * 30 + '"', '"02x"'])
def test_what_does_not(spa: House, address: str, tag: str) -> None:
    refused = assert_problem(spa.desk.post(f"{address}/cancel", headers={"If-Match": tag}), 412, "revision-mismatch")
    assert refused["revision"] == 2
    assert made(spa.desk.get(address))["state"] == "confirmed"


@pytest.mark.parametrize("tag", ["2", "", '"2', "* *", '"1" "2"', '"2",', "W/2", ","])
def test_what_is_no_list_of_tags(spa: House, address: str, tag: str) -> None:
    assert_problem(spa.desk.post(f"{address}/cancel", headers={"If-Match": tag}), 400, "malformed")
    assert made(spa.desk.get(address))["state"] == "confirmed"


def test_of_two_who_saw_the_same_revision_one_is_told(spa: House, address: str, day: Callable[[], datetime]) -> None:
    seen = {"If-Match": spa.desk.get(address).headers["etag"]}
    made(spa.desk.post(f"{address}/reschedule", json={"start": day().isoformat()}, headers=seen))
    assert_problem(spa.manager.post(f"{address}/cancel", headers=seen), 412, "revision-mismatch")

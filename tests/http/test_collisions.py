"""Collisions over HTTP: seen by who may read, settled by who may book, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.http.houses import House, assert_problem, made


def told_by_a_calendar(house: House, start: datetime, minutes: int, external_id: str) -> None:
    house.clinic.desk(
        "record_busy",
        resource_id=house.clinic.resources["ana"],
        source="ana@example.org",
        external_id=external_id,
        start=start,
        end=start + timedelta(minutes=minutes),
    )


def test_an_outside_event_on_a_booking(spa: House, day: Callable[[], datetime]) -> None:
    start = day()
    booked = spa.book(start, "consult", resources={"provider": "ana"})
    told_by_a_calendar(spa, start, 45, "evt-1")
    (found,) = made(spa.reader.get("/v1/collisions", params={"from": start.isoformat()}))["items"]
    assert (found["other_kind"], found["other"]) == ("appointment", booked["id"])
    assert (found["resource"], found["source"]) == (spa.resource_id("ana"), "ana@example.org")
    assert datetime.fromisoformat(found["start"]) == start
    assert datetime.fromisoformat(found["end"]) == start + timedelta(minutes=30)

    decision = {"resolution": "Ana takes the client, the meeting moves."}
    assert_problem(spa.reader.post(f"/v1/collisions/{found['id']}/resolve", json=decision), 403, "forbidden")
    settled = made(spa.desk.post(f"/v1/collisions/{found['id']}/resolve", json=decision))
    assert settled["resolution"] == decision["resolution"]
    assert settled["resolved_by"].startswith("key_")
    later = made(spa.desk.post(f"/v1/collisions/{found['id']}/resolve", json={"resolution": "No, the other way."}))
    assert later == settled
    assert made(spa.reader.get("/v1/collisions"))["items"] == []
    assert made(spa.reader.get("/v1/collisions?state=resolved"))["items"] == [settled]
    for wrong in ({}, {"resolution": ""}, {"resolution": "  "}, {"resolution": "x" * 501}, {"resolution": "\x00"}):
        assert_problem(spa.desk.post(f"/v1/collisions/{found['id']}/resolve", json=wrong), 422, "invalid")


def test_pages(spa: House, day: Callable[[], datetime]) -> None:
    start = day()
    for number in range(5):
        at = start + timedelta(hours=number)
        spa.book(at, "consult", resources={"provider": "ana"})
        told_by_a_calendar(spa, at, 30, f"page-{number}")
    wanted = {"from": start.isoformat(), "to": (start + timedelta(days=1)).isoformat(), "resource": "ana"}
    whole = made(spa.reader.get("/v1/collisions", params=wanted))["items"]
    assert len(whole) == 5
    first = made(spa.reader.get("/v1/collisions", params=wanted | {"limit": 3}))
    rest = made(spa.reader.get("/v1/collisions", params=wanted | {"limit": 3, "cursor": first["next"]}))
    assert first["items"] + rest["items"] == whole
    assert rest["next"] is None

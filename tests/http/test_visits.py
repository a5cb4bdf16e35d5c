"""Visits and series over HTTP: answers, refusals with what could be had instead, revisions, and who may see what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.http.houses import ADA, House, assert_problem, made

Day = Callable[[], datetime]


def pair(start: datetime, **more: Any) -> dict[str, Any]:
    return {"location": "main", "services": ["consult", "laser"], "start": start.isoformat(), **more}


def starts_at(slot: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(slot["start"])


def weekly(start: datetime, **more: Any) -> dict[str, Any]:
    rule = {"first": start.date().isoformat(), "every_weeks": 1, "at": f"{start:%H:%M}"}
    return {"location": "main", "services": ["laser"], "rule": rule, "count": 3, **more}


def test_what_is_offered_is_held_confirmed_moved_and_cancelled(spa: House, day: Day) -> None:
    start = day()
    window = {"from": start.isoformat(), "to": (start + timedelta(hours=3)).isoformat()}
    asked: dict[str, Any] = {"location": "main", "services": "consult,laser", "same_provider": True} | window
    offered = made(spa.desk.get("/v1/availability", params=asked))["slots"][0]
    assert offered["services"][0]["start"] == offered["start"]
    held = made(spa.desk.post("/v1/visits", json=pair(starts_at(offered), same_provider=True)))
    assert held["state"] == "held"
    assert [hold["start"] for hold in held["holds"]] == [part["start"] for part in offered["services"]]
    assert {hold["visit"] for hold in held["holds"]} == {held["id"]}
    address = f"/v1/visits/{held['id']}"
    booked = spa.desk.post(f"{address}/confirm", json={"client": ADA})
    assert booked.headers["etag"] == '"2"'
    assert made(booked)["state"] == "booked"
    later = {"start": (start + timedelta(hours=5)).isoformat()}
    assert_problem(
        spa.desk.post(f"{address}/reschedule", json=later, headers={"If-Match": '"1"'}), 412, "revision-mismatch"
    )
    moved = made(spa.desk.post(f"{address}/reschedule", json=later, headers={"If-Match": '"2"'}))
    assert (moved["revision"], datetime.fromisoformat(moved["start"])) == (4, start + timedelta(hours=5))
    one = moved["appointments"][0]["id"]
    made(spa.desk.post(f"/v1/appointments/{one}/cancel"))
    assert made(spa.desk.get(address))["state"] == "booked"
    assert made(spa.desk.post(f"{address}/cancel"))["state"] == "cancelled"


def test_a_taken_visit_is_refused_with_other_starts_for_all_of_it(spa: House, day: Day) -> None:
    start = day()
    for _ in range(2):
        spa.hold(start + timedelta(minutes=30))
    refused = assert_problem(spa.desk.post("/v1/visits", json=pair(start)), 409, "slot-taken")
    assert refused["roles"] == ["device", "provider", "room"]
    assert len(refused["alternatives"]) == 3
    instead = refused["alternatives"][0]
    assert instead["services"][0]["start"] == instead["start"]
    made(spa.desk.post("/v1/visits", json=pair(starts_at(instead))))


def test_the_same_request_again_is_the_same_visit(spa: House, day: Day) -> None:
    body, headers = pair(day()), {"Idempotency-Key": "a visit"}
    first = spa.desk.post("/v1/visits", json=body, headers=headers)
    again = spa.desk.post("/v1/visits", json=body, headers=headers)
    assert made(first) == made(again)
    assert again.headers["idempotent-replayed"] == "true"


def test_a_stranger_sees_what_is_held_and_not_who_came(spa: House, day: Day) -> None:
    held = made(spa.widget.post("/v1/visits", json=pair(day())))
    assert made(spa.widget.get(f"/v1/visits/{held['id']}"))["state"] == "held"
    booked = made(spa.widget.post(f"/v1/visits/{held['id']}/confirm", json={"client": ADA}))
    assert {each["client"]["id"] for each in booked["appointments"]} == {None}
    assert_problem(spa.widget.get(f"/v1/visits/{held['id']}"), 403, "forbidden")


def test_what_makes_no_sense_is_refused(spa: House, day: Day) -> None:
    start = day()
    item = {"service": "laser", "start": start.isoformat()}
    for body in (
        {"location": "main"},
        pair(start) | {"appointments": [item]},
        {"location": "main", "appointments": [item], "party": 2},
        pair(start, max_wait_minutes=-1),
    ):
        assert_problem(spa.desk.post("/v1/visits", json=body), 422, "invalid")
    assert_problem(spa.desk.post("/v1/visits", json=pair(start, services=["massage"])), 422, "not-bookable")
    assert_problem(spa.widget.post("/v1/visits", json=pair(start, outside_rules=True)), 403, "forbidden")
    for rule in (
        {"first": "2027-03-02"},
        {"every_weeks": 1},
        {"first": "2027-03-02", "every_weeks": 1, "every_days": 1},
    ):
        assert_problem(spa.desk.post("/v1/series/propose", json=weekly(start) | {"rule": rule}), 422, "invalid")


def test_a_series_is_proposed_held_and_booked(spa: House, day: Day) -> None:
    start = day() + timedelta(days=200)
    proposal = made(spa.desk.post("/v1/series/propose", json=weekly(start)))
    assert proposal["complete"]
    assert [each["number"] for each in proposal["occurrences"]] == [1, 2, 3]
    held = made(spa.desk.post("/v1/series", json=weekly(start)))
    assert [visit["start"] for visit in held["visits"]] == [each["slot"]["start"] for each in proposal["occurrences"]]
    address = f"/v1/series/{held['id']}"
    booked = made(spa.desk.post(f"{address}/confirm", json={"client": ADA}))
    assert (booked["state"], booked["revision"]) == ("booked", 3)
    moved = made(spa.desk.post(f"{address}/reschedule", json={"rule": {"at": "17:00"}}, headers={"If-Match": '"3"'}))
    assert {each["start"][11:16] for each in moved["visits"]} == {"17:00"}
    client = booked["visits"][0]["appointments"][0]["client"]["id"]
    listed = made(spa.desk.get("/v1/series", params={"client": client, "limit": 1}))
    assert [each["id"] for each in listed["items"]] == [held["id"]]
    assert made(spa.desk.post(f"{address}/cancel"))["state"] == "cancelled"


def test_a_series_that_cannot_be_had_is_a_report(spa: House, day: Day) -> None:
    start = day() + timedelta(days=400)
    for _ in range(2):
        spa.hold(start + timedelta(weeks=1), "laser")
    exact = [(start + timedelta(weeks=n)).isoformat() for n in range(3)]
    refused = assert_problem(spa.desk.post("/v1/series", json=weekly(start, starts=exact)), 409, "series-unavailable")
    [lost] = refused["occurrences"]
    assert lost["number"] == 2
    assert lost["instead"]
    exact[1] = lost["instead"][0]["start"]
    held = made(spa.desk.post("/v1/series", json=weekly(start, starts=exact)))
    assert [datetime.fromisoformat(each["start"]) for each in held["visits"]] == [
        datetime.fromisoformat(each) for each in exact
    ]
    assert made(spa.desk.delete(f"/v1/series/{held['id']}"))["state"] == "ended"

"""What can be had instead: with every refusal that another start may cure, and with no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.rules.clinic import daily, next_monday, wall
from tests.rules.test_http import Door, door

__all__ = ["door"]  # the fixture

MONDAY = next_monday()
TEN = wall(MONDAY, "10:00")
HER = {"name": "Ana Ruiz", "email": "ana@example.com"}
FACIAL = {"service": "facial", "location": "austin"}


def at(clock: str) -> str:
    return wall(MONDAY, clock).isoformat()


def starts(problem: dict[str, Any]) -> list[datetime]:
    return [datetime.fromisoformat(each["start"]).astimezone(UTC) for each in problem["alternatives"]]


async def test_a_start_that_a_rule_forbids_comes_with_others_that_can_be_held(door: Door) -> None:
    clinic = door.clinic
    await clinic.hours(daily("12:00", "13:00", kind="break", days=[0]), location=None, resource="ana")
    off = [{"kind": "time_off", "starts": f"{MONDAY}T00:00", "ends": f"{MONDAY}T12:00"}]
    await clinic.dates(off, location=None, resource="bo")
    far, soon = [{"surface": "widget", "notice_minutes": n, "horizon_days": d} for n, d in ((0, 20), (30 * 1440, 60))]
    needs = {"nurse": {"pool": "nurses"}}
    await clinic.service("far", 30, needs, leads=[far])
    await clinic.service("soon", 30, needs, leads=[soon])
    await clinic.resource("cy")
    await clinic.resource_rules("cy", cap=1)
    await clinic.pool("capped", ["cy"])
    await clinic.service("rare", 30, {"nurse": {"pool": "capped"}})
    await clinic.hold("rare", TEN)
    for service, start, more, reason in (
        ("facial", at("20:00"), {}, "closed"),
        ("facial", at("10:10"), {}, "off_grid"),
        ("facial", at("12:00"), {"resources": {"nurse": "ana"}}, "on_break"),
        ("facial", at("10:00"), {"resources": {"nurse": "bo"}}, "away"),
        ("far", wall(MONDAY + timedelta(days=700), "10:00").isoformat(), {}, "too_far"),
        ("soon", at("10:00"), {}, "too_soon"),
        ("rare", at("15:00"), {}, None),
    ):
        ask = {"service": service, "location": "austin", "start": start} | more
        refused = await door.post("/v1/holds", ask)
        problem = refused.json()
        assert (refused.status_code, problem.get("reason")) == (422 if reason else 409, reason)
        assert len(problem["alternatives"]) == 3, reason
        found = [abs(each - datetime.fromisoformat(start)) for each in starts(problem)]
        assert found == sorted(found)
        again = await door.post("/v1/holds", ask | {"start": problem["alternatives"][0]["start"], "resources": {}})
        assert again.status_code == 201, (reason, again.text)
        await clinic.run("select holdfast.release_hold(%(id)s)", id=again.json()["id"].removeprefix("hld_"))


async def test_a_refusal_that_no_other_start_cures_has_none(door: Door) -> None:
    await door.clinic.pool("rooms-only", ["room"])
    for ask, reason in (
        (FACIAL | {"start": at("10:00"), "resources": {"nurse": "room"}}, "resource_cannot_serve"),
        ({"service": "air", "location": "austin", "start": at("10:00")}, "nothing_required"),
        (FACIAL | {"service": "nothing", "start": at("10:00")}, "unknown_reference"),
    ):
        problem = (await door.post("/v1/holds", ask)).json()
        assert problem["reason"] == reason
        assert "alternatives" not in problem


async def test_a_move_that_a_rule_forbids_comes_with_others_while_its_own_time_is_given_up(door: Door) -> None:
    body = FACIAL | {"start": at("16:00"), "client": HER, "resources": {"nurse": "ana"}}
    made = (await door.post("/v1/appointments", body, surface="desk")).json()
    refused = await door.post(f"/v1/appointments/{made['id']}/reschedule", {"start": at("17:00")}, surface="desk")
    assert (refused.status_code, refused.json()["reason"]) == (422, "closed")
    # 16:00 is its own, and is free for it; the grid still counts for what is suggested
    assert starts(refused.json())[0] == wall(MONDAY, "16:00")


async def test_a_hold_that_ran_out_can_be_held_again(door: Door, admin: psycopg.Connection[Any]) -> None:
    run_out = """update holdfast.hold
        set created_at = created_at - interval '1 day', expires_at = expires_at - interval '1 day'"""
    one = (await door.post("/v1/holds", FACIAL | {"start": at("10:00")})).json()
    two = {"location": "austin", "services": ["facial", "peel"], "start": at("13:00")}
    several = (await door.post("/v1/visits", two)).json()
    booked = (
        await door.post("/v1/appointments", FACIAL | {"start": at("09:00"), "client": HER}, surface="desk")
    ).json()
    admin.execute(f"{run_out} where state = 'live'")
    for path, body, start, count in (
        ("/v1/appointments", {"hold_id": one["id"], "client": HER}, "10:00", 0),
        (f"/v1/holds/{one['id']}/extend", {}, "10:00", 0),
        (f"/v1/visits/{several['id']}/confirm", {"client": HER}, "13:00", 2),
    ):
        refused = await door.post(path, body)
        assert refused.status_code == 410, refused.text
        assert starts(refused.json())[0] == wall(MONDAY, start)
        assert len(refused.json()["alternatives"][0].get("services", [])) == count
    onto = await door.post(f"/v1/appointments/{booked['id']}/reschedule", {"hold_id": one["id"]}, surface="desk")
    assert (onto.status_code, starts(onto.json())[0]) == (410, TEN)


@pytest.mark.parametrize("reason", ["taken", "closed"])
async def test_a_visit_put_together_by_hand_is_offered_as_a_whole(door: Door, reason: str) -> None:
    # two people at once, each with something else: no sequence, so only its parts say what it is
    def by_hand(first: str) -> dict[str, Any]:
        start = datetime.fromisoformat(first)
        return {
            "location": "austin",
            "appointments": [
                {"service": "facial", "start": first, "resources": {"nurse": "ana"}},
                {"service": "peel", "start": (start + timedelta(minutes=15)).isoformat(), "resources": {"nurse": "bo"}},
            ],
        }

    if reason == "taken":
        await door.clinic.book("peel", wall(MONDAY, "10:30"), who={"nurse": ["bo"]})
    refused = await door.post("/v1/visits", by_hand(at("10:00" if reason == "taken" else "20:00")))
    problem = refused.json()
    assert (refused.status_code, problem.get("reason", "taken")) == (409 if reason == "taken" else 422, reason)
    first = problem["alternatives"][0]
    assert starts(problem) == [
        wall(MONDAY, clock)
        for clock in (["09:30", "11:00", "09:00"] if reason == "taken" else ["16:00", "15:30", "15:00"])
    ]
    assert [part["start"][11:16] for part in first["services"]] == [
        first["start"][11:16],
        first["start"][11:14] + str(int(first["start"][14:16]) + 15),
    ]
    assert {each["role"] for each in first["resources"]} == {"nurse", "room"}
    again = await door.post("/v1/visits", by_hand(first["start"]))
    assert again.status_code == 201, again.text


async def test_a_visit_that_is_no_longer_of_one_piece_is_offered_as_it_stands(door: Door) -> None:
    ask = {"location": "austin", "services": ["facial", "peel"], "start": at("10:00"), "party": 2}
    held = (await door.post("/v1/visits", ask, surface="desk")).json()
    visit = (await door.post(f"/v1/visits/{held['id']}/confirm", {"client": HER}, surface="desk")).json()
    gone = visit["appointments"][0]["id"]
    assert (await door.post(f"/v1/appointments/{gone}/cancel", {}, surface="desk")).status_code == 200
    refused = await door.post(f"/v1/visits/{held['id']}/reschedule", {"start": at("20:00")}, surface="desk")
    assert (refused.status_code, refused.json()["reason"]) == (422, "closed")
    nearest = refused.json()["alternatives"][0]
    assert starts(refused.json())[0] == wall(MONDAY, "15:30")
    assert len(nearest["services"]) == 3
    moved = await door.post(f"/v1/visits/{held['id']}/reschedule", {"start": nearest["start"]}, surface="desk")
    assert moved.status_code == 200, moved.text

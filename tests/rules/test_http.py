"""Availability over HTTP: the answers, what a stranger is told, tags that spare the work, and bad input."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from holdfast.access.service import create_api_key
from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from holdfast.http.app import build_app
from tests.rules.clinic import Clinic, daily, next_monday, wall

MONDAY = next_monday()
PATH = "/v1/availability"


class Door:
    """An HTTP client with a key for each surface."""

    def __init__(self, client: httpx.AsyncClient, clinic: Clinic, keys: dict[str, str]) -> None:
        self.client, self.clinic, self._keys = client, clinic, keys

    async def get(
        self, path: str = PATH, *, surface: str = "widget", headers: Any = None, **query: Any
    ) -> httpx.Response:
        query = {name.rstrip("_"): value for name, value in query.items()}
        bearer = {"Authorization": f"Bearer {self._keys[surface]}"}
        return await self.client.get(path, params=query, headers=bearer | (headers or {}))

    async def post(self, path: str, body: Any, *, surface: str = "widget") -> httpx.Response:
        return await self.client.post(path, json=body, headers={"Authorization": f"Bearer {self._keys[surface]}"})


@pytest.fixture
async def door(database: DatabaseUrls, record: Record) -> AsyncIterator[Door]:
    clinic = await Clinic.open(record)
    for slug in ("ana", "bo"):
        await clinic.resource(slug)
    await clinic.resource("room", "room", capacity=2)
    await clinic.pool("nurses", ["ana", "bo"])
    await clinic.pool("rooms", ["room"])
    await clinic.hours(daily("09:00", "17:00", days=range(5)))
    needs = {"nurse": {"pool": "nurses"}, "room": {"pool": "rooms"}}
    await clinic.service("facial", 60, needs, grid=30)
    await clinic.service("peel", 30, {"nurse": {"pool": "nurses"}}, grid=30)
    await clinic.service("air", 30, {})
    keys = {}
    for surface, scopes in (("widget", ["book"]), ("desk", ["read", "book", "manage"])):
        made = await clinic.as_(
            "desk",
            lambda tx: create_api_key(tx, name=surface, scopes=scopes, surfaces=[surface]),  # noqa: B023
        )
        keys[surface] = made.key
    app = build_app(database.app, secret=b"s" * 32, pool_size=4)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield Door(client, clinic, keys)


async def test_slots_of_a_day(door: Door) -> None:
    answer = await door.get(service="facial", location="austin", from_=str(MONDAY), to=str(MONDAY + timedelta(days=1)))
    body = answer.json()
    assert answer.status_code == 200
    assert body["time_zone"] == "America/Chicago"
    assert len(body["slots"]) == 15
    first = body["slots"][0]
    assert set(first) == {"start", "end", "location", "resources"}
    assert first["start"].startswith(f"{MONDAY}T09:00:00-0")
    assert [each["role"] for each in first["resources"]] == ["nurse", "room"]
    held = await door.post("/v1/holds", {"service": "facial", "location": first["location"], "start": first["start"]})
    assert held.status_code == 201


async def test_the_clients_zone_the_part_of_the_day_and_a_named_provider(door: Door) -> None:
    day = {"from_": str(MONDAY), "to": str(MONDAY + timedelta(days=1))}
    body = (await door.get(service="facial", time_zone="Asia/Tokyo", part_of_day="afternoon", **day)).json()
    assert body["time_zone"] == "Asia/Tokyo"
    assert body["slots"][0]["start"].endswith("+09:00")
    assert len(body["slots"]) == 9
    bo = (await door.get(service="facial", provider="bo", **day)).json()["slots"]
    room, nurse = door.clinic.ids["room"], door.clinic.ids["bo"]
    assert {each["resource"] for slot in bo for each in slot["resources"]} == {f"res_{room.hex}", f"res_{nurse.hex}"}


async def test_a_sequence_and_a_party(door: Door) -> None:
    day = {"from_": str(MONDAY), "to": str(MONDAY + timedelta(days=1))}
    both = (await door.get(services="facial,peel", same_provider="true", **day)).json()["slots"]
    assert len(both) == 14
    assert len({each["resource"] for each in both[0]["resources"] if each["role"] == "nurse"}) == 1
    couple = (await door.get(service="facial", party=2, **day)).json()["slots"]
    assert len(couple[0]["resources"]) == 4
    assert (await door.get(service="facial", party=3, **day)).json()["slots"] == []


async def test_days_and_the_next_slot(door: Door) -> None:
    days = (await door.get(f"{PATH}/days", service="facial", month=f"{MONDAY:%Y-%m}")).json()["days"]
    assert str(MONDAY) in days
    assert str(MONDAY + timedelta(days=6)) not in days
    saturday = MONDAY + timedelta(days=5)
    found = (await door.get(f"{PATH}/next", service="facial", from_=str(saturday))).json()["slots"]
    assert [slot["start"][:16] for slot in found] == [f"{MONDAY + timedelta(days=7)}T09:00"]


async def test_why_not_without_saying_whose(door: Door) -> None:
    start = wall(MONDAY, "10:00")
    await door.clinic.book("facial", start, who={"nurse": ["ana"]})
    await door.clinic.hold("facial", start)
    body = (await door.get(f"{PATH}/explain", service="facial", location="austin", start=start.isoformat())).json()
    assert not body["works"]
    nurse = body["roles"][0]
    assert nurse["role"] == "nurse"
    assert [each["reason"] for each in nurse["obstacles"]] == ["booked", "held"]
    assert "until" in nurse["obstacles"][1]
    assert "Ana Ruiz" not in str(body)
    assert body["nearest"]["start"].startswith(f"{MONDAY}T11:00")
    closed = (await door.get(f"{PATH}/explain", service="facial", location="austin", start=f"{MONDAY}T20:10")).json()
    assert closed["rules"] == ["off_grid"]
    assert closed["roles"][0]["obstacles"][0]["reason"] == "closed"


async def test_alternatives_on_a_refusal(door: Door) -> None:
    start = wall(MONDAY, "10:00")
    await door.clinic.book("facial", start, who={"nurse": ["ana"]})
    body = {"service": "facial", "location": "austin", "start": start.isoformat(), "resources": {"nurse": "ana"}}
    refused = await door.post("/v1/holds", body)
    assert refused.status_code == 409
    assert refused.json()["roles"] == ["nurse"]
    offered = refused.json()["alternatives"]
    assert [slot["start"][11:16] for slot in offered] == ["10:00", "10:30", "09:30"]
    assert (await door.post("/v1/holds", body | {"start": offered[1]["start"], "resources": {}})).status_code == 201


async def test_staff_may_step_outside_the_rules_and_strangers_may_not(door: Door) -> None:
    late = wall(MONDAY, "20:10").isoformat()
    body = {"service": "facial", "location": "austin", "start": late, "outside_rules": True}
    assert (await door.post("/v1/holds", body)).status_code == 403
    assert (await door.post("/v1/holds", body, surface="desk")).status_code == 201
    closed = await door.post("/v1/holds", body | {"outside_rules": False}, surface="desk")
    assert (closed.status_code, closed.json()["reason"]) == (422, "closed")


async def test_a_dropout_is_planned_and_then_carried_out(door: Door) -> None:
    booked = await door.clinic.book("facial", wall(MONDAY, "10:00"), who={"nurse": ["ana"]})
    ask = {"resource": "ana", "start": wall(MONDAY, "00:00").isoformat(), "end": wall(MONDAY, "23:00").isoformat()}
    assert (await door.post("/v1/dropouts", ask)).status_code == 403
    plan = (await door.post("/v1/dropouts", ask, surface="desk")).json()
    assert [(move["resource_name"], move["appointment"]) for move in plan["moves"]] == [("bo", f"apt_{booked.id.hex}")]
    assert not plan["applied"]
    done = await door.post("/v1/dropouts", ask | {"approve": plan["fingerprint"]}, surface="desk")
    assert done.json()["applied"]
    assert done.json()["absence"] | {"start": "", "end": ""} == {
        "resource": f"res_{door.clinic.ids['ana'].hex}", "start": "", "end": "", "known": False, "held": 0,
    }  # fmt: skip
    freed = {"service": "facial", "location": "austin", "start": wall(MONDAY, "10:00").isoformat()}
    taken = await door.post("/v1/holds", freed | {"resources": {"nurse": "ana"}})
    assert (taken.status_code, taken.json()["reason"]) == (422, "away")
    assert (await door.post("/v1/dropouts", ask, surface="desk")).json()["moves"] == []


async def test_an_unchanged_answer_is_not_computed_again(door: Door) -> None:
    ask = {"service": "facial", "from_": str(MONDAY), "to": str(MONDAY + timedelta(days=1))}
    first = await door.get(**ask)
    tag = {"If-None-Match": first.headers["etag"]}
    again = await door.get(headers=tag, **ask)
    if again.status_code == 200:  # the minute ended in between
        tag = {"If-None-Match": again.headers["etag"]}
        again = await door.get(headers=tag, **ask)
    assert (again.status_code, again.content) == (304, b"")
    assert (await door.get(headers=tag, surface="desk", **ask)).status_code == 200
    await door.clinic.hold("facial", wall(MONDAY, "10:00"))
    assert (await door.get(headers=tag, **ask)).status_code == 200


async def test_a_slow_commit_is_not_overlooked(door: Door, record: Record) -> None:
    """An event that was drawn before the answer and commits after it has a smaller id than what was seen."""
    ask = {"service": "facial", "from_": str(MONDAY), "to": str(MONDAY + timedelta(days=1))}
    clinic = door.clinic

    async def slow(tx: Any) -> str:
        visit = clinic.visit("facial", wall(MONDAY, "09:00"))
        await _place(tx, visit)
        await clinic.hold("facial", wall(MONDAY, "12:00"))
        return (await door.get(**ask)).headers["etag"]

    tag = await clinic.as_("desk", slow)
    after = await door.get(headers={"If-None-Match": tag}, **ask)
    assert after.status_code == 200
    assert len(after.json()["slots"]) == 15


async def _place(tx: Any, visit: Any) -> None:
    from holdfast.booking import service as booking

    await booking.place_hold(tx, visit)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"service": "facial", "from_": "2027-03-08", "to": "2027-03-01"}, "to"),
        ({"service": "facial", "from_": "2027-03-01", "to": "2028-03-01"}, "to"),
        ({"service": "facial", "from_": "2027-02-30"}, "from"),
        ({"service": "facial", "time_zone": "Mars/Base"}, "time_zone"),
        ({"service": "air"}, "requirements"),
        ({"service": "nothing"}, "service"),
        ({"service": "facial", "location": "nowhere"}, "location"),
        ({"service": "facial", "provider": "room-9"}, "provider"),
        ({"service": "facial", "part_of_day": "noonish"}, "part_of_day"),
        ({"service": "facial", "any_minute": "true"}, "any_minute"),
        ({"services": "facial,,peel"}, "services"),
        ({}, "service"),
    ],
)
async def test_bad_input_names_its_field(door: Door, query: dict[str, str], field: str) -> None:
    refused = await door.get(**query)
    assert refused.status_code in {403, 404, 422}
    assert refused.json()["field"] == field
    assert len(refused.json()["detail"]) > 10

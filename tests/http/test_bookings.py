"""A visit from the first look to the last step, on every route, and what each answer carries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from holdfast.wallclock import to_local
from tests.clinic import NINE
from tests.http.houses import ADA, House, assert_problem, made, visit

ZONE = "America/New_York"


def test_the_catalog_can_be_read_by_id_and_by_slug(spa: House) -> None:
    for kind in ("locations", "services", "resources"):
        page = made(spa.widget.get(f"/v1/{kind}"))
        assert page["next"] is None
        for item in page["items"]:
            assert made(spa.widget.get(f"/v1/{kind}/{item['id']}")) == made(
                spa.widget.get(f"/v1/{kind}/{item['slug']}")
            )
    assert [each["slug"] for each in made(spa.reader.get("/v1/pools"))["items"]] == ["lasers", "providers", "rooms"]


def test_pages_follow_each_other_without_gap_or_repeat(spa: House) -> None:
    whole = [each["id"] for each in made(spa.reader.get("/v1/resources"))["items"]]
    paged, cursor = [], None
    while True:
        page = made(spa.reader.get("/v1/resources", params={"limit": 2} | ({"cursor": cursor} if cursor else {})))
        paged += [each["id"] for each in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert paged == whole
    assert len(whole) == 5


def test_a_visit_from_hold_to_completion(spa: House, day: Callable[[], datetime]) -> None:
    start = day()
    asked = spa.widget.post("/v1/holds", json=visit(start))
    hold = made(asked)
    assert asked.headers["location"] == f"/v1/holds/{hold['id']}"
    assert (hold["state"], hold["surface"], hold["time_zone"]) == ("live", "widget", ZONE)
    assert hold["start"] == to_local(start, ZONE).isoformat()
    assert {each["role"] for each in hold["claims"]} == {"provider", "room", "device"}
    assert made(spa.widget.get(f"/v1/holds/{hold['id']}")) == hold
    extended = made(spa.widget.post(f"/v1/holds/{hold['id']}/extend", json={"ttl_seconds": 600}))
    longer, before = (datetime.fromisoformat(each["expires_at"]) for each in (extended, hold))
    assert longer > before

    booked = spa.widget.post("/v1/appointments", json={"hold_id": hold["id"], "client": ADA})
    appointment = made(booked)
    assert booked.headers["location"] == f"/v1/appointments/{appointment['id']}"
    assert booked.headers["etag"] == '"1"'
    assert appointment["claims"] == hold["claims"]
    address = f"/v1/appointments/{appointment['id']}"
    listed = made(spa.reader.get("/v1/appointments", params={"from": start.isoformat(), "limit": 1}))["items"]
    assert listed == [made(spa.reader.get(address))]
    assert_problem(spa.desk.delete(f"/v1/holds/{hold['id']}"), 409, "hold-not-live")

    moved = spa.desk.post(f"{address}/reschedule", json={"start": (start + timedelta(minutes=15)).isoformat()})
    assert made(moved)["id"] == appointment["id"]
    assert moved.headers["etag"] == '"2"'
    onto = spa.hold(start + timedelta(hours=3))
    assert made(spa.desk.post(f"{address}/reschedule", json={"hold_id": onto["id"]}))["start"] == onto["start"]
    assert made(spa.desk.post(f"{address}/check_in"))["state"] == "checked_in"
    assert_problem(spa.desk.post(f"{address}/check_in"), 409, "state-refused")
    assert made(spa.desk.post(f"{address}/complete", json={"surface": "phone"}))["state"] == "completed"
    assert_problem(spa.desk.post(f"{address}/cancel"), 409, "state-refused")


def test_what_is_given_back_is_free_at_once(spa: House, day: Callable[[], datetime]) -> None:
    start = day()
    chosen = {"resources": {"provider": "ana"}}
    hold = spa.hold(start, "consult", **chosen)
    lost = assert_problem(spa.desk.post("/v1/holds", json=visit(start, "consult", **chosen)), 409, "slot-taken")
    assert lost["roles"] == ["provider"]
    assert made(spa.desk.delete(f"/v1/holds/{hold['id']}"))["state"] == "released"
    assert made(spa.desk.delete(f"/v1/holds/{hold['id']}"))["state"] == "released"
    assert_problem(spa.desk.post(f"/v1/holds/{hold['id']}/extend"), 410, "hold-expired")
    assert_problem(spa.desk.post("/v1/appointments", json={"hold_id": hold["id"], "client": ADA}), 410, "hold-expired")
    for ending in ("cancel", "no_show"):
        booked = spa.book(start, "consult", **chosen)
        assert_problem(spa.desk.post("/v1/holds", json=visit(start, "consult", **chosen)), 409, "slot-taken")
        made(spa.desk.post(f"/v1/appointments/{booked['id']}/{ending}"))
    spa.hold(start, "consult", **chosen)


def test_a_refused_move_leaves_the_appointment_as_it_was(spa: House, day: Callable[[], datetime]) -> None:
    start, later = (at := day()), at + timedelta(hours=2)
    mine = spa.book(start, "consult", resources={"provider": "ana"})
    spa.book(later, "consult", resources={"provider": "ana"})
    to_taken = {"start": later.isoformat(), "resources": {"provider": "ana"}}
    assert_problem(spa.desk.post(f"/v1/appointments/{mine['id']}/reschedule", json=to_taken), 409, "slot-taken")
    assert made(spa.desk.get(f"/v1/appointments/{mine['id']}")) == mine


def test_blocks_open_and_close_a_resource(spa: House, day: Callable[[], datetime]) -> None:
    start = day()
    wanted = {"resource": "ben", "start": start.isoformat(), "end": (start + timedelta(hours=8)).isoformat()}
    closed = spa.manager.post("/v1/blocks", json=wanted | {"reason": "Training"})
    block = made(closed)
    assert closed.headers["location"] == f"/v1/blocks/{block['id']}"
    assert made(spa.reader.get(f"/v1/blocks/{block['id']}")) == block
    assert block in made(spa.reader.get("/v1/blocks", params={"resource": "ben", "from": start.isoformat()}))["items"]
    ben = {"resources": {"provider": "ben"}}
    assert_problem(spa.desk.post("/v1/holds", json=visit(start, "consult", **ben)), 409, "slot-taken")
    assert made(spa.manager.delete(f"/v1/blocks/{block['id']}"))["removed_at"] is not None
    booked = spa.book(start, "consult", **ben)
    stands = assert_problem(spa.manager.post("/v1/blocks", json=wanted), 409, "claims-in-the-way")
    assert [each["id"] for each in stands["conflicts"]] == [booked["id"]]


def test_an_overbook_is_a_decision_with_a_reason(spa: House, day: Callable[[], datetime]) -> None:
    ana = visit(day(), "consult", client=ADA, resources={"provider": "ana"})
    made(spa.desk.post("/v1/appointments", json=ana))
    assert_problem(spa.manager.post("/v1/appointments", json=ana), 409, "slot-taken")
    forced = made(spa.manager.post("/v1/appointments", json=ana | {"overbook": {"reason": "Dr. Ana agreed"}}))
    assert forced["overbook_reason"] == "Dr. Ana agreed"
    assert [each["overbook"] for each in forced["claims"]] == [True]


class TestWallTimes:
    """A time without an offset is read on the location's clock, and refused where that shows it never or twice."""

    YEAR = NINE.year + (NINE.month >= 2)  # the coming spring and autumn lie within three years

    def test_the_clock_of_the_location(self, spa: House, day: Callable[[], datetime]) -> None:
        start = day()
        local = to_local(start, ZONE)
        held = spa.hold(local.replace(tzinfo=None).isoformat(), "consult")  # type: ignore[arg-type]
        assert held["start"] == local.isoformat()

    @pytest.mark.parametrize(("month", "hour"), [(3, "02:30"), (11, "01:30")])
    def test_refused_with_both_choices(self, spa: House, month: int, hour: str) -> None:
        # United States: the second Sunday of March, the first of November
        first = datetime(self.YEAR, month, 8 if month == 3 else 1)  # noqa: DTZ001
        sunday = first + timedelta(days=(6 - first.weekday()) % 7)
        wall = f"{sunday:%Y-%m-%d}T{hour}"
        body = assert_problem(spa.desk.post("/v1/holds", json=visit(wall, "consult")), 422, "wall-time-refused")
        earlier, later = (datetime.fromisoformat(each) for each in body["choices"])
        assert later - earlier == timedelta(hours=1)
        assert {earlier.utcoffset(), later.utcoffset()} == {timedelta(hours=-5), timedelta(hours=-4)}
        for choice in (earlier, later):
            assert datetime.fromisoformat(spa.hold(choice, "consult")["start"]) == choice

"""Each rule of time, as the search reads it and as the hold does: what is not offered is refused, with the reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from holdfast import wallclock
from holdfast.availability import service as availability
from holdfast.booking import service as booking
from holdfast.booking import visits
from holdfast.booking.day import Sight, read_board
from holdfast.booking.model import ClientDetails
from holdfast.booking.visits import VisitAsked
from holdfast.db.transact import Record, Transaction
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import HoldExpired, NotBookable, SlotTaken
from holdfast.wallclock import day_start, to_local
from tests.rules.clinic import ZONE, Clinic, daily, next_monday, wall
from tests.stepping import Stepper

MONDAY = next_monday()
HALF = timedelta(minutes=30)


@pytest.fixture
async def clinic(record: Record) -> Clinic:
    """Two nurses, a room; a visit of an hour on the half hour."""
    clinic = await Clinic.open(record)
    await clinic.resource("ana")
    await clinic.resource("bo")
    await clinic.resource("room", "room")
    await clinic.pool("nurses", ["ana", "bo"])
    await clinic.pool("rooms", ["room"])
    await clinic.service("facial", 60, {"nurse": {"pool": "nurses"}, "room": {"pool": "rooms"}}, grid=30)
    return clinic


async def test_without_hours_everything_is_open(clinic: Clinic) -> None:
    assert len(await clinic.starts("facial", MONDAY)) == 48
    assert (await clinic.hold("facial", wall(MONDAY, "03:30"))).state == "live"


async def test_opening_hours_of_the_location(clinic: Clinic) -> None:
    await clinic.hours(daily("09:00", "12:00", days=range(5)))
    assert await clinic.starts("facial", MONDAY) == ["09:00", "09:30", "10:00", "10:30", "11:00"]
    assert await clinic.starts("facial", MONDAY + timedelta(days=5)) == []
    refused = await clinic.refusal(clinic.hold("facial", wall(MONDAY, "11:30")))
    assert isinstance(refused, NotBookable)
    assert refused.facts["reason"] == "closed"


async def test_a_night_shift_reaches_over_midnight(clinic: Clinic) -> None:
    await clinic.hours(daily("22:00", "02:00", days=[0]))
    assert await clinic.starts("facial", MONDAY) == ["22:00", "22:30", "23:00", "23:30"]
    assert await clinic.starts("facial", MONDAY + timedelta(days=1)) == ["00:00", "00:30", "01:00"]
    assert (await clinic.hold("facial", wall(MONDAY, "23:30"))).state == "live"


async def test_a_break_and_a_closure(clinic: Clinic) -> None:
    await clinic.hours(daily("09:00", "13:00") + daily("10:00", "10:30", kind="break"))
    assert await clinic.starts("facial", MONDAY) == ["09:00", "10:30", "11:00", "11:30", "12:00"]
    refused = await clinic.refusal(clinic.hold("facial", wall(MONDAY, "10:00")))
    assert refused.facts["reason"] == "on_break"
    await clinic.dates(
        [{"kind": "closure", "starts": f"{MONDAY}T11:00", "ends": f"{MONDAY}T23:00", "reason": "burst pipe"}]
    )
    assert await clinic.starts("facial", MONDAY) == ["09:00"]
    assert (await clinic.refusal(clinic.hold("facial", wall(MONDAY, "11:30")))).facts["reason"] == "closed"


async def test_extra_hours_open_a_closed_day(clinic: Clinic) -> None:
    sunday = MONDAY + timedelta(days=6)
    await clinic.hours(daily("09:00", "10:00", days=[0]))
    await clinic.dates([{"kind": "extra", "starts": f"{sunday}T09:00", "ends": f"{sunday}T10:00"}])
    assert await clinic.starts("facial", sunday) == ["09:00"]


async def test_every_second_week(clinic: Clinic) -> None:
    await clinic.hours(daily("09:00", "10:00", days=[0], every_weeks=2, anchor=MONDAY.isoformat()))
    assert await clinic.starts("facial", MONDAY) == ["09:00"]
    assert await clinic.starts("facial", MONDAY + timedelta(days=7)) == []
    assert await clinic.starts("facial", MONDAY + timedelta(days=14)) == ["09:00"]


async def test_holidays_are_closures(clinic: Clinic) -> None:
    await clinic.run("select holdfast.set_location_holidays(%(l)s, 'US', 'TX')", l=clinic.ids["austin"])
    year = MONDAY.year + 1
    christmas = MONDAY.replace(year=year, month=12, day=25)
    desk = await clinic.starts("facial", christmas, surface="desk")
    assert desk == []
    refused = await clinic.refusal(clinic.hold("facial", wall(christmas, "10:00"), surface="desk"))
    assert refused.facts["reason"] == "closed"


async def test_hours_and_time_off_of_one_resource(clinic: Clinic) -> None:
    await clinic.hours(daily("09:00", "11:00"), location=None, resource="ana")
    await clinic.hours(daily("10:00", "12:00"), location="austin", resource="bo")
    slots = await clinic.slots("facial", MONDAY)
    assert [str(clinic.ids["ana"]) in {p.resource for p in slot.picks} for slot in slots] == [
        True,
        True,
        True,
        False,
        False,
    ]
    await clinic.dates(
        [{"kind": "time_off", "starts": f"{MONDAY}T00:00", "ends": f"{MONDAY + timedelta(days=1)}T00:00"}],
        location=None, resource="ana",
    )  # fmt: skip
    assert await clinic.starts("facial", MONDAY) == ["10:00", "10:30", "11:00"]
    refused = await clinic.refusal(clinic.hold("facial", wall(MONDAY, "09:00")))
    assert refused.facts == {"reason": "away", "role": "nurse"} or refused.facts["reason"] == "not_working"
    refused = await clinic.refusal(clinic.hold("facial", wall(MONDAY, "10:00"), who={"nurse": ["ana"]}))
    assert refused.facts == {"reason": "away", "role": "nurse"}


async def test_a_credential_ends_with_its_day(clinic: Clinic) -> None:
    await clinic.resource_rules("ana", has={"laser": MONDAY})
    await clinic.pool("nurses", ["ana", "bo"], requires=["laser"])
    monday, tuesday = await clinic.starts("facial", MONDAY), await clinic.starts("facial", MONDAY + timedelta(days=1))
    assert monday[-1] == "23:00"
    assert tuesday == []
    held = await clinic.hold("facial", wall(MONDAY, "10:00"))
    assert {claim["resource_name"] for claim in held.claims} == {"ana", "room"}
    refused = await clinic.refusal(clinic.hold("facial", wall(MONDAY, "11:00"), who={"nurse": ["bo"]}))
    assert refused.facts == {"reason": "no_credential", "role": "nurse"}


async def test_a_room_with_a_fixed_device(clinic: Clinic) -> None:
    await clinic.resource("laser-room", "room")
    await clinic.resource_rules("laser-room", has={"laser": None})
    await clinic.pool("laser-rooms", ["room", "laser-room"], requires=["laser"])
    await clinic.service("hair", 30, {"room": {"pool": "laser-rooms"}})
    held = await clinic.hold("hair", wall(MONDAY, "10:00"))
    assert [claim["resource_name"] for claim in held.claims] == ["laser-room"]
    assert isinstance(await clinic.refusal(clinic.hold("hair", wall(MONDAY, "10:00"))), SlotTaken)


async def test_notice_and_horizon_by_surface(clinic: Clinic) -> None:
    needs = {"nurse": {"pool": "nurses"}}
    leads = [{"surface": "widget", "notice_minutes": 60 * 24 * 25, "horizon_days": 40}]
    await clinic.service("facial", 60, needs, grid=30, leads=leads)
    assert await clinic.starts("facial", MONDAY) == []
    assert (await clinic.refusal(clinic.hold("facial", wall(MONDAY, "10:00")))).facts["reason"] == "too_soon"
    late = next_monday(20)
    assert (await clinic.refusal(clinic.hold("facial", wall(late, "10:00")))).facts["reason"] == "too_far"
    assert (await clinic.hold("facial", wall(late, "10:00"), surface="desk")).state == "live"
    assert "10:00" in await clinic.starts("facial", next_monday(5))


async def test_the_grid_binds_strangers_and_not_staff(clinic: Clinic) -> None:
    refused = await clinic.refusal(clinic.hold("facial", wall(MONDAY, "10:07")))
    assert refused.facts["reason"] == "off_grid"
    assert (await clinic.hold("facial", wall(MONDAY, "10:07"), surface="phone")).state == "live"
    assert "09:59" not in await clinic.starts("facial", MONDAY, surface="desk")
    assert "11:07" in await clinic.starts("facial", MONDAY, surface="desk", any_minute=True)


async def test_off_the_grid_right_after_an_appointment(clinic: Clinic) -> None:
    await clinic.service("facial", 40, {"room": {"pool": "rooms"}}, grid=30, off_grid=True)
    await clinic.book("facial", wall(MONDAY, "10:00"))
    assert [start for start in await clinic.starts("facial", MONDAY) if "10" < start < "11:31"] == [
        "10:40",
        "11:00",
        "11:30",
    ]
    assert (await clinic.refusal(clinic.hold("facial", wall(MONDAY, "10:45")))).facts["reason"] == "off_grid"
    assert (await clinic.hold("facial", wall(MONDAY, "10:40"))).state == "live"


async def test_a_cap_of_visits_a_day(clinic: Clinic) -> None:
    await clinic.resource_rules("ana", cap=1)
    await clinic.resource_rules("bo", cap=0)
    await clinic.book("facial", wall(MONDAY, "10:00"), who={"nurse": ["ana"]})
    assert await clinic.starts("facial", MONDAY) == []
    assert isinstance(await clinic.refusal(clinic.hold("facial", wall(MONDAY, "15:00"))), SlotTaken)
    assert await clinic.starts("facial", MONDAY + timedelta(days=1)) != []
    assert (await clinic.book("facial", wall(MONDAY, "16:00"), outside_rules=True)).state == "confirmed"


async def test_a_hold_in_grace_does_not_go_past_a_cap_that_filled_up_meanwhile(
    clinic: Clinic, admin: psycopg.Connection[Any]
) -> None:
    await clinic.resource_rules("ana", cap=1)
    held = await clinic.hold("facial", wall(MONDAY, "10:00"), who={"nurse": ["ana"]})
    other = await clinic.hold("facial", wall(MONDAY, "12:00"), who={"nurse": ["bo"]})
    admin.execute(
        "update holdfast.hold set created_at = now() - interval '1 hour', expires_at = now() - interval '1 second'"
    )
    await clinic.book("facial", wall(MONDAY, "15:00"), who={"nurse": ["ana"]})
    who = ClientDetails(name="Cy", email="cy@example.com")
    late = clinic.as_("widget", lambda tx: booking.confirm_hold(tx, held.id, who))
    assert isinstance(await clinic.refusal(late), HoldExpired)
    # the control: within grace, where no cap filled up, it is still theirs
    assert (await clinic.as_("widget", lambda tx: booking.confirm_hold(tx, other.id, who))).state == "confirmed"


async def test_a_cap_is_kept_across_the_zones_of_two_locations(clinic: Clinic, database: DatabaseUrls) -> None:
    # 23:30 in Chicago is the next day in New York: two bookings under way count the visit on different days
    await clinic.location("newark", "America/New_York")
    await clinic.resource("ana", at=["austin", "newark"])
    await clinic.resource_rules("ana", cap=1)
    await clinic.pool("duo", ["ana"])
    await clinic.service("drip", 15, {"nurse": {"pool": "duo"}}, at=["austin", "newark"])
    night = wall(MONDAY, "23:30")
    ask = {"service_id": clinic.ids["drip"], "client": {"name": "Cy"}}
    with Stepper(database.app) as slow, Stepper(database.app) as quick:
        slow.begin(clinic.organization_id)
        slow.run("book", location_id=clinic.ids["austin"], start=night, **ask)
        assert slow.outcome() == "done"
        quick.begin(clinic.organization_id)
        quick.run("book", location_id=clinic.ids["newark"], start=night + timedelta(hours=10), **ask)
        assert quick.finished_or_blocked()
        assert slow.commit() == "done"
        assert quick.outcome() == "slot_is_free"


async def test_staff_may_step_outside_the_rules_but_not_past_the_guard(clinic: Clinic) -> None:
    await clinic.hours(daily("09:00", "12:00"))
    booked = await clinic.book("facial", wall(MONDAY, "20:07"), outside_rules=True)
    assert booked.state == "confirmed"
    taken = clinic.book("facial", wall(MONDAY, "20:30"), outside_rules=True, who={"room": ["room"]})
    assert isinstance(await clinic.refusal(taken), SlotTaken)


async def test_a_move_follows_the_rules_and_keeps_its_people(clinic: Clinic) -> None:
    await clinic.hours(daily("09:00", "12:00"))
    await clinic.hours(daily("09:00", "11:30"), location=None, resource="ana")
    booked = await clinic.book("facial", wall(MONDAY, "09:00"), who={"nurse": ["bo"]})

    async def move(clock: str) -> list[str]:
        moved = await clinic.as_("desk", lambda tx: booking.reschedule_to_start(tx, booked.id, wall(MONDAY, clock)))
        return [claim["resource_name"] for claim in moved.claims]

    assert await move("09:30") == ["bo", "room"]
    assert await move("11:00") == ["bo", "room"]
    assert (await clinic.refusal(move("11:30"))).facts["reason"] == "closed"


@pytest.mark.parametrize(("assign", "expected"), [("preference", "ana"), ("least_loaded", "bo"), ("round_robin", "bo")])
async def test_who_is_chosen_among_the_free(clinic: Clinic, assign: str, expected: str) -> None:
    await clinic.run("select holdfast.set_organization_policy(%(a)s, 'earliest')", a=assign)
    await clinic.book("facial", wall(MONDAY, "10:00"), who={"nurse": ["ana"]})
    held = await clinic.hold("facial", wall(MONDAY, "14:00"))
    assert held.claims[0]["resource_name"] == expected
    slot = next(s for s in await clinic.slots("facial", MONDAY) if s.start == wall(MONDAY, "16:00"))
    assert UUID(slot.picks[0].resource) in {clinic.ids["ana"], clinic.ids["bo"]}


async def test_saying_the_same_rules_again_changes_nothing(clinic: Clinic) -> None:
    async def committed(tx: Transaction) -> int:
        return tx.scene.catalog_version

    async def version() -> int:
        return await clinic.as_("desk", committed)

    await clinic.hours(daily("09:00", "12:00"))
    await clinic.dates([{"kind": "closure", "starts": f"{MONDAY}T11:00", "ends": f"{MONDAY}T23:00"}])
    before = await version()
    await clinic.hours(daily("09:00", "12:00"))
    await clinic.dates([{"kind": "closure", "starts": f"{MONDAY}T11:00", "ends": f"{MONDAY}T23:00"}])
    await clinic.resource_rules("ana")
    assert await version() == before
    await clinic.hours(daily("09:00", "12:00", days=[0]))
    assert await version() == before + 6


async def test_hours_at_one_place_are_instead_of_the_general_ones_there(clinic: Clinic) -> None:
    await clinic.location("boston", "America/New_York")
    places = ("austin", "boston")
    await clinic.resource("cy", at=places)
    await clinic.pool("both", ["cy"])
    await clinic.service("talk", 30, {"nurse": {"pool": "both"}}, grid=30, at=places)
    await clinic.hours(daily("09:00", "12:00") + daily("10:00", "10:30", kind="break"), location=None, resource="cy")
    await clinic.hours(daily("09:30", "11:30", days=[0]), location="boston", resource="cy")
    off = [{"kind": "time_off", "starts": f"{MONDAY}T09:30", "ends": f"{MONDAY}T10:00"}]
    await clinic.dates(off, location=None, resource="cy")

    async def board(slug: str, day: date) -> list[str]:
        """The half hours that the day board shows as open."""
        seen = await clinic.as_("desk", lambda tx: read_board(tx, clinic.ids[slug], day, Sight()))
        column = next(each for each in seen.columns if each.slug == "cy")
        halves = [
            (start + timedelta(minutes=30 * n)) for start, end in column.open for n in range((end - start) // HALF)
        ]
        return [f"{to_local(each, seen.frame.time_zone):%H:%M}" for each in halves]

    for day, expected in (
        (MONDAY, {"austin": ["09:00", "10:30", "11:00", "11:30"], "boston": ["10:30", "11:00"]}),
        (MONDAY + timedelta(days=1), {"austin": ["09:00", "09:30", "10:30", "11:00", "11:30"], "boston": []}),
    ):
        for slug, zone in (("austin", ZONE), ("boston", "America/New_York")):
            asked = replace(
                clinic.asked("talk", day_start(day, zone), day_start(day + timedelta(days=1), zone)),
                location=str(clinic.ids[slug]),
            )
            found = await clinic.as_("widget", lambda tx: availability.search(tx, asked, [asked.location]))  # noqa: B023
            assert [f"{to_local(slot.start, zone):%H:%M}" for _, slot in found.slots] == expected[slug]
            assert await board(slug, day) == expected[slug]
            for clock in ("09:00", "10:30", "11:30"):
                taking = clinic.hold("talk", wall(day, clock, zone), at=slug)
                if clock in expected[slug]:
                    held = await taking
                    await clinic.as_("widget", lambda tx: booking.release_hold(tx, held.id))  # noqa: B023
                else:
                    assert (await clinic.refusal(taking)).facts["reason"] == "not_working"


async def test_the_take_counts_on_the_days_that_the_search_counts_on(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's zone data may be of another release than ours. Here they differ as much as can be."""
    await clinic.resource_rules("ana", cap=1)
    await clinic.pool("only-ana", ["ana"])
    await clinic.service("talk", 30, {"nurse": {"pool": "only-ana"}}, grid=30)
    ours = wallclock.zone("Pacific/Kiritimati")  # its day begins at 10:00 UTC; Chicago's at five or six
    monkeypatch.setattr(wallclock, "zone", lambda _: ours)
    midnight = datetime.combine(MONDAY, time(10), UTC)
    before, after = midnight - timedelta(hours=2), midnight + timedelta(hours=2)
    await clinic.hold("talk", before)
    asked = clinic.asked("talk", midnight - timedelta(hours=12), midnight + timedelta(hours=12))
    found = await clinic.as_("widget", lambda tx: availability.search(tx, asked, [asked.location]))
    starts = {slot.start for _, slot in found.slots}
    assert after in starts
    assert not any(start < midnight for start in starts)
    await clinic.refusal(clinic.hold("talk", before - timedelta(hours=1)))
    await clinic.hold("talk", after)
    many = VisitAsked(clinic.ids["austin"], (clinic.ids["talk"],), midnight + timedelta(days=1), party=1)
    await clinic.as_("widget", lambda tx: visits.place_visit(tx, many))

"""What is offered can be held, where it used to be otherwise: overlapping pools, roles of one name, over midnight.

And the answers that go with it: several locations, other clocks, what is nearest, and how long an answer may take.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from holdfast.availability import service as availability
from holdfast.booking import service as booking
from holdfast.booking import visits
from holdfast.booking.visits import Item, VisitAsked, VisitItems
from holdfast.db.transact import Record
from holdfast.errors import NotBookable
from holdfast.http.freshness import Tags, Timed
from holdfast.wallclock import local_date, to_local
from tests.rules.clinic import ZONE, Clinic, daily, next_monday, wall
from tests.rules.test_http import PATH, Door, door  # noqa: F401

MONDAY = next_monday()
DAY = {"from_": str(MONDAY), "to": str(MONDAY + timedelta(days=1))}


def served(slot: Any, clinic: Clinic) -> dict[str, str]:
    """Who serves each role of a slot, by slug."""
    names = {f"res_{id.hex}": slug for slug, id in clinic.ids.items()}
    return {each["role"]: names[each["resource"]] for each in slot["resources"]}


async def test_who_could_serve_several_roles_is_offered_in_any_of_them(door: Door) -> None:  # noqa: F811
    clinic = door.clinic
    await clinic.pool("aides", ["bo", "ana"])
    needs = {"injector": {"pool": "nurses", "minutes": 20}, "assistant": {"pool": "aides", "minutes": 20}}
    await clinic.service("inject", 30, needs, grid=30)
    everybody = (await door.get(service="inject", **DAY)).json()["slots"]
    assert everybody
    for who in ("ana", "bo"):
        slots = (await door.get(service="inject", provider=who, **DAY)).json()["slots"]
        assert [slot["start"] for slot in slots] == [slot["start"] for slot in everybody]
        [role] = [role for role, serving in served(slots[0], clinic).items() if serving == who]
        ask = {"service": "inject", "location": "austin", "start": slots[0]["start"], "resources": {role: who}}
        held = await door.post("/v1/holds", ask)
        assert held.status_code == 201
        await clinic.run("select holdfast.release_hold(%(h)s)", h=held.json()["id"][4:])


async def test_one_provider_throughout_is_the_one_that_a_client_has_in_mind(door: Door) -> None:  # noqa: F811
    """Assistants come before injectors in the alphabet, and no assistant is in both services."""
    clinic = door.clinic
    await clinic.resource("amy")
    await clinic.pool("assistants", ["amy"])
    dermal = {
        "assistant": {"pool": "assistants", "minutes": 15},
        "injector": {"pool": "nurses", "start": 15, "minutes": 45},
    }
    await clinic.service("dermal", 60, dermal, grid=30)
    await clinic.service("lip", 45, {"injector": {"pool": "nurses", "start": 10, "minutes": 35}}, grid=30)
    slots = (await door.get(services="dermal,lip", same_provider="true", **DAY)).json()["slots"]
    assert slots
    ask = {"location": "austin", "services": ["dermal", "lip"], "start": slots[0]["start"], "same_provider": True}
    held = (await door.post("/v1/visits", ask)).json()
    serving = [claim["resource"] for hold in held["holds"] for claim in hold["claims"] if claim["role"] == "injector"]
    assert len(serving) == 2
    assert len(set(serving)) == 1


async def test_one_provider_where_that_can_be_had(door: Door) -> None:  # noqa: F811
    """Ana and Bo could both; on Monday Ana is taken for the second half of the morning's visit, and so is Bo later."""
    clinic = door.clinic
    await clinic.hours(daily("09:00", "10:30"))
    await clinic.book("peel", wall(MONDAY, "10:00"), who={"nurse": ["ana"]})
    await clinic.book("peel", wall(MONDAY, "09:30"), who={"nurse": ["bo"]})
    asked = {"services": "peel,peel", **DAY}
    found = {
        same: (await door.get(same_provider=same, **asked)).json()["slots"] for same in ("true", "false", "prefer")
    }
    assert [slot["start"][11:16] for slot in found["true"]] == ["09:00"]
    assert [slot["start"] for slot in found["prefer"]] == [slot["start"] for slot in found["false"]]
    assert [slot["start"][11:16] for slot in found["prefer"]] == ["09:00", "09:30"]
    assert [each["resource"] for each in found["prefer"][0]["resources"]] == [f"res_{clinic.ids['ana'].hex}"] * 2
    ask = {"location": "austin", "services": ["peel", "peel"], "start": found["prefer"][1]["start"]}
    assert (await door.post("/v1/visits", ask | {"same_provider": True})).status_code == 409
    held = (await door.post("/v1/visits", ask | {"same_provider": "prefer"})).json()
    assert {claim["resource"] for hold in held["holds"] for claim in hold["claims"]} == {
        f"res_{clinic.ids['ana'].hex}", f"res_{clinic.ids['bo'].hex}"
    }  # fmt: skip
    visit = await clinic.as_("desk", lambda tx: visits.get_visit(tx, clinic_id(held["id"])))
    assert visit.same_provider == "prefer"


def clinic_id(public: str) -> Any:
    from holdfast.ids import parse_id

    return parse_id("visit", public)


async def test_a_name_counts_in_the_services_that_have_it(door: Door) -> None:  # noqa: F811
    """Two services call their role the same, and only one of them has Ana in its pool."""
    clinic = door.clinic
    await clinic.pool("only-bo", ["bo"])
    await clinic.pool("only-ana", ["ana"])
    await clinic.service("x", 30, {"nurse": {"pool": "only-bo"}}, grid=30)
    await clinic.service("y", 30, {"nurse": {"pool": "only-ana"}}, grid=30)
    for services in ("x,y", "y,x"):
        slots = (await door.get(services=services, provider="ana", **DAY)).json()["slots"]
        by_service = {each["service"]: each["resource"] for each in slots[0]["resources"]}
        assert by_service == {
            f"svc_{clinic.ids['x'].hex}": f"res_{clinic.ids['bo'].hex}",
            f"svc_{clinic.ids['y'].hex}": f"res_{clinic.ids['ana'].hex}",
        }
        ask = {"location": "austin", "services": services.split(","), "start": slots[0]["start"]}
        for named in ({"provider": "ana"}, {"resources": {"nurse": "ana"}}):
            held = await door.post("/v1/visits", ask | named)
            assert held.status_code == 201, held.text
            await clinic.as_("widget", lambda tx: visits.release_visit(tx, clinic_id(held.json()["id"])))  # noqa: B023
    refused = await door.get(service="x", provider="ana", **DAY)
    assert (refused.status_code, refused.json()["field"]) == (422, "provider")


@pytest.mark.parametrize("start", ["23:30", "23:45"])
async def test_a_visit_over_midnight_is_held_as_it_is_offered(record: Record, start: str) -> None:
    """Its first part is on the last day that may be booked, its second on the day after."""
    clinic = await Clinic.open(record)
    await clinic.resource("ana")
    await clinic.pool("nurses", ["ana"])
    leads = [{"surface": "widget", "notice_minutes": 0, "horizon_days": 3}]
    await clinic.service("night", 60, {"nurse": {"pool": "nurses"}}, leads=leads)
    last = local_date(datetime.now(UTC), ZONE) + timedelta(days=3)
    at = wall(last, start)
    night = clinic.ids["night"]
    asked = VisitAsked(clinic.ids["austin"], (night, night), at)
    slots = await clinic.slots("night", last)
    assert at in {slot.start for slot in slots}
    by_hand = VisitItems(clinic.ids["austin"], (Item(night, at), Item(night, at + timedelta(hours=1))))
    for visit in (asked, by_hand):
        held = await clinic.as_("widget", lambda tx: visits.place_visit(tx, visit))  # noqa: B023
        await clinic.as_("widget", lambda tx: visits.release_visit(tx, held.id))  # noqa: B023
    late = VisitItems(clinic.ids["austin"], (Item(night, at + timedelta(hours=1)),))
    refused = await clinic.refusal(clinic.as_("widget", lambda tx: visits.place_visit(tx, late)))
    assert isinstance(refused, NotBookable)
    assert refused.facts["reason"] == "too_far"


async def test_the_tightest_of_several_locations_comes_first(door: Door) -> None:  # noqa: F811
    clinic = door.clinic
    await clinic.location("boston", "America/New_York")
    await clinic.resource("eve", at=("boston",))
    await clinic.pool("everyone", ["ana", "eve"])
    await clinic.service("wide", 30, {"nurse": {"pool": "everyone"}}, at=("austin", "boston"), grid=15)
    await clinic.hours(daily("10:00", "10:30"), location="boston")
    asked = {"service": "wide", "rank": "tight", "limit": "3", **DAY}
    slots = (await door.get(**asked)).json()["slots"]
    assert slots[0]["why"] == "fills its gaps exactly"
    assert slots[0]["location"] == f"loc_{clinic.ids['boston'].hex}"
    assert slots[0]["start"][:16] == f"{MONDAY}T10:00"
    assert {slot["location"] for slot in slots[1:]} == {f"loc_{clinic.ids['austin'].hex}"}


async def test_what_takes_too_long_is_refused_naming_the_field(door: Door) -> None:  # noqa: F811
    clinic = door.clinic
    await clinic.hours([])
    await clinic.service("often", 30, {"nurse": {"pool": "nurses"}}, grid=5)
    month = {"from_": str(MONDAY), "to": str(MONDAY + timedelta(days=60))}
    refused = await door.get(service="often", rank="tight", **month)
    assert (refused.status_code, refused.json()["field"]) == (422, "to")
    assert "rank=earliest" in refused.json()["detail"]
    assert (await door.get(service="often", rank="earliest", **month)).status_code == 200
    assert (await door.get(service="often", rank="tight", **DAY)).status_code == 200
    refused = await door.get(services="often,often,often,often", party=20, limit=500, **DAY)
    assert (refused.status_code, refused.json()["field"]) == (422, "limit")
    assert (await door.get(services="often,often,often,often,often,often", party=20, **DAY)).status_code == 200


async def test_the_nearest_lies_where_one_may_book(door: Door) -> None:  # noqa: F811
    clinic = door.clinic
    leads = [{"surface": "widget", "notice_minutes": 1440 * 7, "horizon_days": 40}]
    await clinic.service("near", 30, {"nurse": {"pool": "nurses"}}, grid=30, leads=leads)
    today = local_date(datetime.now(UTC), ZONE)

    async def explained(day: date) -> Any:
        start = wall(day, "10:00").isoformat()
        return (await door.get(f"{PATH}/explain", service="near", location="austin", start=start)).json()

    last = max(day for n in range(35, 41) if (day := today + timedelta(days=n)).weekday() < 5)
    for days in (60, 300):
        far = await explained(today + timedelta(days=days))
        assert far["rules"] == ["too_far"]
        assert far["nearest"]["start"][:16] == f"{last}T16:30"
    soon = await explained(today - timedelta(days=200))
    assert soon["rules"] == ["too_soon"]
    assert today + timedelta(days=7) <= date.fromisoformat(soon["nearest"]["start"][:10]) <= today + timedelta(days=11)
    # nothing for weeks around it: looked for further away
    off = [{"kind": "closure", "starts": f"{MONDAY}T00:00", "ends": f"{MONDAY + timedelta(days=14)}T00:00"}]
    await clinic.dates(off)
    closed = await explained(MONDAY + timedelta(days=4))
    assert closed["nearest"]["start"][:10] in {str(MONDAY - timedelta(days=3)), str(MONDAY + timedelta(days=14))}


async def test_days_are_those_of_each_location_or_of_the_zone_asked_for(door: Door) -> None:  # noqa: F811
    clinic = door.clinic
    await clinic.location("auckland", "Pacific/Auckland")
    await clinic.resource("eve", at=("auckland",))
    await clinic.pool("everyone", ["bo", "eve"])
    await clinic.service("wide", 30, {"nurse": {"pool": "everyone"}}, at=("austin", "auckland"), grid=30)
    tuesdays = daily("08:00", "09:00", days=[1])
    await clinic.hours(tuesdays, location="auckland")
    await clinic.hours(tuesdays)
    tuesday = MONDAY + timedelta(days=1)

    async def days(**query: str) -> Any:
        return (await door.get(f"{PATH}/days", service="wide", **query)).json()

    # the Tuesday morning of Auckland is Monday in Austin: no location's day may be cut by the other's
    both = await days(from_=str(tuesday), to=str(tuesday + timedelta(days=1)))
    assert (both["days"], both.get("time_zone")) == ([str(tuesday)], None)
    one = (await door.get(service="wide", from_=str(tuesday), to=str(tuesday + timedelta(days=1)))).json()["slots"]
    assert {slot["location"] for slot in one} == {f"loc_{clinic.ids[each].hex}" for each in ("austin", "auckland")}
    assert {slot["start"][:10] for slot in one} == {str(tuesday)}
    shown = await days(location="auckland", time_zone=ZONE, from_=str(MONDAY), to=str(tuesday))
    assert (shown["days"], shown["time_zone"]) == ([str(MONDAY)], ZONE)
    assert (await days(location="auckland", time_zone=ZONE, from_=str(tuesday), to=str(tuesday)))["field"] == "to"


@pytest.mark.parametrize("assign", ["preference", "round_robin"])
async def test_an_answer_is_good_until_the_first_hold_runs_out(
    door: Door,  # noqa: F811
    assign: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With turns, a hold of any day decides who is next; without, one that lies in the window."""
    clinic = door.clinic
    await clinic.run("select holdfast.set_organization_policy(%(a)s, 'earliest')", a=assign)
    at = wall(MONDAY, "10:00") if assign == "preference" else wall(MONDAY + timedelta(days=30), "10:00")
    visit = clinic.visit("facial", at)
    held = await clinic.as_("widget", lambda tx: booking.place_hold(tx, visit))
    given: list[Timed] = []
    true = Tags._give
    monkeypatch.setattr(Tags, "_give", lambda self, tx, path, timed: given.append(timed) or true(self, tx, path, timed))
    start = wall(MONDAY, "10:00").isoformat()
    for path, query in (
        (PATH, DAY),
        (f"{PATH}/next", {"from_": str(MONDAY)}),
        (f"{PATH}/days", DAY),
        (f"{PATH}/explain", {"location": "austin", "start": start}),
    ):
        assert (await door.get(path, service="facial", **query)).status_code == 200
        assert given[-1].changes_at == held.expires_at, path


async def test_alternatives_lie_where_one_may_book(record: Record) -> None:
    clinic = await Clinic.open(record)
    await clinic.resource("ana")
    await clinic.pool("nurses", ["ana"])
    leads = [{"surface": "widget", "notice_minutes": 0, "horizon_days": 10}]
    await clinic.service("near", 30, {"nurse": {"pool": "nurses"}}, leads=leads)
    far = wall(local_date(datetime.now(UTC), ZONE) + timedelta(days=90), "10:00")
    wanted = availability.Wanted(clinic.ids["near"], clinic.ids["austin"], far)
    found = await clinic.as_("widget", lambda tx: availability.alternatives(tx, wanted))
    last = local_date(datetime.now(UTC), ZONE) + timedelta(days=10)
    assert [f"{to_local(slot.start, ZONE):%m-%d %H:%M}" for slot in found] == [
        f"{last:%m-%d} {clock}" for clock in ("23:45", "23:30", "23:15")
    ]

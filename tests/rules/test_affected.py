"""Before a change of the catalog takes effect: exactly the visits that it touches, and why; nothing is changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from holdfast.booking import service as booking
from holdfast.booking.affected import Preview, affected_by
from holdfast.booking.model import Appointment, ClientDetails
from holdfast.catalog import service as catalog
from holdfast.catalog.hours import DatedEntry, Rules, WeeklyEntry, parse_times, parse_when
from holdfast.catalog.model import PoolMember, Requirement
from holdfast.db.transact import Record, Transaction
from holdfast.errors import NotFound
from tests.rules.clinic import Clinic, daily, next_monday, wall

MONDAY = next_monday()
NO_BUFFER = {"quantity": 1, "segment_start_minutes": 0, "buffer_before_minutes": 0, "buffer_after_minutes": 0}
TEN_AFTER = NO_BUFFER | {"buffer_after_minutes": 10}
Told = dict[UUID, list[str]]


@pytest.fixture
async def clinic(record: Record) -> Clinic:
    """Ana has hours of her own, Bo a credential; both may do a facial. Open from eight to eight."""
    clinic = await Clinic.open(record)
    for slug in ("ana", "bo"):
        await clinic.resource(slug)
    await clinic.resource("room", "room", capacity=2)
    await clinic.pool("nurses", ["ana", "bo"])
    await clinic.pool("rooms", ["room"])
    await clinic.hours(daily("08:00", "20:00"))
    await clinic.service("facial", 60, {"nurse": {"pool": "nurses"}, "room": {"pool": "rooms", "after": 10}})
    return clinic


def hours(times: str, days: Sequence[int] = range(7)) -> Rules:
    return Rules(tuple(WeeklyEntry("hours", day, *span) for day in days for span in parse_times(times)))


def dated(kind: str, when: str) -> Rules:
    return Rules(hours("08:00-20:00").weekly, (DatedEntry(kind, *parse_when(when)),))


async def preview(clinic: Clinic, change: Callable[[Transaction], Awaitable[object]]) -> Preview:
    return await clinic.as_("desk", lambda tx: affected_by(tx, change))


def told(found: Preview) -> Told:
    return {each.appointment.id: each.sentences for each in found.affected}


def nothing(found: Preview) -> bool:
    return found == Preview([])


async def put_facial(clinic: Clinic, tx: Transaction, minutes: int = 60, **more: Any) -> None:
    """The facial of the fixture, with something changed: ``nurse`` and ``room`` have fields of Requirement."""
    await catalog.put_service(
        tx,
        slug="facial",
        name="facial",
        category="Care",
        duration_minutes=minutes,
        price_cents=more.get("price", 0),
        location_ids=[clinic.ids["austin"]],
        requirements=[
            Requirement(role, clinic.ids[pool], **({**usual, "segment_minutes": minutes, **more.get(role, {})}))
            for role, pool, usual in (("nurse", "nurses", NO_BUFFER), ("room", "rooms", TEN_AFTER))
        ],
    )


async def book(clinic: Clinic, clock: str, who: str = "ana", day: date = MONDAY) -> Appointment:
    found: Appointment = await clinic.book("facial", wall(day, clock), who={"nurse": [who]})
    return found


async def test_hours_touch_the_visits_that_come_to_lie_outside_them(clinic: Clinic) -> None:
    await book(clinic, "09:00")
    late = await book(clinic, "18:30")
    found = await preview(
        clinic, lambda tx: catalog.set_rules(tx, hours("08:00-19:00"), location_id=clinic.ids["austin"])
    )
    assert told(found) == {late.id: ["It would be closed then."]}
    wider = await preview(
        clinic, lambda tx: catalog.set_rules(tx, hours("07:00-21:00"), location_id=clinic.ids["austin"])
    )
    assert nothing(wider)


async def test_a_closure_a_break_and_time_off(clinic: Clinic) -> None:
    first, second = await book(clinic, "09:00"), await book(clinic, "09:00", "bo")
    day_after = await book(clinic, "09:00", day=MONDAY + timedelta(days=1))
    closed = dated("closure", f"{MONDAY}")
    found = await preview(clinic, lambda tx: catalog.set_rules(tx, closed, location_id=clinic.ids["austin"]))
    assert told(found) == {id: ["It would be closed then."] for id in (first.id, second.id)}
    lunch = Rules((*hours("08:00-20:00").weekly, WeeklyEntry("break", 0, *parse_times("09:30-10:00")[0])))
    found = await preview(clinic, lambda tx: catalog.set_rules(tx, lunch, location_id=clinic.ids["austin"]))
    assert told(found) == {id: ["It would be during a break."] for id in (first.id, second.id)}
    off = dated("time_off", f"{MONDAY + timedelta(days=1)}")
    found = await preview(clinic, lambda tx: catalog.set_rules(tx, off, resource_id=clinic.ids["ana"]))
    assert told(found) == {day_after.id: ["ana would be away then."]}


async def test_own_hours_of_a_person(clinic: Clinic) -> None:
    morning = await book(clinic, "09:00")
    await book(clinic, "09:00", "bo")
    await book(clinic, "14:00")
    found = await preview(clinic, lambda tx: catalog.set_rules(tx, hours("12:00-20:00"), resource_id=clinic.ids["ana"]))
    assert told(found) == {morning.id: ["ana would not be working then."]}


async def test_hours_on_the_day_the_clocks_change_are_those_of_the_wall(record: Record) -> None:
    # Europe/Berlin goes back at 03:00 on the last Sunday of October; a night clinic opens at two on the wall, twice
    clinic = await Clinic.open(record)
    await clinic.location("berlin", "Europe/Berlin")
    await clinic.resource("ana", at=["berlin"])
    await clinic.pool("nurses", ["ana"])
    await clinic.service("drip", 60, {"nurse": {"pool": "nurses"}}, at=["berlin"])
    year = next_monday().year + (next_monday() > date(next_monday().year, 10, 20))
    change = max(day for n in range(25, 32) if (day := date(year, 10, n)).weekday() == 6)
    midnight = wall(change, "00:00", "Europe/Berlin")
    visits = [
        await clinic.book("drip", midnight + timedelta(hours=n), at="berlin", who={"nurse": ["ana"]}) for n in range(5)
    ]  # wall time 00, 01, 02 (summer), 02 (winter), 03
    for times, outside in (("03:00-10:00", visits[:4]), ("00:00-02:00", visits[2:]), ("00:00-03:00", visits[4:])):
        change_to = hours(times)
        found = await preview(
            clinic,
            lambda tx, rules=change_to: catalog.set_rules(tx, rules, location_id=clinic.ids["berlin"]),  # type: ignore[misc]
        )
        assert set(told(found)) == {visit.id for visit in outside}, times


async def test_the_length_of_a_service(clinic: Clinic) -> None:
    visit = await book(clinic, "09:00")
    longer = await preview(clinic, lambda tx: put_facial(clinic, tx, 80))
    assert told(longer) == {
        visit.id: [
            "Longer than booked: it would need until 10:20.",
            "ana would be needed from 09:00 to 10:20 as nurse.",
            "room would be needed from 09:00 to 10:20 as room.",
        ]
    }
    shorter = await preview(clinic, lambda tx: put_facial(clinic, tx, 30))
    assert told(shorter)[visit.id][0] == "Shorter than booked: it would end at 09:30."
    assert nothing(await preview(clinic, lambda tx: put_facial(clinic, tx, price=9900)))


async def test_what_a_service_requires(clinic: Clinic) -> None:
    visit = await book(clinic, "09:00")
    segment = await preview(clinic, lambda tx: put_facial(clinic, tx, nurse={"segment_minutes": 40}))
    assert told(segment) == {visit.id: ["ana would be needed from 09:00 to 09:40 as nurse."]}
    buffer = await preview(clinic, lambda tx: put_facial(clinic, tx, room={"buffer_after_minutes": 20}))
    assert told(buffer) == {visit.id: ["room would be kept from 09:00 to 10:20, buffers included."]}
    assert nothing(await preview(clinic, lambda tx: put_facial(clinic, tx, room={"buffer_after_minutes": 5})))
    two = await preview(clinic, lambda tx: put_facial(clinic, tx, nurse={"quantity": 2}))
    assert told(two) == {visit.id: ["It would need 2 as nurse, where 1 are booked."]}


async def test_who_is_in_a_pool(clinic: Clinic) -> None:
    visit = await book(clinic, "09:00")
    await book(clinic, "09:00", "bo")

    async def without_ana(tx: Transaction) -> None:
        await catalog.put_pool(tx, slug="nurses", name="nurses", members=[PoolMember(clinic.ids["bo"], 1)])

    found = await preview(clinic, without_ana)
    assert told(found) == {visit.id: ["ana would no longer be among those who serve as nurse."]}
    await clinic.resource("cy")
    members = [PoolMember(clinic.ids[slug], n) for n, slug in enumerate(("cy", "bo", "ana"))]
    assert nothing(await preview(clinic, lambda tx: catalog.put_pool(tx, slug="nurses", name="n", members=members)))


async def test_the_expiry_of_a_credential(clinic: Clinic) -> None:
    await clinic.pool("nurses", ["ana", "bo"], requires=["laser"])
    for slug in ("ana", "bo"):
        await clinic.resource_rules(slug, has={"laser": None})
    await book(clinic, "09:00")
    later = await book(clinic, "09:00", day=MONDAY + timedelta(days=1))
    until = [("laser", MONDAY.isoformat())]
    found = await preview(
        clinic, lambda tx: catalog.set_resource_rules(tx, clinic.ids["ana"], visits_per_day=None, has=until)
    )
    assert told(found) == {later.id: ["ana would lack, on that day, what serving as nurse takes."]}


async def test_the_visits_of_a_day(clinic: Clinic) -> None:
    visits = [await book(clinic, clock) for clock in ("09:00", "11:00", "13:00")]
    await book(clinic, "09:00", day=MONDAY + timedelta(days=1))

    async def at_most(tx: Transaction, cap: int) -> None:
        await catalog.set_resource_rules(tx, clinic.ids["ana"], visits_per_day=cap, has=[])

    found = await preview(clinic, lambda tx: at_most(tx, 2))
    sentence = "ana would have 3 visits that day, where 2 are allowed."
    assert told(found) == {visit.id: [sentence] for visit in visits}
    assert nothing(await preview(clinic, lambda tx: at_most(tx, 3)))


async def test_what_cannot_be_taken_away_says_what_is_on_it(clinic: Clinic) -> None:
    visit = await book(clinic, "09:00")
    both = [await book(clinic, "15:00", who) for who in ("ana", "bo")]
    retired = await preview(clinic, lambda tx: catalog.retire_resource(tx, clinic.ids["ana"]))
    assert told(retired) == {each.id: ["ana cannot be taken away while it has this."] for each in (visit, both[0])}
    assert retired.refusal is not None
    assert {conflict["id"] for conflict in retired.refusal.facts["conflicts"]} == {str(visit.id), str(both[0].id)}
    one_room = await preview(clinic, lambda tx: catalog.set_capacity(tx, clinic.ids["room"], 1))
    assert len(one_room.affected) == 1
    assert one_room.affected[0].appointment.id in {each.id for each in both}
    assert nothing(await preview(clinic, lambda tx: catalog.set_capacity(tx, clinic.ids["room"], 3)))


async def test_what_is_no_longer_sold_and_the_zone_of_a_location(clinic: Clinic) -> None:
    visit = await book(clinic, "09:00")
    retired = await preview(clinic, lambda tx: catalog.retire_service(tx, clinic.ids["facial"]))
    assert told(retired) == {visit.id: ["The service is no longer sold."]}
    moved = await preview(
        clinic, lambda tx: catalog.put_location(tx, slug="austin", name="a", time_zone="America/Denver")
    )
    assert told(moved) == {visit.id: ["On the clock of its location it would begin at 08:00."]}
    closed = await preview(clinic, lambda tx: catalog.retire_location(tx, clinic.ids["austin"]))
    assert told(closed) == {visit.id: ["The location is no longer open for business."]}


async def test_what_was_outside_the_rules_before_is_not_told_again(clinic: Clinic) -> None:
    visit = clinic.visit("facial", wall(MONDAY, "22:00"), outside_rules=True)
    await clinic.as_("desk", lambda tx: booking.book(tx, visit, ClientDetails(name="Ana", email="a@example.com")))
    found = await preview(
        clinic, lambda tx: catalog.set_rules(tx, hours("08:00-19:00"), location_id=clinic.ids["austin"])
    )
    assert nothing(found)


async def test_a_preview_changes_nothing_and_the_change_itself_moves_no_claim(clinic: Clinic) -> None:
    visit = await book(clinic, "18:30")
    count = "select count(*) from holdfast.event"
    before = await clinic.run(count)

    async def close_early(tx: Transaction) -> None:
        await catalog.set_rules(tx, hours("08:00-19:00"), location_id=clinic.ids["austin"])

    assert set(told(await preview(clinic, close_early))) == {visit.id}
    assert await clinic.run(count) == before
    assert set(told(await preview(clinic, close_early))) == {visit.id}
    await clinic.as_("desk", close_early)  # the control: the change does write, and is then no news
    assert await clinic.run(count) > before
    assert nothing(await preview(clinic, close_early))
    assert await clinic.as_("desk", lambda tx: booking.get_appointment(tx, visit.id)) == visit


async def test_a_change_that_is_refused_is_refused_in_the_preview(clinic: Clinic) -> None:
    with pytest.raises(NotFound):
        await preview(clinic, lambda tx: catalog.set_rules(tx, hours("08:00-19:00"), location_id=UUID(int=0)))

"""Several appointments as one visit: taken, settled, moved and called off together; singly where that makes sense."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from holdfast.booking import service as booking
from holdfast.booking import visits
from holdfast.booking.model import ClientDetails, Visitor
from holdfast.booking.visits import Item, VisitAsked, VisitItems, WholeVisit
from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import (
    HoldExpired,
    Invalid,
    NotBookable,
    NotFound,
    RevisionMismatch,
    SlotTaken,
    StateRefused,
    TooManyHolds,
)
from holdfast.insight.doctor import examine
from tests.rules.clinic import Clinic, next_monday, wall
from tests.safety import oracle

DAY = next_monday()
NINE = wall(DAY, "09:00")
ADA = ClientDetails(name="Ada Byron", email="ada@example.org")


def minutes(n: int) -> timedelta:
    return timedelta(minutes=n)


@pytest.fixture
async def spa(record: Record) -> Clinic:
    """Two providers, two rooms; a facial of 30 minutes and a peel of 30 with 15 minutes of cleaning."""
    clinic = await Clinic.open(record)
    for who in ("ana", "ben"):
        await clinic.resource(who)
    for room in ("north", "south"):
        await clinic.resource(room, "room")
    await clinic.pool("providers", ["ana", "ben"])
    await clinic.pool("rooms", ["north", "south"])
    await clinic.service("facial", 30, {"provider": {"pool": "providers"}, "room": {"pool": "rooms"}})
    await clinic.service("peel", 30, {"provider": {"pool": "providers", "after": 15}, "room": {"pool": "rooms"}})
    return clinic


def asked(clinic: Clinic, *services: str, start: Any = NINE, **more: Any) -> VisitAsked:
    return VisitAsked(clinic.ids["austin"], tuple(clinic.ids[each] for each in services), start, **more)


async def hold(clinic: Clinic, visit: VisitAsked | VisitItems, surface: str = "desk", **more: Any) -> WholeVisit:
    return await clinic.as_(surface, lambda tx: visits.place_visit(tx, visit, **more))


async def book(clinic: Clinic, visit: VisitAsked | VisitItems) -> WholeVisit:
    held = await hold(clinic, visit)
    return await clinic.as_("desk", lambda tx: visits.confirm_visit(tx, held.id, ADA))


def who(clinic: Clinic, visit: WholeVisit, role: str = "provider") -> list[str]:
    names = {str(id): name for name, id in clinic.ids.items()}
    parts = visit.appointments or visit.holds
    return [names[claim["resource_id"]] for part in parts for claim in part.claims if claim["role"] == role]


@pytest.fixture(autouse=True)
async def sound_afterwards(database: DatabaseUrls, record: Record, admin: psycopg.Connection[Any]) -> Any:
    """Whatever a test did, the record is sound: I1, I2, and the log still tells the tables (I5)."""
    yield
    assert oracle.overlaps(admin) == 0
    assert oracle.partial(admin) == 0
    checked = {"overlaps", "holds", "holders", "appointments", "visits", "log", "organizations", "row security"}
    for result in examine(database):
        if result.check.name in checked:
            assert not result.findings, (result.check.name, [str(each) for each in result.findings])


async def test_services_in_sequence_are_held_as_one(spa: Clinic) -> None:
    visit = await hold(spa, asked(spa, "facial", "peel", same_provider=True))
    assert [part.starts_at for part in visit.holds] == [NINE, NINE + minutes(30)]
    assert len({part.expires_at for part in visit.holds}) == 1
    assert who(spa, visit) == ["ana", "ana"]
    assert visit.state == "held"


async def test_a_party_gets_different_people_and_rooms(spa: Clinic) -> None:
    visit = await hold(spa, asked(spa, "facial", party=2))
    assert sorted(who(spa, visit)) == ["ana", "ben"]
    assert sorted(who(spa, visit, "room")) == ["north", "south"]
    with pytest.raises(SlotTaken):
        await hold(spa, asked(spa, "facial"))


async def test_two_appointments_of_one_visit_never_get_one_unit(spa: Clinic) -> None:
    """By hand, crosswise: who is first in line for both must not be given twice."""
    items = tuple(
        Item(spa.ids[each], NINE, {"provider": [[spa.ids["ana"], spa.ids["ben"]]]}) for each in ("facial", "peel")
    )
    visit = await hold(spa, VisitItems(spa.ids["austin"], items))
    assert sorted(who(spa, visit)) == ["ana", "ben"]
    both_ana = tuple(
        replace(item, start=NINE + minutes(120), choices={"provider": [[spa.ids["ana"]]]}) for item in items
    )
    with pytest.raises(SlotTaken) as lost:
        await hold(spa, VisitItems(spa.ids["austin"], both_ana))
    assert lost.value.facts["roles"] == ["provider", "room"]


async def test_all_or_nothing(spa: Clinic) -> None:
    for _ in range(2):
        await spa.book("facial", NINE + minutes(30))
    with pytest.raises(SlotTaken) as lost:
        await hold(spa, asked(spa, "facial", "peel"))
    assert lost.value.facts["roles"] == ["provider", "room"]
    assert await hold(spa, asked(spa, "facial", party=2))  # nothing of the refused visit was kept


async def test_the_wait_between_two_services_is_used(spa: Clinic) -> None:
    for _ in range(2):
        await spa.book("facial", NINE + minutes(30))
    visit = await hold(spa, asked(spa, "facial", "peel", max_wait_minutes=30))
    assert [part.starts_at for part in visit.holds] == [NINE, NINE + minutes(60)]


async def test_one_provider_throughout_is_a_demand(spa: Clinic) -> None:
    await spa.book("facial", NINE, who={"provider": ["ana"]})
    await spa.book("facial", NINE + minutes(30), who={"provider": ["ben"]})
    with pytest.raises(SlotTaken):
        await hold(spa, asked(spa, "facial", "peel", same_provider=True))
    assert who(spa, await hold(spa, asked(spa, "facial", "peel"))) == ["ben", "ana"]


async def test_rules_refuse_in_their_own_words(spa: Clinic) -> None:
    await spa.hours([{"kind": "hours", "weekday": 0, "starts": "09:00", "ends": "10:00"}])
    with pytest.raises(NotBookable) as refused:
        await hold(spa, asked(spa, "facial", "peel", start=NINE + minutes(15)))
    assert refused.value.facts["reason"] == "not_working" or refused.value.facts["reason"] == "closed"
    with pytest.raises(NotBookable) as refused:
        await hold(spa, asked(spa, "facial", "peel", start=NINE + minutes(5)), surface="widget")
    assert refused.value.facts["reason"] == "off_grid"
    with pytest.raises(Invalid):
        await hold(spa, VisitItems(spa.ids["austin"], ()))
    far = (Item(spa.ids["facial"], NINE), Item(spa.ids["facial"], NINE + timedelta(days=2)))
    with pytest.raises(Invalid):
        await hold(spa, VisitItems(spa.ids["austin"], far))


async def test_a_visit_counts_as_one_in_the_quota(spa: Clinic) -> None:
    me = Visitor(b"v" * 32, b"n" * 32)
    for n in range(3):
        await hold(spa, asked(spa, "facial", "peel", start=NINE + minutes(120 * n)), "widget", visitor=me)
    with pytest.raises(TooManyHolds):
        await hold(spa, asked(spa, "facial", "peel", start=NINE + minutes(480)), "widget", visitor=me)


async def test_confirmed_moved_and_cancelled_as_one(spa: Clinic) -> None:
    visit = await book(spa, asked(spa, "facial", "peel", same_provider=True))
    assert (visit.state, visit.revision) == ("booked", 2)
    assert len({each.client_id for each in visit.appointments}) == 1
    start = NINE + minutes(15)  # over its own old time
    moved = await spa.as_("desk", lambda tx: visits.reschedule_visit(tx, visit.id, start, revision=2))
    assert [each.starts_at for each in moved.appointments] == [start, start + minutes(30)]
    assert [each.id for each in moved.appointments] == [each.id for each in visit.appointments]
    assert who(spa, moved) == who(spa, visit)
    with pytest.raises(RevisionMismatch):
        await spa.as_("desk", lambda tx: visits.cancel_visit(tx, visit.id, revision=2))
    gone = await spa.as_("desk", lambda tx: visits.cancel_visit(tx, visit.id, revision=moved.revision))
    assert gone.state == "cancelled"
    assert await hold(spa, asked(spa, "facial", "peel", party=2))


async def test_a_move_that_fails_leaves_everything(spa: Clinic) -> None:
    visit = await book(spa, asked(spa, "facial", "peel"))
    await hold(spa, asked(spa, "facial", party=2, start=NINE + minutes(150)))
    with pytest.raises(SlotTaken) as lost:
        await spa.as_("desk", lambda tx: visits.reschedule_visit(tx, visit.id, NINE + minutes(120)))
    assert lost.value.wanted is not None
    assert await spa.as_("desk", lambda tx: visits.get_visit(tx, visit.id)) == visit


async def test_one_is_cancelled_and_the_others_stand(spa: Clinic) -> None:
    visit = await book(spa, asked(spa, "facial", "facial", party=2))
    await spa.as_("desk", lambda tx: booking.cancel(tx, visit.appointments[0].id))
    left = await spa.as_("desk", lambda tx: visits.get_visit(tx, visit.id))
    assert left.state == "booked"
    assert [each.state for each in left.appointments].count("cancelled") == 1
    # no longer whole parties: it is shifted as it is
    moved = await spa.as_("desk", lambda tx: visits.reschedule_visit(tx, visit.id, NINE + minutes(240)))
    assert [each.starts_at - NINE for each in moved.standing] == [minutes(240), minutes(270), minutes(270)]


async def test_one_is_moved_and_still_belongs_to_the_visit(spa: Clinic) -> None:
    visit = await book(spa, asked(spa, "facial", "peel"))
    peel = visit.appointments[1].id
    await spa.as_("desk", lambda tx: booking.reschedule_to_start(tx, peel, NINE + minutes(180)))
    onto = await spa.hold("facial", NINE + minutes(300), surface="desk")
    facial = visit.appointments[0].id
    await spa.as_("desk", lambda tx: booking.reschedule_to_hold(tx, facial, onto.id))
    now = await spa.as_("desk", lambda tx: visits.get_visit(tx, visit.id))
    assert [each.id for each in now.appointments] == [peel, facial]


async def test_a_hold_of_a_visit_is_settled_with_it(spa: Clinic) -> None:
    visit = await hold(spa, asked(spa, "facial", "peel"))
    one = visit.holds[0].id
    for alone in (
        lambda tx: booking.confirm_hold(tx, one, ADA),
        lambda tx: booking.extend_hold(tx, one),
    ):
        with pytest.raises(StateRefused):
            await spa.as_("desk", alone)
    longer = await spa.as_("desk", lambda tx: visits.extend_visit(tx, visit.id, ttl_seconds=600))
    assert len({part.expires_at for part in longer.holds}) == 1
    assert longer.holds[0].expires_at > visit.holds[0].expires_at
    await spa.as_("desk", lambda tx: booking.release_hold(tx, one))  # one may be given back
    booked = await spa.as_("desk", lambda tx: visits.confirm_visit(tx, visit.id, ADA))
    assert [each.starts_at for each in booked.appointments] == [NINE + minutes(30)]


async def test_left_and_returned_to_as_one(spa: Clinic) -> None:
    visit = await hold(spa, asked(spa, "facial", "peel"), "widget")
    await spa.as_("widget", lambda tx: visits.leave_visit(tx, visit.id))
    left = await spa.as_("widget", lambda tx: visits.get_visit(tx, visit.id))
    assert {part.expires_at < visit.holds[0].expires_at for part in left.holds} == {True}
    back = await spa.as_("widget", lambda tx: visits.return_to_visit(tx, visit.id))
    assert [part.expires_at for part in back.holds] == [part.expires_at for part in visit.holds]


async def test_released_and_unknown(spa: Clinic) -> None:
    visit = await hold(spa, asked(spa, "facial", "peel"))
    with pytest.raises(StateRefused):
        await spa.as_("desk", lambda tx: visits.cancel_visit(tx, visit.id))
    for _ in range(2):
        assert (await spa.as_("desk", lambda tx: visits.release_visit(tx, visit.id))).state == "ended"
    with pytest.raises(HoldExpired):
        await spa.as_("desk", lambda tx: visits.confirm_visit(tx, visit.id, ADA))
    for command in (visits.get_visit, visits.release_visit, visits.extend_visit, visits.cancel_visit):
        with pytest.raises(NotFound):
            await spa.as_("desk", lambda tx: command(tx, spa.ids["ana"]))  # noqa: B023


async def test_once_a_part_was_lost_none_is_confirmed(spa: Clinic, admin: psycopg.Connection[Any]) -> None:
    """I12: it ran out, somebody took the place of one part, and the grace does not save the rest."""
    visit = await hold(spa, asked(spa, "facial", "peel", same_provider=True))
    admin.execute(
        "update holdfast.hold set created_at = created_at - interval '1 hour', expires_at = now() - interval '1 second'"
    )
    admin.execute(
        "update holdfast.event set data = data || jsonb_build_object('expires_at', (select max(expires_at)"
        " from holdfast.hold)) where type = 'hold.placed'"
    )
    await spa.book("facial", NINE, who={"provider": ["ana"]})
    with pytest.raises(HoldExpired):
        await spa.as_("desk", lambda tx: visits.confirm_visit(tx, visit.id, ADA))
    now = await spa.as_("desk", lambda tx: visits.get_visit(tx, visit.id))
    assert not now.appointments


async def test_a_cap_counts_the_visit_once(spa: Clinic) -> None:
    await spa.resource_rules("ana", cap=1)
    await spa.resource_rules("ben", cap=0)
    visit = await book(spa, asked(spa, "facial", "peel", same_provider=True))
    assert who(spa, visit) == ["ana", "ana"]
    assert await spa.starts("facial", DAY) == []
    moved = await spa.as_(
        "desk", lambda tx: booking.reschedule_to_start(tx, visit.appointments[1].id, NINE + minutes(90))
    )
    assert moved.starts_at == NINE + minutes(90)

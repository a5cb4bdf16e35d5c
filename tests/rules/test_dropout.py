"""A resource drops out: a plan that changes nothing, and the same plan carried out after approval."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from holdfast.booking import service as booking
from holdfast.booking.dropout import apply_dropout, plan_dropout
from holdfast.db.transact import Caller, Record
from holdfast.errors import StateRefused
from tests.rules.clinic import Clinic, daily, next_monday, wall

MONDAY = next_monday()
DAY = wall(MONDAY, "00:00"), wall(MONDAY, "23:59")


@pytest.fixture
async def clinic(record: Record) -> Clinic:
    clinic = await Clinic.open(record)
    for slug in ("ana", "bo", "cy"):
        await clinic.resource(slug)
    await clinic.resource("room", "room", capacity=3)
    await clinic.pool("nurses", ["ana", "bo", "cy"])
    await clinic.pool("rooms", ["room"])
    await clinic.hours(daily("12:00", "18:00"), location=None, resource="cy")
    await clinic.service("facial", 60, {"nurse": {"pool": "nurses"}, "room": {"pool": "rooms"}})
    return clinic


async def test_a_plan_moves_only_what_must_and_strands_what_nobody_can_take(clinic: Clinic, record: Record) -> None:
    first = await clinic.book("facial", wall(MONDAY, "09:00"), who={"nurse": ["ana"]})
    second = await clinic.book("facial", wall(MONDAY, "10:00"), who={"nurse": ["ana"]})
    await clinic.book("facial", wall(MONDAY, "10:00"), who={"nurse": ["bo"]})
    third = await clinic.book("facial", wall(MONDAY, "13:00"), who={"nurse": ["ana"]})
    tomorrow = await clinic.book("facial", wall(MONDAY + timedelta(days=1), "09:00"), who={"nurse": ["ana"]})
    caller = Caller(clinic.organization_id, "system", "system")

    plan = await plan_dropout(record, caller, clinic.ids["ana"], *DAY)
    assert [(move.appointment_id, move.role, move.resource_name) for move in plan.moves] == [
        (first.id, "nurse", "bo"),
        (third.id, "nurse", "bo"),
    ]
    assert [each.appointment_id for each in plan.stranded] == [second.id]
    assert (await plan_dropout(record, caller, clinic.ids["ana"], *DAY)).fingerprint == plan.fingerprint

    await record.transact(caller, lambda tx: apply_dropout(tx, clinic.ids["ana"], *DAY, approved=plan.fingerprint))
    after = await record.transact(caller, lambda tx: booking.get_appointment(tx, first.id))
    assert {claim["resource_name"] for claim in after.claims} == {"bo", "room"}
    assert (after.starts_at, after.revision) == (first.starts_at, 2)
    for untouched in (second, tomorrow):
        now = await record.transact(caller, lambda tx: booking.get_appointment(tx, untouched.id))  # noqa: B023
        assert now.revision == 1


async def test_a_visit_makes_way_where_somebody_else_can_serve_it(clinic: Clinic, record: Record) -> None:
    # at 10:00 only Bo could take over, and Bo is with somebody whom Dee could treat as well
    await clinic.resource("dee")
    await clinic.pool("menders", ["bo", "dee"])
    await clinic.service("mend", 60, {"mender": {"pool": "menders"}})
    hers = await clinic.book("facial", wall(MONDAY, "10:00"), who={"nurse": ["ana"]})
    his = await clinic.book("mend", wall(MONDAY, "10:30"), who={"mender": ["bo"]})
    caller = Caller(clinic.organization_id, "system", "system")
    plan = await plan_dropout(record, caller, clinic.ids["ana"], *DAY)
    assert [(move.appointment_id, move.resource_name, move.makes_way) for move in plan.moves] == [
        (hers.id, "bo", False),
        (his.id, "dee", True),
    ]
    assert plan.stranded == ()
    await record.transact(caller, lambda tx: apply_dropout(tx, clinic.ids["ana"], *DAY, approved=plan.fingerprint))
    for visit, who in ((hers, {"bo", "room"}), (his, {"dee"})):
        now = await record.transact(caller, lambda tx: booking.get_appointment(tx, visit.id))  # noqa: B023
        assert {claim["resource_name"] for claim in now.claims} == who
        assert (now.starts_at, now.revision) == (visit.starts_at, 2)
    await clinic.dates([], location=None, resource="ana")  # she is back early
    # the control: a visit that nobody else may serve stays, and the other is stranded
    await clinic.pool("menders", ["dee"])
    again = await clinic.book("facial", wall(MONDAY, "15:00"), who={"nurse": ["bo"]})
    await clinic.book("mend", wall(MONDAY, "15:00"), who={"mender": ["dee"]})
    await clinic.book("facial", wall(MONDAY, "15:00"), who={"nurse": ["cy"]})
    plan = await plan_dropout(record, caller, clinic.ids["bo"], wall(MONDAY, "15:00"), wall(MONDAY, "16:00"))
    assert [move.resource_name for move in plan.moves] == ["ana"]  # free by now
    await clinic.book("facial", wall(MONDAY, "15:00"), who={"nurse": ["ana"]})
    plan = await plan_dropout(record, caller, clinic.ids["bo"], wall(MONDAY, "15:00"), wall(MONDAY, "16:00"))
    assert [each.appointment_id for each in plan.stranded] == [again.id]


async def test_a_stranded_visit_comes_with_the_nearest_other_times(clinic: Clinic, record: Record) -> None:
    stranded = await clinic.book("facial", wall(MONDAY, "09:00"), who={"nurse": ["ana"]})
    await clinic.book("facial", wall(MONDAY, "09:00"), who={"nurse": ["bo"]})
    caller = Caller(clinic.organization_id, "system", "system")
    morning = wall(MONDAY, "00:00"), wall(MONDAY, "11:30")
    plan = await plan_dropout(record, caller, clinic.ids["ana"], *morning)
    (left,) = plan.stranded
    assert left.appointment_id == stranded.id
    starts = [slot.start for slot in left.alternatives]
    assert starts == [wall(MONDAY, clock) for clock in ("10:00", "08:00", "10:15")]
    # none of them is with Ana while she is out; and each can be held: the nearest is booked in its place
    assert all(UUID(pick.resource) != clinic.ids["ana"] for slot in left.alternatives for pick in slot.picks)
    moved = await record.transact(caller, lambda tx: booking.reschedule_to_start(tx, stranded.id, starts[0]))
    assert moved.starts_at == starts[0]


async def test_a_plan_that_is_out_of_date_is_refused(clinic: Clinic, record: Record) -> None:
    await clinic.book("facial", wall(MONDAY, "09:00"), who={"nurse": ["ana"]})
    caller = Caller(clinic.organization_id, "system", "system")
    plan = await plan_dropout(record, caller, clinic.ids["ana"], *DAY)
    await clinic.book("facial", wall(MONDAY, "09:00"), who={"nurse": ["bo"]})
    with pytest.raises(StateRefused):
        await record.transact(caller, lambda tx: apply_dropout(tx, clinic.ids["ana"], *DAY, approved=plan.fingerprint))

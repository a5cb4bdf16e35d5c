"""A resource drops out: a plan that changes nothing, and the same plan carried out after approval."""

from __future__ import annotations

from datetime import timedelta

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


async def test_a_plan_that_is_out_of_date_is_refused(clinic: Clinic, record: Record) -> None:
    await clinic.book("facial", wall(MONDAY, "09:00"), who={"nurse": ["ana"]})
    caller = Caller(clinic.organization_id, "system", "system")
    plan = await plan_dropout(record, caller, clinic.ids["ana"], *DAY)
    await clinic.book("facial", wall(MONDAY, "09:00"), who={"nurse": ["bo"]})
    with pytest.raises(StateRefused):
        await record.transact(caller, lambda tx: apply_dropout(tx, clinic.ids["ana"], *DAY, approved=plan.fingerprint))

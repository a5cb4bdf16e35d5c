"""Reminders: never twice, moved with the visit, dropped with it; and the key that this hangs on."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from holdfast.db.transact import Record
from holdfast.messages.planning import Planner
from holdfast.messages.sending import PAGE, QUERIES
from holdfast.worker.run import WorkerSettings, open_means
from tests.clinic import at
from tests.messages.conftest import Office
from tests.messages.mailbox import Mailbox
from tests.messages.twilio_stand_in import TwilioStandIn
from tests.worker.running import system_of, working

PHONE = {"name": "Ada Byron", "phone": "+15125550111"}


def when(office: Office, state: str = "pending") -> list[tuple[int, float]]:
    """(lead, minutes from the test's nine o'clock to the start it is about) of reminders in a state, by lead."""
    rows = office.admin.execute(
        "select lead_minutes, (occasion - extract(epoch from %s)) / 60 from holdfast.message"
        " where kind = 'reminder' and state = %s order by lead_minutes, occasion",
        [at(0), state],
    ).fetchall()
    return [(int(str(lead)), float(str(minutes))) for lead, minutes in rows]


async def test_a_move_takes_the_reminders_along_and_back_and_a_cancellation_drops_them(
    settings: WorkerSettings, office: Office, line: TwilioStandIn
) -> None:
    async with working(settings):
        booked = office.clinic.book("consult", 0, client=PHONE)
        await office.until_states("confirmation", "sent")
        assert when(office) == [(120, 0), (4320, 0)]
        office.clinic.desk("reschedule", appointment_id=booked["id"], revision=1, start=at(600))
        await office.until_states("change", "sent")
        assert (when(office), when(office, "skipped")) == ([(120, 600), (4320, 600)], [(120, 0), (4320, 0)])
        office.clinic.desk("reschedule", appointment_id=booked["id"], revision=2, start=at(0))
        await office.until_states("change", "sent", "sent")
        assert (when(office), when(office, "skipped")) == ([(120, 0), (4320, 0)], [(120, 600), (4320, 600)])
        office.clinic.desk("cancel", appointment_id=booked["id"], revision=3)
        await office.until_states("cancellation", "sent")
        assert when(office) == []
    assert len(line.texts) == 4


async def test_one_that_was_sent_is_not_sent_again_when_the_visit_comes_back_to_its_time(
    settings: WorkerSettings, office: Office, line: TwilioStandIn
) -> None:
    async with working(settings):
        booked = office.clinic.book("consult", 0, client=PHONE)
        await office.until_states("confirmation", "sent")
        office.later(120)
        office.make_due(lead_minutes=4320)
        await line.wait_for(2)
        await office.until_states("reminder", "sent", "pending")
        for revision, minutes in ((1, 600), (2, 0)):
            office.clinic.desk("reschedule", appointment_id=booked["id"], revision=revision, start=at(minutes))
            await office.until_states("change", *["sent"] * revision)
    assert when(office) == [(120, 0)]
    assert when(office, "sent") == [(4320, 0)]
    assert len(line.texts) == 4


async def test_two_that_are_due_at_once_are_one_and_none_follows_on_the_heels_of_a_confirmation(
    settings: WorkerSettings, office: Office, line: TwilioStandIn
) -> None:
    async with working(settings):
        office.clinic.book("consult", 0, client=PHONE)
        await office.until_states("confirmation", "sent")
        office.later(120)
        office.make_due()
        await office.until_states("reminder", "sent", "skipped")
        other = {"name": "Bob Moran", "phone": "+15125550122"}
        office.clinic.book("consult", 300, client=other)
        await office.until_states("confirmation", "sent", "sent")
        office.make_due()
        await office.until_states("reminder", "sent", "skipped", "skipped", "skipped")
    assert [text["to"] for text in line.texts] == [PHONE["phone"], PHONE["phone"], other["phone"]]


async def test_new_rules_are_planned_for_visits_already_booked(settings: WorkerSettings, office: Office) -> None:
    async with working(settings):
        office.clinic.book("consult", 0)
        office.clinic.book("laser", 0)
        await office.until_states("confirmation", "sent", "sent")
        office.clinic.desk(
            "set_reminder_rule", service_id=office.clinic.services["consult"], before_minutes=[1440, 60],
            follow_up_after_minutes=None,
        )  # fmt: skip
        await office.until_states("reminder", *["skipped", "pending"], "pending", *["skipped", "pending", "pending"])
    assert when(office) == [(60, 0), (120, 0), (1440, 0), (4320, 0)]


async def plan_everything_again(office: Office, settings: WorkerSettings) -> None:
    async with open_means(settings) as means:
        rows = office.admin.execute("select id from holdfast.event order by id").fetchall()
        planner = Planner(means.record, means.back_record, office.clinic.organization_id)
        await planner.plan_events([int(str(id)) for (id,) in rows])


@pytest.mark.parametrize("guarded", [True, False], ids=["with the key", "negative control: without it"])
async def test_the_key_keeps_a_replay_from_doubling_reminders(
    settings: WorkerSettings, office: Office, line: TwilioStandIn, *, guarded: bool
) -> None:
    if not guarded:
        _drop_the_key(office)
    office.clinic.book("consult", 0, client=PHONE)
    await plan_everything_again(office, settings)
    await plan_everything_again(office, settings)
    office.admin.execute("delete from holdfast.message where kind = 'confirmation' or lead_minutes = 4320")
    office.make_due()
    async with open_means(settings) as means:
        await means.message_sender.send_due(office.clinic.organization_id)
    # the stand-in is as Twilio, and tells of the first text when it is asked: a late look is what finds the repeat
    assert len(line.texts) == (1 if guarded else 2)


async def test_a_long_queue_is_sent_turn_by_turn_and_to_its_end(
    settings: WorkerSettings, office: Office, mailbox: Mailbox
) -> None:
    settings = replace(settings, messages=replace(settings.messages, turn_seconds=0.0))
    for hour in range(PAGE + 5):
        office.clinic.book("consult", hour * 60)
    await plan_everything_again(office, settings)
    async with open_means(settings) as means:
        assert await means.message_sender.send_due(office.clinic.organization_id), "its turn is over before its work"
    assert len(mailbox.received) == PAGE
    async with working(settings):
        await office.until_states("confirmation", *["sent"] * (PAGE + 5))


def _drop_the_key(office: Office) -> None:
    row = office.admin.execute("select pg_get_functiondef('holdfast.plan_messages'::regproc)").fetchone()
    assert row is not None
    without = re.sub(r"on conflict on constraint message_is_owed_once.*?;", ";", str(row[0]), count=1, flags=re.DOTALL)
    assert "on conflict" not in without
    office.admin.execute("alter table holdfast.message drop constraint message_is_owed_once")
    office.admin.execute(without)  # type: ignore[call-overload]


async def test_two_senders_never_have_the_same_message(
    settings: WorkerSettings, office: Office, record: Record
) -> None:
    for hour in range(4):
        office.clinic.book("consult", hour * 60)
    await plan_everything_again(office, settings)
    async with open_means(settings) as means:

        async def lease() -> list[object]:
            rows = await means.back_record.transact(
                system_of(office.clinic), lambda tx: tx.records(QUERIES["lease"], limit=3, lease_seconds=60)
            )
            return [row["id"] for row in rows]

        first, second, third = await lease(), await lease(), await lease()
    assert (len(first), len(second), len(third)) == (3, 1, 0)
    assert not set(first) & set(second)

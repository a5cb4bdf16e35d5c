"""A visit of several parts, and a series: told once, with its parts, and answered as one."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from holdfast.db.transact import Record
from holdfast.messages.replies import receive
from holdfast.worker.run import WorkerSettings
from tests.clinic import at
from tests.messages.conftest import Office
from tests.messages.mailbox import Mailbox, event_in
from tests.messages.test_texts import BOTH, PHONE, TEXTED
from tests.messages.twilio_stand_in import TwilioStandIn
from tests.worker.running import working

NEW_YORK = ZoneInfo("America/New_York")


def book_visit(office: Office, *items: tuple[str, float], client: dict[str, str] = TEXTED) -> UUID:
    placed = office.clinic.desk.all(
        "place_visit",
        location_id=office.clinic.location_id,
        items=[
            {"service_id": str(office.clinic.services[service]), "start": at(minutes).isoformat()}
            for service, minutes in items
        ],
        max_wait_minutes=120,
    )
    visit_id: UUID = placed[0]["visit_id"]
    office.clinic.desk.all("confirm_visit", visit_id=visit_id, client=client)
    return visit_id


async def test_a_visit_of_two_parts_is_confirmed_and_reminded_of_once_and_x_cancels_all_of_it(
    settings: WorkerSettings, office: Office, record: Record, line: TwilioStandIn
) -> None:
    async with working(settings):
        book_visit(office, ("consult", 0), ("laser", 60))
        _, skipped = sorted(await office.until_states("confirmation", "sent", "skipped"), key=lambda one: one.state)
        assert skipped.reason == "It is told with the other parts of the visit."
        (text,) = line.texts
        first, second = (f"{at(minutes).astimezone(NEW_YORK):%-I:%M %p}" for minutes in (0, 60))
        assert f"{first} {zone_name(0)}, {second} {zone_name(60)}" in text["body"]
        assert "Reply X to cancel" in text["body"]
        office.later(90)
        office.make_due("reminder", 120)
        await office.until_states("reminder", *REMINDED)
        assert len(line.texts) == 2
        assert await receive(record, PHONE, "C") == "Thank you. See you then."
        assert await receive(record, PHONE, "X") is None
        assert office.clinic.desk.read("select distinct state from holdfast.appointment") == [{"state": "cancelled"}]
        await office.until_states("cancellation", "sent", "skipped")
    assert len(line.texts) == 3


REMINDED = ("sent", "skipped", "pending", "pending")


async def test_moving_one_part_tells_that_part_and_the_invitation_covers_the_whole(
    settings: WorkerSettings, office: Office, mailbox: Mailbox
) -> None:
    async with working(settings):
        visit_id = book_visit(office, ("consult", 0), ("laser", 60), client=BOTH)
        await office.until_states("confirmation", "sent", "skipped")
        _, event = event_in(mailbox.received[0])
        assert (event["dtstart"].dt, event["dtend"].dt) == (at(0), at(120))
        (laser,) = office.clinic.desk.read(
            "select a.id from holdfast.appointment a join holdfast.hold h on h.id = a.hold_id"
            " where h.visit_id = %(visit_id)s and a.starts_at = %(start)s",
            visit_id=visit_id,
            start=at(60),
        )
        office.clinic.desk("reschedule", appointment_id=laser["id"], revision=None, start=at(75))
        await office.until_states("change", "sent")
    assert f"{at(75).astimezone(NEW_YORK):%-I:%M %p}" in mailbox.received[1].as_string()
    method, moved = event_in(mailbox.received[1])
    assert (method, moved["uid"], moved["dtstart"].dt, moved["dtend"].dt) == ("REQUEST", event["uid"], at(0), at(135))
    assert moved["sequence"] > event["sequence"]


async def test_a_series_is_confirmed_in_one_message_that_asks_for_no_answer_and_reminds_of_each_day(
    settings: WorkerSettings, office: Office, record: Record, line: TwilioStandIn
) -> None:
    days = [0, 7 * 1440, 14 * 1440]
    async with working(settings):
        office.clinic.desk.all(
            "place_series",
            location_id=office.clinic.location_id,
            asked={"every_days": 7, "count": 3},
            visits=[
                [{"service_id": str(office.clinic.services["laser"]), "start": at(minutes).isoformat()}]
                for minutes in days
            ],
        )
        (series,) = office.clinic.desk.read("select id from holdfast.series")
        office.clinic.desk.all("confirm_series", series_id=series["id"], client=TEXTED)
        await office.until_states("confirmation", "sent", "skipped", "skipped")
    (text,) = line.texts
    for minutes in days:
        assert f"{at(minutes).astimezone(NEW_YORK):%B %-d}" in text["body"]
    assert "Reply" not in text["body"]
    assert await receive(record, PHONE, "X") == "We could not tell which appointment you mean. Please call us."
    assert len(await office.messages("reminder")) >= 3


async def test_an_answer_means_the_visit_of_the_last_text(
    settings: WorkerSettings, office: Office, record: Record
) -> None:
    async with working(settings):
        first = office.clinic.book("laser", 0, client=TEXTED)
        await office.until_states("confirmation", "sent")
        office.later(60)
        second = office.clinic.book("laser", 120, client=TEXTED)
        await office.until_states("confirmation", "sent", "sent")
        assert await receive(record, PHONE, "X") is None
    states = {row["id"]: row["state"] for row in office.clinic.desk.read("select id, state from holdfast.appointment")}
    assert states == {first["id"]: "confirmed", second["id"]: "cancelled"}


async def test_x_does_not_cancel_a_time_that_the_client_was_never_told(
    settings: WorkerSettings, office: Office, record: Record
) -> None:
    async with working(settings):
        booked = office.clinic.book("laser", 0, client=TEXTED)
        await office.until_states("confirmation", "sent")
    office.clinic.desk("reschedule", appointment_id=booked["id"], revision=None, start=at(240))
    said = await receive(record, PHONE, "x")
    now = f"{at(240).astimezone(NEW_YORK):%A, %B %-d, %-I:%M %p} {zone_name(240)}"
    assert said == f"This appointment has moved: it is now {now}. Send X once more if you mean it at that time."
    assert office.clinic.desk.read("select state from holdfast.appointment") == [{"state": "confirmed"}]
    assert await receive(record, PHONE, "x") is None
    assert office.clinic.desk.read("select state from holdfast.appointment") == [{"state": "cancelled"}]


async def test_the_same_text_handed_over_twice_is_done_once(
    settings: WorkerSettings, office: Office, record: Record
) -> None:
    async with working(settings):
        office.clinic.book("laser", 0, client=TEXTED)
        await office.until_states("confirmation", "sent")
        office.later(60)
        office.clinic.book("laser", 120, client=TEXTED)
        await office.until_states("confirmation", "sent", "sent")
        assert await receive(record, PHONE, "X", provider_id="SM1") is None
        # what the second one would mean by itself: the visit whose text is the last one now
        office.admin.execute("delete from holdfast.message where kind = 'cancellation' or settled_at is null")
        assert await receive(record, PHONE, "X", provider_id="SM1") is None
        assert await receive(record, PHONE, "hello?", provider_id="SM2") == await receive(
            record, PHONE, "X", provider_id="SM2"
        )
    states = office.clinic.desk.read("select state from holdfast.appointment order by starts_at")
    assert [row["state"] for row in states] == ["confirmed", "cancelled"]


def zone_name(minutes: float) -> str:
    return str(at(minutes).astimezone(NEW_YORK).tzname())

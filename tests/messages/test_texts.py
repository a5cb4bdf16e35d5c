"""Texts by a stand-in of Twilio: failures, repeats, opting out, answers."""

from __future__ import annotations

import re

import psycopg
import pytest

from holdfast.db.pool import WORKER_SETTINGS, session_options
from holdfast.db.transact import Record
from holdfast.db.urls import WORKER_ROLE, DatabaseUrls, derive_url
from holdfast.messages.replies import meaning, receive
from holdfast.messages.twilio import is_genuine, signature
from holdfast.worker.run import WorkerSettings
from tests.clinic import open_med_spa
from tests.messages.conftest import PUBLIC_URL, Office
from tests.messages.mailbox import Mailbox
from tests.messages.twilio_stand_in import NUMBER, TOKEN, TwilioStandIn
from tests.worker.running import missed, worker_process, working

PHONE = "+15125550111"
TEXTED = {"name": "Ada Byron", "phone": PHONE}
BOTH = TEXTED | {"email": "ada@example.org"}


async def test_a_client_with_a_telephone_only_gets_a_text(
    settings: WorkerSettings, office: Office, line: TwilioStandIn
) -> None:
    async with working(settings):
        booked = office.clinic.book("laser", 0, client=TEXTED)
        (sent,) = await office.until_states("confirmation", "sent")
    (text,) = line.texts
    assert (text["to"], text["from"], text["callback"]) == (PHONE, NUMBER, f"{PUBLIC_URL}/twilio/status")
    assert booked["confirmation_code"] in text["body"]
    assert "laser" not in text["body"]
    assert (sent.channel, sent.provider_id, sent.subject) == ("sms", text["sid"], None)
    assert sent.body == re.sub(r"/v/\S+", "/v/…", text["body"]), "no token is kept"
    assert line.asked == ["POST"]


async def test_a_worker_killed_after_twilio_took_the_text_finds_it_there_and_sends_no_second(
    settings: WorkerSettings, office: Office, line: TwilioStandIn
) -> None:
    line.gate.clear()
    office.clinic.book("laser", 0, client=TEXTED)
    async with worker_process(settings) as doomed:
        await line.wait_for(1)
        doomed.kill()
        await doomed.wait()
    missed(office.admin)
    line.gate.set()
    async with working(settings):
        (sent,) = await office.until_states("confirmation", "sent")
    assert len(line.texts) == 1
    assert (sent.provider_id, sent.attempts) == (line.texts[0]["sid"], 2)
    assert line.asked == ["POST", "GET"]


async def test_too_much_at_once_waits_and_a_wrong_number_is_a_dead_letter(
    settings: WorkerSettings, office: Office, line: TwilioStandIn
) -> None:
    failures = [(429, {"code": 20429}, {"retry-after": "1"}), (503, {}, {})]
    line.fail = lambda _: failures.pop(0) if failures else None
    async with working(settings):
        office.clinic.book("laser", 0, client=TEXTED)
        (sent,) = await office.until_states("confirmation", "sent")
        assert sent.attempts == 3
        line.fail = lambda _: (400, {"code": 21211, "message": "not a number"}, {})
        office.clinic.book("laser", 120, client=TEXTED)
        _, dead = await office.until_states("confirmation", "sent", "dead")
    assert dead.reason == "This number cannot be sent texts (Twilio 21211): check it, or call."
    assert dead.attempts == 1


async def test_who_opted_out_with_the_carrier_is_reached_by_mail_instead_and_not_texted_again(
    settings: WorkerSettings, office: Office, line: TwilioStandIn, mailbox: Mailbox
) -> None:
    office.clinic.desk(
        "set_message_policy",
        policy={"quiet_from": "00:00", "quiet_until": "00:00", "notice_channels": ["sms", "email"]},
    )
    line.fail = lambda _: (400, {"code": 21610}, {})
    async with working(settings):
        office.clinic.book("laser", 0, client=BOTH)
        (sent,) = await office.until_states("confirmation", "sent")
        asked = len(line.asked)
        office.clinic.book("laser", 120, client=BOTH | {"name": "Somebody Else"})
        await office.until_states("confirmation", "sent", "sent")
    assert sent.channel == "email"
    assert len(mailbox.received) == 2
    assert len(line.asked) == asked, "the number opted out, whoever's name comes with it"


async def test_stop_and_start_by_text(
    settings: WorkerSettings, office: Office, record: Record, line: TwilioStandIn
) -> None:
    async with working(settings):
        office.clinic.book("laser", 0, client=TEXTED)
        await office.until_states("confirmation", "sent")
        assert await receive(record, PHONE, "Stop.") is None
        office.clinic.book("laser", 120, client=TEXTED)
        _, skipped = await office.until_states("confirmation", "sent", "skipped")
        assert skipped.reason == "The client wants no messages by the channels that are used."
        assert await receive(record, PHONE, "START") is None
        office.clinic.book("laser", 240, client=TEXTED)
        await office.until_states("confirmation", "sent", "skipped", "sent")
    assert len(line.texts) == 2


async def test_c_confirms_and_x_cancels_the_one_visit_they_were_texted_about(
    settings: WorkerSettings, office: Office, record: Record
) -> None:
    async with working(settings):
        booked = office.clinic.book("laser", 0, client=TEXTED)
        await office.until_states("confirmation", "sent")
        assert await receive(record, PHONE, "c") == "Thank you. See you then."
        assert [one.answer for one in await office.messages("confirmation")] == ["confirm"]
        assert await receive(record, PHONE, " X ") is None
        await office.until_states("cancellation", "sent")
        rows = office.clinic.desk.read(
            "select state, cancel_reason from holdfast.appointment where id = %(id)s", id=booked["id"]
        )
        assert rows == [{"state": "cancelled", "cancel_reason": "The client cancelled by text."}]
        (actor,) = office.admin.execute(
            "select actor, surface from holdfast.event where type = 'appointment.cancelled'"
        ).fetchall()
        assert str(actor[0]).startswith("cli_")
        assert await receive(record, PHONE, "X") == "We could not tell which appointment you mean. Please call us."


async def test_nothing_is_cancelled_on_a_guess(settings: WorkerSettings, office: Office, record: Record) -> None:
    async with working(settings):
        office.clinic.book("laser", 0, client=TEXTED)
        office.clinic.book("laser", 120, client=TEXTED)
        await office.until_states("confirmation", "sent", "sent")
    assert await receive(record, PHONE, "X") == "We could not tell which appointment you mean. Please call us."
    assert await receive(record, "+15125559999", "X") == "We could not tell which appointment you mean. Please call us."
    states = office.admin.execute("select distinct state from holdfast.appointment").fetchall()
    assert states == [("confirmed",)]


async def test_stop_holds_for_every_organization_on_the_line(
    office: Office, record: Record, settings: WorkerSettings
) -> None:
    other = open_med_spa(office.clinic.desk.connection, "other")
    office.clinic.book("laser", 0, client=TEXTED)
    other.book("laser", 0, client=TEXTED)
    await receive(record, PHONE, "STOP")
    told = office.admin.execute("select allowed, source from holdfast.message_preference").fetchall()
    assert told == [(False, "reply"), (False, "reply")]


async def test_yes_and_start_take_back_what_came_by_text_and_nothing_that_was_said_otherwise(
    office: Office, record: Record
) -> None:
    other = open_med_spa(office.clinic.desk.connection, "other")
    for clinic in (office.clinic, other):
        clinic.book("laser", 0, client=TEXTED)
    (here,) = office.clinic.desk.read("select id from holdfast.client")
    office.clinic.desk("set_message_preference", client_id=here["id"], channel="sms", allowed=False, source="staff")

    def told() -> dict[object, object]:
        rows = office.admin.execute("select organization_id, allowed, source from holdfast.message_preference")
        return {row[0]: row[1:] for row in rows}

    for word, taken_for in (("YES", None), ("START", "START"), ("Yes", "START")):
        await receive(record, PHONE, "STOP")
        assert told() == {office.clinic.organization_id: (False, "staff"), other.organization_id: (False, "reply")}
        await receive(record, PHONE, word, taken_for=taken_for)
        assert told() == {office.clinic.organization_id: (False, "staff"), other.organization_id: (True, "reply")}


def test_a_lease_waits_for_the_disk_so_that_a_crash_does_not_forget_an_attempt(
    office: Office, database: DatabaseUrls
) -> None:
    with psycopg.connect(derive_url(database.owner, WORKER_ROLE), options=session_options(WORKER_SETTINGS)) as worker:
        worker.execute("select holdfast.act_as(%s, 'system', 'system')", [office.clinic.organization_id])
        assert worker.execute("show synchronous_commit").fetchone() == ("off",)
        worker.execute("select holdfast.lease_messages(10, 60)")
        assert worker.execute("show synchronous_commit").fetchone() == ("on",)


@pytest.mark.parametrize(
    ("text", "means"),
    [("STOP", "stop"), ("cancel", "stop"), ("Unsubscribe!", "stop"), ("YES", "start"), ("help", "help"),
     ("c", "confirm"),
     ("X.", "cancel"), ("can I come later?", "unknown"), ("", "unknown")],
)  # fmt: skip
def test_what_a_text_means(text: str, means: str) -> None:
    assert meaning(text) == means


def test_only_twilio_can_sign_and_it_may_name_the_port() -> None:
    # the worked example of Twilio's own documentation
    url, token = "https://example.com/myapp.php?foo=1&bar=2", "12345"
    form = [("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675310"), ("Digits", "1234"), ("From", "+14158675310"),
            ("To", "+18005551212")]  # fmt: skip
    assert signature(token, url, form) == "L/OH5YylLD5NRKLltdqwSvS0BnU="
    with_port = "https://example.com:443/myapp.php?foo=1&bar=2"
    assert is_genuine(token, url, form, signature(token, with_port, form))
    assert is_genuine(token, with_port, form, signature(token, url, form))
    assert not is_genuine(TOKEN, url, form, signature(token, url, form))
    assert not is_genuine(token, url, [*form, ("Body", "X")], signature(token, url, form))
    assert not is_genuine(token, url, form, "ñ")

"""E-mail from a booking to an inbox, read back with the standard parsers."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, timedelta
from email.message import EmailMessage
from typing import Any

import psycopg
import pytest

from holdfast.messages import mail, service
from holdfast.messages.carriers import MessageSettings, Outgoing
from holdfast.worker.run import WorkerSettings
from tests.clinic import CLIENT, at
from tests.messages.conftest import PUBLIC_URL, Office
from tests.messages.mailbox import Mailbox, event_in, part
from tests.messages.twilio_stand_in import TwilioStandIn
from tests.webhooks.test_delivery import until
from tests.worker.running import missed, system_of, worker_process, working


async def test_a_booking_is_confirmed_with_an_invitation_that_says_no_more_than_it_must(
    settings: WorkerSettings, office: Office, mailbox: Mailbox
) -> None:
    async with working(settings):
        booked = office.clinic.book("laser", 0)
        (mail,) = await mailbox.wait_for(1)
        (message,) = await office.until_states("confirmation", "sent")

    assert (mail["To"], mail["From"]) == (CLIENT["email"], "spa <visits@spa.example>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith(f"<{PUBLIC_URL}/preferences/")
    assert mail["Message-ID"] == message.provider_id
    assert [one.get_content_type() for one in mail.walk()] == [
        "multipart/alternative", "text/plain", "text/html", "text/calendar",
    ]  # fmt: skip

    text, html = part(mail, "text/plain"), part(mail, "text/html")
    assert booked["confirmation_code"] in text
    assert booked["confirmation_code"] in html
    assert "laser" not in mail.as_string().replace("mail.test", "")
    assert "laser" not in part(mail, "text/calendar")
    assert (message.subject, message.channel) == (mail["Subject"], "email")
    (link,) = [word for word in text.split() if word.startswith(f"{PUBLIC_URL}/v/")]
    assert f'<a href="{link}">' in html
    assert message.body is not None
    assert message.body.split() == text.replace(link, f"{PUBLIC_URL}/v/…").split(), "no token is kept"

    method, event = event_in(mail)
    assert (method, str(event["UID"]), event["SEQUENCE"]) == ("REQUEST", str(booked["id"]), 1)
    assert event.decoded("DTSTART") == booked["starts_at"].astimezone(UTC)
    assert str(event["ORGANIZER"]) == "mailto:visits@spa.example"
    assert str(event["ATTENDEE"]) == f"mailto:{CLIENT['email']}"
    assert str(event["SUMMARY"]) == "spa"


async def test_where_nothing_leaves_the_words_are_kept_with_their_link(
    settings: WorkerSettings, office: Office, mailbox: Mailbox
) -> None:
    """The page that shows what was sent is then the client's only mailbox, as in the demo."""
    kept = replace(settings, messages=MessageSettings(public_url=PUBLIC_URL, console=True))
    async with working(kept):
        office.clinic.book("laser", 0)
        (message,) = await office.until_states("confirmation", "sent")
    assert message.body is not None
    assert re.search(rf"{PUBLIC_URL}/v/[\w-]{{20,}}", message.body)
    assert mailbox.received == []


async def test_a_move_and_a_cancellation_update_the_same_event(
    settings: WorkerSettings, office: Office, mailbox: Mailbox
) -> None:
    async with working(settings):
        booked = office.clinic.book("laser", 0)
        await office.until_states("confirmation", "sent")
        office.clinic.desk("reschedule", appointment_id=booked["id"], revision=1, start=at(120))
        await office.until_states("change", "sent")
        office.clinic.desk("cancel", appointment_id=booked["id"], revision=2)
        await office.until_states("cancellation", "sent")
    told = [event_in(mail) for mail in mailbox.received]
    assert [method for method, _ in told] == ["REQUEST", "REQUEST", "CANCEL"]
    assert {str(event["UID"]) for _, event in told} == {str(booked["id"])}
    assert [event["SEQUENCE"] for _, event in told] == [1, 2, 3]
    assert [str(event["STATUS"]) for _, event in told] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert told[1][1].decoded("DTSTART") == at(120)
    assert len({mail["Message-ID"] for mail in mailbox.received}) == 3


async def test_what_was_overtaken_before_it_was_sent_is_left_out(
    settings: WorkerSettings, office: Office, mailbox: Mailbox
) -> None:
    booked = office.clinic.book("laser", 0)
    office.clinic.desk("reschedule", appointment_id=booked["id"], revision=1, start=at(120))
    office.clinic.desk("cancel", appointment_id=booked["id"], revision=2)
    async with working(settings):
        await office.until_states("cancellation", "sent")
        await office.until_states("confirmation", "skipped")
        await office.until_states("change", "skipped")
    assert len(mailbox.received) == 1


async def test_a_worker_killed_between_sending_and_writing_down_repeats_the_same_mail(
    settings: WorkerSettings, office: Office, mailbox: Mailbox
) -> None:
    mailbox.gate.clear()  # the server has the mail, and has not said so yet
    office.clinic.book("laser", 0)
    async with worker_process(settings) as doomed:
        await mailbox.wait_for(1)
        doomed.kill()
        await doomed.wait()
    missed(office.admin)
    mailbox.gate.set()
    async with working(settings):
        (message,) = await office.until_states("confirmation", "sent")
    first, second = mailbox.received
    assert first["Message-ID"] == second["Message-ID"] == message.provider_id
    assert first["Date"] == second["Date"]
    assert message.attempts == 2


async def test_the_key_of_a_mail_outlives_its_row(settings: WorkerSettings, office: Office, mailbox: Mailbox) -> None:
    """A restore to a moment before the message was written: it is made again, and is the same mail."""
    async with working(settings):
        office.clinic.book("laser", 0)
        await office.until_states("confirmation", "sent")
    office.admin.execute("delete from holdfast.message")
    office.admin.execute("update holdfast.relay_position set transaction_id = '0', event_id = 0")
    async with working(settings):
        await office.until_states("confirmation", "sent")
    first, second = mailbox.received
    assert first["Message-ID"] == second["Message-ID"]


async def test_replaying_the_log_owes_nothing_twice(settings: WorkerSettings, office: Office, mailbox: Mailbox) -> None:
    async with working(settings):
        office.clinic.book("laser", 0)
        await office.until_states("confirmation", "sent")
    office.admin.execute("update holdfast.relay_position set transaction_id = '0', event_id = 0")
    async with working(settings):
        office.clinic.book("consult", 0)
        await office.until_states("confirmation", "sent", "sent")
    assert len(mailbox.received) == 2


async def test_a_refused_address_is_a_dead_letter_at_once_and_can_be_retried(
    settings: WorkerSettings, office: Office, mailbox: Mailbox, admin: psycopg.Connection[Any]
) -> None:
    mailbox.answer = lambda _: "550 no such user"
    async with working(settings):
        office.clinic.book("laser", 0)
        (dead,) = await office.until_states("confirmation", "dead")
        assert dead.attempts == 1
        assert dead.reason == "The mail server refused this message for good (550): check the address, or call."
        mailbox.answer = lambda _: "250 taken"
        await office.record.transact(system_of(office.clinic), lambda tx: service.retry_message(tx, dead.id))
        await office.until_states("confirmation", "sent")
    told = admin.execute("select type from holdfast.event where type like 'message.%' order by id").fetchall()
    assert told == [("message.died",), ("message.retried",)]


async def test_a_mail_server_that_stumbles_is_tried_again_and_given_up_in_the_end(
    settings: WorkerSettings, office: Office, mailbox: Mailbox
) -> None:
    mailbox.answer = lambda _: "451 later" if len(mailbox.received) < 3 else "250 taken"
    async with working(settings):
        office.clinic.book("laser", 0)
        (sent,) = await office.until_states("confirmation", "sent")
        assert (sent.attempts, sent.reason) == (3, None)
        mailbox.answer = lambda _: "451 later"
        office.clinic.book("consult", 120)
        _, dead = await office.until_states("confirmation", "sent", "dead")
    assert (dead.attempts, dead.reason) == (3, "The mail server did not take this message yet (451).")
    assert len({mail["Message-ID"] for mail in mailbox.received}) == 2


async def test_a_visit_in_the_past_and_one_that_was_imported_are_not_confirmed(
    settings: WorkerSettings, office: Office, mailbox: Mailbox
) -> None:
    importer = office.clinic.desk.__class__(
        office.clinic.desk.connection, office.clinic.organization_id, "key_import", "import"
    )
    office.clinic.book("consult", -14 * 1440 - 60 * 24)
    office.clinic.book("consult", 60, importer)
    async with working(settings):
        office.clinic.book("consult", 120)
        await office.until_states("confirmation", "sent")
    assert len(mailbox.received) == 1
    assert {message.kind for message in await office.messages()} == {"confirmation", "reminder"}


async def test_spanish_for_a_client_who_speaks_it(settings: WorkerSettings, office: Office, mailbox: Mailbox) -> None:
    async with working(settings):
        booked = office.clinic.book("laser", 0)
        await office.until_states("confirmation", "sent")
        office.clinic.desk("set_client_language", client_id=booked["client_id"], language="es")
        office.clinic.desk("reschedule", appointment_id=booked["id"], revision=1, start=at(0) + timedelta(days=1))
        await office.until_states("change", "sent")
    spanish = mailbox.received[1]
    assert "su cita es ahora el" in spanish["Subject"]
    assert "Su código de confirmación sigue siendo" in part(spanish, "text/plain")
    assert '<html lang="es">' in part(spanish, "text/html")


async def test_every_dead_letter_since_a_time_is_sent_after_all_and_shows_its_words(
    settings: WorkerSettings, office: Office, mailbox: Mailbox
) -> None:
    mailbox.answer = lambda _: "550 no such user"
    async with working(settings):
        office.clinic.book("laser", 0)
        office.clinic.book("laser", 120)
        (dead, _) = await office.until_states("confirmation", "dead", "dead")
        assert dead.client_name == "Ada Byron"
        caller = system_of(office.clinic)
        shown = await office.record.transact(caller, lambda tx: service.preview_message(tx, dead.id))
        assert "is booked" in shown.text
        later = dead.created_at + timedelta(hours=1)
        assert await office.record.transact(caller, lambda tx: service.retry_since(tx, later)) == 0
        mailbox.answer = lambda _: "250 taken"
        assert await office.record.transact(caller, lambda tx: service.retry_since(tx, dead.created_at)) == 2
        await office.until_states("confirmation", "sent", "sent")


async def test_an_address_that_cannot_be_right_is_its_own_dead_letter_and_the_others_get_their_mail_once(
    settings: WorkerSettings, office: Office, mailbox: Mailbox
) -> None:
    for number in range(3):
        office.clinic.book("consult", 60 * number, client={"name": f"C{number}", "email": f"c{number}@example.org"})
    wrong = ("anna..s@example.org", "a,b@example.org", "a@b..com", "ü@exämple.org")
    for number, address in enumerate(wrong):
        office.clinic.book("consult", 240 + 60 * number, client={"name": f"Typo {number}", "email": address})
    for number in range(3):
        office.clinic.book(
            "consult", 30 + 60 * number, client={"name": f"D{number}", "email": f"d{number}@example.org"}
        )
    async with working(settings):

        async def settled() -> bool:
            found = await office.messages("confirmation")
            return len(found) == 10 and all(one.state != "pending" for one in found)

        await until(settled)
    told = {one.client_name: (one.state, one.attempts) for one in await office.messages("confirmation")}
    assert {name: told.pop(f"Typo {name}") for name in range(4)} == dict.fromkeys(range(4), ("dead", 1))
    assert set(told.values()) == {("sent", 1)}
    assert sorted(str(one["To"]) for one in mailbox.received) == sorted(
        f"{letter}{number}@example.org" for letter in "cd" for number in range(3)
    )
    (dead, *_) = [one for one in await office.messages("confirmation") if one.state == "dead"]
    assert dead.reason == "The client's e-mail address cannot be right: correct it, or call."


async def test_a_wrong_address_gives_way_to_the_telephone_and_a_wrong_answer_address_is_left_out(
    settings: WorkerSettings, office: Office, mailbox: Mailbox, line: TwilioStandIn
) -> None:
    office.clinic.desk(
        "set_message_policy",
        policy={"quiet_from": "00:00", "quiet_until": "00:00", "reply_to": "front..desk@example.org"},
    )
    async with working(settings):
        office.clinic.book("consult", 0, client={"name": "Typo", "email": "a@b..com", "phone": "+15125550111"})
        office.clinic.book("consult", 60, client={"name": "Ada", "email": "ada@example.org"})
        await office.until_states("confirmation", "sent", "sent")
    assert [text["to"] for text in line.texts] == ["+15125550111"]
    assert [one["Reply-To"] for one in mailbox.received] == [None]


async def test_a_message_that_breaks_on_its_way_ends_alone(
    settings: WorkerSettings, office: Office, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed = mail.compose

    def broken(outgoing: Outgoing, address: str) -> EmailMessage:
        if outgoing.to.startswith("broken"):
            raise RuntimeError("a mistake of ours about broken@example.org")
        return composed(outgoing, address)

    monkeypatch.setattr(mail, "compose", broken)
    async with working(settings):
        office.clinic.book("consult", 0, client={"name": "Broken", "email": "broken@example.org"})
        office.clinic.book("consult", 60, client={"name": "Ada", "email": "ada@example.org"})
        dead, _ = await office.until_states("confirmation", "dead", "sent")
    assert "could not be made" in str(dead.reason)
    assert len(mailbox.received) == 1

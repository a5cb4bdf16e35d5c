"""Messages as a client of the API meets them, and what comes back without a key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from holdfast.http.app import build_app
from holdfast.http.message_links import LINKS_A_MINUTE
from holdfast.ids import public_id
from holdfast.messages.twilio import signature
from holdfast.worker.run import WorkerSettings
from tests.clinic import CLIENT
from tests.messages.conftest import PUBLIC_URL, Office
from tests.messages.mailbox import Mailbox
from tests.messages.twilio_stand_in import TOKEN, TwilioStandIn
from tests.webhooks.test_http import key_for
from tests.worker.running import SECRET, working

PHONE = "+15125550111"
TEXTED = {"name": "Ada Byron", "phone": PHONE}
WORDS = {"subject": "Soon", "email": "Hello {{ client }}", "sms": "See you {{ when }}"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def manager(
    database: DatabaseUrls, record: Record, office: Office, settings: WorkerSettings
) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(database.app, secret=SECRET, messages=settings.messages)
    async with app.router.lifespan_context(app):
        yield httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://test",
            headers=await key_for(record, office.clinic, "manage"),
        )


async def by_carrier(
    manager: httpx.AsyncClient, path: str, form: Sequence[tuple[str, str]], token: str = TOKEN
) -> httpx.Response:
    signed = signature(token, PUBLIC_URL + path, form)
    return await manager.post(path, content=urlencode(form), headers=FORM | {"x-twilio-signature": signed})


async def test_what_was_sent_is_shown_and_a_dead_letter_is_settled(
    manager: httpx.AsyncClient, settings: WorkerSettings, office: Office, mailbox: Mailbox
) -> None:
    async with working(settings):
        booked = office.clinic.book("laser", 0)
        await office.until_states("confirmation", "sent")
        mailbox.answer = lambda _: "550 no"
        office.clinic.desk("cancel", appointment_id=booked["id"], revision=None)
        await office.until_states("cancellation", "dead")
    appointment = public_id("appointment", booked["id"])
    listed = (await manager.get("/v1/messages", params={"appointment": appointment, "limit": 2})).json()
    assert len(listed["items"]) == 2
    assert listed["next"]
    (sent,) = (await manager.get("/v1/messages", params={"state": "sent"})).json()["items"]
    assert (sent["kind"], sent["channel"], sent["subject"]) == ("confirmation", "email", mailbox.received[0]["Subject"])
    (dead,) = (await manager.get("/v1/messages", params={"state": "dead"})).json()["items"]
    assert "refused" in dead["reason"]
    assert (await manager.post(f"/v1/messages/{sent['id']}/retry")).status_code == 409
    again = await manager.post(f"/v1/messages/{dead['id']}/retry")
    assert (again.status_code, again.json()["state"]) == (200, "pending")
    given_up = await manager.post(f"/v1/messages/{dead['id']}/discard", json={"reason": "called her"})
    assert (given_up.json()["state"], given_up.json()["reason"]) == ("skipped", "called her")


async def test_templates_are_checked_previewed_with_real_data_and_taken_back(
    manager: httpx.AsyncClient, office: Office
) -> None:
    office.clinic.book("laser", 0)
    listed = (await manager.get("/v1/message_templates")).json()
    assert len(listed["items"]) == 14
    assert "when" in listed["variables"]
    address = "/v1/message_templates/reminder/en"
    wrong = await manager.put(address, json=WORDS | {"sms": "See you {{ wehn }}"})
    assert wrong.status_code == 422
    assert "wehn" in wrong.json()["detail"]
    shown = await manager.post("/v1/message_templates/preview", json={"kind": "reminder", "words": WORDS})
    assert shown.json()["text"] == "Hello Ada"
    assert (await manager.put(address, json=WORDS)).json()["own"] is True
    used = (await manager.post("/v1/message_templates/preview", json={"kind": "reminder"})).json()
    assert used["sms"].startswith("See you ")
    spanish = (await manager.post("/v1/message_templates/preview", json={"kind": "reminder", "language": "es"})).json()
    assert "su cita es el" in spanish["sms"]
    await manager.delete(address)
    assert (
        "your appointment"
        in (await manager.post("/v1/message_templates/preview", json={"kind": "reminder"})).json()["sms"]
    )


async def test_policy_rules_and_preferences(manager: httpx.AsyncClient, office: Office) -> None:
    client = public_id("client", office.clinic.book("laser", 0)["client_id"])
    policy = (await manager.put("/v1/message_policy", json={"sender_name": "Glow", "quiet_from": "22:00"})).json()
    assert policy == (await manager.get("/v1/message_policy")).json()
    assert (policy["sender_name"], policy["quiet_from"], policy["quiet_until"]) == ("Glow", "22:00:00", "08:00:00")
    assert (await manager.put("/v1/message_policy", json={"reply_to": "nowhere"})).status_code == 422
    assert (await manager.put("/v1/message_policy", json={"reply_to": "front..desk@spa.example"})).status_code == 422
    quiet = {"location": "main", "quiet_from": "20:00", "quiet_until": "09:00"}
    assert (await manager.put("/v1/message_policy/quiet_hours", json=quiet)).status_code == 200
    assert (await manager.get("/v1/reminder_rules")).json()["items"] == [
        {"service": None, "before_minutes": [4320, 120], "follow_up_after_minutes": None}
    ]
    rules = await manager.put("/v1/reminder_rules", json={"service": "laser", "before_minutes": [60, 1440, 60]})
    assert [rule["before_minutes"] for rule in rules.json()["items"]] == [[4320, 120], [1440, 60]]
    assert (await manager.put("/v1/reminder_rules", json={"before_minutes": [1]})).status_code == 422
    told = await manager.put("/v1/message_preferences", json={"client": client, "channel": "sms", "allowed": False})
    assert told.json() == {"client": client, "email": True, "sms": False}
    spoken = await manager.put("/v1/message_preferences/language", json={"client": client, "language": "es"})
    assert spoken.status_code == 200


async def test_one_click_opts_out_looking_does_not_and_a_made_up_link_does_nothing(
    manager: httpx.AsyncClient, settings: WorkerSettings, office: Office, mailbox: Mailbox
) -> None:
    async with working(settings):
        office.clinic.book("laser", 0)
        (mail,) = await mailbox.wait_for(1)
        path = urlsplit(mail["List-Unsubscribe"].strip("<>")).path
        manager.headers.pop("authorization")
        looked = await manager.get(path)
        assert "No more e-mails" in looked.text
        assert CLIENT["name"] not in looked.text
        spanish = await manager.get(path, headers={"accept-language": "es"})
        assert "No recibir más correos" in spanish.text
        office.clinic.book("laser", 120)
        await mailbox.wait_for(2)
        clicked = await manager.post(path, content="List-Unsubscribe=One-Click", headers=FORM)
        assert (clicked.status_code, "no more e-mails" in clicked.text) == (200, True)
        office.clinic.book("laser", 240)
        await office.until_states("confirmation", "sent", "sent", "skipped")
        assert (await manager.post(path, content="allow=yes", headers=FORM)).status_code == 200
        office.clinic.book("laser", 360)
        await office.until_states("confirmation", "sent", "sent", "skipped", "sent")
    forged = path[:-2] + ("AA" if path[-2:] != "AA" else "BB")
    assert (await manager.post(forged)).status_code == 404


async def test_only_the_carrier_tells_of_texts_and_a_lost_one_is_a_dead_letter(
    manager: httpx.AsyncClient, settings: WorkerSettings, office: Office, line: TwilioStandIn
) -> None:
    async with working(settings):
        office.clinic.book("laser", 0, client=TEXTED)
        await office.until_states("confirmation", "sent")
    sid = line.texts[0]["sid"]
    lost = [("MessageSid", sid), ("MessageStatus", "undelivered"), ("ErrorCode", "30005")]
    assert (await by_carrier(manager, "/twilio/status", lost, token="another")).status_code == 403
    assert (await by_carrier(manager, "/twilio/status", lost)).status_code == 204
    (dead,) = await office.until_states("confirmation", "dead")
    assert dead.reason == "The carrier could not deliver the text (Twilio 30005): call the client."
    assert dead.delivered == "undelivered"


async def test_answers_by_text_are_signed_too(
    manager: httpx.AsyncClient, settings: WorkerSettings, office: Office
) -> None:
    async with working(settings):
        office.clinic.book("laser", 0, client=TEXTED)
        await office.until_states("confirmation", "sent")
        forged = await manager.post(
            "/twilio/inbound", content=urlencode([("From", PHONE), ("Body", "X")]), headers=FORM
        )
        assert forged.status_code == 403
        answered = await by_carrier(manager, "/twilio/inbound", [("From", PHONE), ("Body", "C")])
        assert answered.headers["content-type"].startswith("text/xml")
        assert "<Message>Thank you. See you then.</Message>" in answered.text
        cancelled = await by_carrier(manager, "/twilio/inbound", [("From", PHONE), ("Body", "x")])
        assert cancelled.text.endswith("<Response></Response>")
        await office.until_states("cancellation", "sent")


async def test_without_a_telephone_line_nothing_is_believed(database: DatabaseUrls) -> None:
    app = build_app(database.app, secret=SECRET)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as anybody,
    ):
        assert (await by_carrier(anybody, "/twilio/inbound", [("From", PHONE), ("Body", "STOP")])).status_code == 404


async def test_made_up_links_are_tried_at_a_pace(manager: httpx.AsyncClient) -> None:
    manager.headers.pop("authorization")
    answers = [await manager.get("/preferences/nonsense") for _ in range(LINKS_A_MINUTE + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {404}
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) <= 61

"""Offers of the waitlist as messages: told once, withdrawn when they end unsent, answered by link or by text."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from holdfast.booking import visitors
from holdfast.booking.model import ClientDetails
from holdfast.db.transact import Record
from holdfast.messages.moment import Postpone, Send, Skip, judge
from holdfast.messages.replies import receive
from holdfast.messages.sending import QUERIES
from holdfast.messages.templates import answers
from holdfast.waitlist import service as waitlist
from holdfast.waitlist.model import Entry, Offer, Wish
from holdfast.worker.run import WorkerSettings
from tests.messages.conftest import PUBLIC_URL, Office
from tests.messages.mailbox import Mailbox, part
from tests.messages.test_plan import BOTH, CONTEXT, ny
from tests.messages.twilio_stand_in import TwilioStandIn
from tests.waitlist.line import TOKENS, Line
from tests.worker.running import working

PHONE = "+15125550111"
ADA = ClientDetails(name="Ada Byron", phone=PHONE)
OFFERED = replace(
    CONTEXT, kind="waitlist_offer", state="open", appointment_id=None, offer_id=CONTEXT.id,
    expires_at=CONTEXT.now + timedelta(hours=1),
)  # fmt: skip


@pytest.fixture
async def waiting(office: Office, record: Record, admin: psycopg.Connection[Any]) -> Line:
    line = Line(record, office.clinic, admin)
    await line.always_awake()
    return line


async def join(waiting: Line, client: ClientDetails = ADA, service: str = "laser") -> Entry:
    wish = Wish(services=[waiting.clinic.services[service]], locations=[waiting.clinic.location_id])
    return await waiting.record.transact(waiting.desk, lambda tx: waitlist.join(tx, wish, client))


async def offered(waiting: Line) -> Offer:
    """A visit is cancelled, and its time offered to whoever is first."""
    booked = waiting.clinic.book("laser", 0)
    waiting.clinic.desk("cancel", appointment_id=booked["id"], revision=None)
    return await waiting.one_round()


async def state_of(waiting: Line, offer: Offer) -> str:
    return (await waiting.offer(offer.id)).state


async def test_an_offer_is_texted_with_its_link_and_yes_takes_it(
    settings: WorkerSettings, office: Office, waiting: Line, line: TwilioStandIn, record: Record
) -> None:
    await join(waiting)
    offer = await offered(waiting)
    async with working(settings):
        (sent,) = await office.until_states("waitlist_offer", "sent")
        (text,) = [one["body"] for one in line.texts if one["to"] == PHONE]
        link = f"{PUBLIC_URL}/o/{TOKENS.token(offer.id)}"
        assert link in text
        assert "laser" not in text
        assert (sent.offer_id, sent.appointment_id, sent.channel) == (offer.id, None, "sms")
        assert sent.body == text.replace(link, f"{PUBLIC_URL}/o/…"), "no token is kept"
        assert await receive(record, PHONE, "Y") == answers("en")["accepted"]
        assert await state_of(waiting, offer) == "accepted"
        assert await receive(record, PHONE, "yes", taken_for="START") == answers("en")["accepted"], "yes again"
    (told,) = [one for one in await office.messages("waitlist_offer") if one.answer]
    assert told.answer == "accept"


async def test_no_passes_it_on_and_a_yes_that_is_too_late_is_told_so_in_their_language(
    settings: WorkerSettings, office: Office, waiting: Line, record: Record
) -> None:
    entry = await join(waiting)
    waiting.clinic.desk("set_client_language", client_id=entry.client_id, language="es")
    offer = await offered(waiting)
    async with working(settings):
        await office.until_states("waitlist_offer", "sent")
        assert await receive(record, PHONE, "No.") == answers("es")["declined"]
    assert await state_of(waiting, offer) == "declined"
    assert (await waiting.entry(entry.id)).state == "waiting"
    assert await receive(record, PHONE, "sí") == answers("es")["offer_declined"]


async def test_with_two_open_offers_a_yes_is_not_guessed_at(
    settings: WorkerSettings, office: Office, waiting: Line, record: Record
) -> None:
    await join(waiting)
    await join(waiting, service="consult")
    first = waiting.clinic.book("laser", 0)
    waiting.clinic.desk("cancel", appointment_id=first["id"], revision=None)
    second = waiting.clinic.book("consult", 300)
    waiting.clinic.desk("cancel", appointment_id=second["id"], revision=None)
    offers = [offer for _ in range(2) for offer in await waiting.round()]
    assert len(offers) == 2
    async with working(settings):
        await office.until_states("waitlist_offer", "sent", "sent")
    assert await receive(record, PHONE, "Y") == answers("en")["which_offer"]
    assert [await state_of(waiting, offer) for offer in offers] == ["open", "open"]


async def test_an_offer_that_ended_before_it_was_sent_is_not_sent(
    settings: WorkerSettings, office: Office, waiting: Line, line: TwilioStandIn, mailbox: Mailbox
) -> None:
    await join(waiting)
    offer = await offered(waiting)
    await waiting.decline(offer)
    async with working(settings):
        await join(waiting, ClientDetails(name="Bob Moran", email="bob@example.org"))
        (other,) = await office.until_states("waitlist_offer", "sent")
        assert other.offer_id != offer.id
    assert [one for one in line.texts if one["to"] == PHONE] == []
    (mail,) = [one for one in mailbox.received if one["To"] == "bob@example.org"]
    assert "/o/offer_" in part(mail, "text/plain")
    assert "laser" not in part(mail, "text/plain")


async def test_one_that_was_owed_and_then_ended_is_withdrawn(office: Office, waiting: Line) -> None:
    await join(waiting)
    offer = await offered(waiting)

    def plan() -> None:
        ids = [row["id"] for row in waiting.clinic.desk.read("select id from holdfast.event order by id")]
        office.admin.execute(
            "select holdfast.act_as(%s, 'system', 'system'), holdfast.plan_offer_messages(%s)",
            [office.clinic.organization_id, ids],
        )

    plan()
    plan()
    (owed,) = await office.messages("waitlist_offer")
    assert owed.state == "pending"
    await waiting.decline(offer)
    plan()
    (owed,) = await office.messages("waitlist_offer")
    assert (owed.state, owed.reason) == ("skipped", "The offer had ended before it was sent.")


async def test_a_confirmation_carries_the_private_link_the_same_at_every_attempt(
    settings: WorkerSettings, office: Office, mailbox: Mailbox, record: Record
) -> None:
    mailbox.answer = lambda _: "451 later" if len(mailbox.received) < 3 else "250 taken"
    async with working(settings):
        booked = office.clinic.book("laser", 0)
        await office.until_states("confirmation", "sent")
    texts = {part(mail, "text/plain") for mail in mailbox.received}
    assert len(mailbox.received) == 3
    assert len(texts) == 1
    (link,) = [word for word in texts.pop().split() if word.startswith(f"{PUBLIC_URL}/v/")]
    found = await visitors.visit_of_link(record, link.rpartition("/")[2])
    assert found.appointment_id == booked["id"]
    assert office.admin.execute("select count(*) from holdfast.visit_link").fetchone() == (1,)


def test_an_offer_goes_out_at_once_while_it_stands() -> None:
    assert judge(OFFERED, BOTH) == Send("sms", PHONE)
    assert judge(replace(OFFERED, now=ny("2027-06-10T03:00")), BOTH) == Send("sms", PHONE), "the waitlist keeps quiet"
    assert isinstance(judge(replace(CONTEXT, now=ny("2027-06-10T03:00")), BOTH), Postpone)
    assert judge(replace(OFFERED, state="lapsed"), BOTH) == Skip("The offer is lapsed.")
    over = replace(OFFERED, expires_at=OFFERED.now)
    assert judge(over, BOTH) == Skip("The time to answer the offer was over already.")


async def test_an_offer_whose_message_cannot_go_out_is_not_kept_for_its_client_and_the_next_is_asked(
    settings: WorkerSettings, office: Office, waiting: Line
) -> None:
    await join(waiting, ClientDetails(name="Typo", email="a@b..com"))
    await join(waiting)
    booked = waiting.clinic.book("laser", 0)
    async with working(settings):
        waiting.clinic.desk("cancel", appointment_id=booked["id"], revision=None)
        await office.until_states("waitlist_offer", "dead", "sent")
    offers = waiting.clinic.desk.read("select state from holdfast.offer order by sent_at")
    assert [offer["state"] for offer in offers] == ["untold", "open"]


async def test_an_offer_whose_text_the_carrier_lost_goes_to_the_next(
    settings: WorkerSettings, office: Office, waiting: Line, record: Record
) -> None:
    await join(waiting)
    offer = await offered(waiting)
    async with working(settings):
        (sent,) = await office.until_states("waitlist_offer", "sent")
    untold = await record.unscoped(
        lambda tx: tx.records(
            QUERIES["text_status"], provider_id=sent.provider_id, status="undelivered", cause="It did not arrive."
        )
    )
    assert untold == [{"organization_id": office.clinic.organization_id, "offer_id": offer.id}]

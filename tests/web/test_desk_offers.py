"""Offers at the desk, without JavaScript: for whom a time is kept, given away knowingly, and what fell free."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest

from holdfast.booking.model import ClientDetails, Visit
from holdfast.db.pool import Pool
from holdfast.db.transact import Caller, Record
from holdfast.db.urls import DatabaseUrls
from holdfast.ids import public_id
from holdfast.waitlist import rounds, service
from holdfast.waitlist.model import Offer, Wish
from holdfast.waitlist.tokens import OfferTokens
from tests.clinic import Clinic
from tests.web.conftest import SECRET, Served
from tests.web.desk_staff import employ, sign_in
from tests.web.forms import Forms

TOKENS = OfferTokens(SECRET)
SOON = (datetime.now(UTC) + timedelta(days=5)).replace(hour=16, minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def staff(glow: Clinic) -> dict[str, UUID]:
    glow.desk("set_message_policy", policy={"quiet_from": "00:00", "quiet_until": "00:00"})
    for service_id in glow.services.values():
        glow.desk("set_waitlist_policy", service_id=service_id, changes={"quiet_from": "00:00", "quiet_until": "00:00"})
    return employ(glow)


@pytest.fixture
def dee(forms: Forms, staff: dict[str, UUID]) -> Forms:
    return sign_in(forms, "desk")


@pytest.fixture
def visitor(served: Served) -> Iterator[Forms]:
    with httpx.Client(base_url=served.url, follow_redirects=True, timeout=30) as client:
        yield Forms(client)


class Line:
    """Who waits, and what they are offered."""

    def __init__(self, record: Record, clinic: Clinic) -> None:
        self.record, self.clinic = record, clinic
        self.caller = Caller(clinic.organization_id, "key_desk", "desk")

    async def offered(self, name: str, start: datetime) -> Offer:
        wish = Wish(services=[self.clinic.services["laser"]], locations=[self.clinic.location_id])
        who = ClientDetails(name=name, email=f"{name.split(maxsplit=1)[0].lower()}@example.org")
        entry = await self.record.transact(self.caller, lambda tx: service.join(tx, wish, who))
        visit = Visit(self.clinic.services["laser"], self.clinic.location_id, start)
        return await self.record.transact(self.caller, lambda tx: service.offer_by_hand(tx, TOKENS, entry.id, visit))

    async def state(self, offer: Offer) -> str:
        return (await self.record.transact(self.caller, lambda tx: service.get_offer(tx, offer.id))).state


@pytest.fixture
async def line(module_database: DatabaseUrls, glow: Clinic) -> Any:
    pool = Pool(module_database.app, size=2)
    await pool.open()
    yield Line(Record(pool), glow)
    await pool.close()


async def test_an_offered_time_is_shown_with_name_and_term_and_given_to_somebody_who_is_typed(
    dee: Forms, line: Line, visitor: Forms
) -> None:
    offer = await line.offered("Ona Quist", SOON)
    sheet = f"/desk/waitlist/offers/{public_id('offer', offer.id)}"
    day = SOON.astimezone(ZoneInfo("America/Chicago")).date()
    board = dee.open(f"/desk/day?location=austin&date={day}&by=device").text
    assert "Offered to Ona Quist" in board
    assert sheet in dee.links
    assert "Offered" in dee.open("/desk/waitlist").text
    assert sheet in dee.links
    assert "Offered to Ona Quist" in dee.open(sheet).text
    dee.send("/override", name="", phone="+1 512 555 0177")
    assert dee.page.status_code == 422
    assert "Write a name." in dee.page.text
    assert await line.state(offer) == "open"
    dee.send("/override", name="Walk In", phone="+1 512 555 0177")
    assert dee.page.url.path.startswith("/desk/appointments/apt_"), dee.page.text
    assert "Walk In" in dee.page.text
    assert await line.state(offer) == "overridden"
    assert "This offer has ended" in dee.open(sheet).text
    assert "This time was needed for somebody else" in visitor.open(f"/o/{TOKENS.token(offer.id)}").text


async def test_a_refused_booking_says_for_whom_the_time_is_kept_and_can_take_it(
    dee: Forms, line: Line, glow: Clinic
) -> None:
    start = SOON + timedelta(hours=3)
    offer = await line.offered("Uma Stone", start)
    client = glow.desk("add_client", name="Vera Lind", email="vera@example.org", phone=None)["add_client"]
    chosen = f"client={public_id('client', client)}&service={public_id('service', glow.services['laser'])}"
    dee.open(f"/desk/book?{chosen}")
    hold = next(each.action for each in dee.found if "/desk/book/hold" in each.action)
    dee.send(hold, start=start.isoformat(), service=public_id("service", glow.services["laser"]))
    assert dee.page.status_code == 409
    assert "is offered to Uma Stone (laser) until" in dee.page.text
    link = next(each for each in dee.links if "/desk/waitlist/offers/" in each)
    dee.open(html.unescape(link))
    assert "For Vera Lind" in dee.page.text
    dee.send("/override")
    assert "Vera Lind" in dee.page.text
    assert dee.page.url.path.startswith("/desk/appointments/apt_")
    assert await line.state(offer) == "overridden"


async def test_an_offer_that_was_answered_meanwhile_is_not_taken_away(dee: Forms, line: Line) -> None:
    offer = await line.offered("Ina Moor", SOON + timedelta(hours=6))
    dee.open(f"/desk/waitlist/offers/{public_id('offer', offer.id)}")
    caller, offer_id = await service.find_offer(line.record, TOKENS.token(offer.id))
    await line.record.transact(caller, lambda tx: service.accept(tx, offer_id))
    dee.send("/override", name="Too Late")
    assert dee.page.status_code == 409
    assert "nothing was changed" in dee.page.text
    assert await line.state(offer) == "accepted"


async def test_a_cancellation_is_shown_with_what_came_of_it(dee: Forms, line: Line, glow: Clinic) -> None:
    async def cancelled(service: str) -> None:
        booked = glow.book(service, 0)
        glow.desk("cancel", appointment_id=booked["id"], revision=None)
        events = [row["id"] for row in glow.desk.read("select id from holdfast.event where type = 'hold.released'")]
        await rounds.note_openings(line.record, glow.organization_id, events[-1:])

    await cancelled("consult")
    page = dee.open("/desk/waitlist").text
    assert "What fell free and is still to come" in page
    assert "Somebody is being looked for" in page
    await rounds.fill_due(line.record, TOKENS, glow.organization_id)
    assert "Nobody in the line fits" in dee.open("/desk/waitlist").text, "they wait for the laser"
    wish = Wish(services=[glow.services["laser"]], locations=[glow.location_id])
    who = ClientDetails(name="Fay Lane", email="fay@example.org")
    await line.record.transact(line.caller, lambda tx: service.join(tx, wish, who))
    await cancelled("laser")
    await rounds.fill_due(line.record, TOKENS, glow.organization_id)
    assert re.search(r"Offered to \w+ \w+ until", dee.open("/desk/waitlist").text)


async def test_the_link_tells_what_became_of_the_visit_that_was_accepted(
    line: Line, glow: Clinic, visitor: Forms
) -> None:
    offer = await line.offered("Moe Ved", SOON + timedelta(hours=9))
    caller, offer_id = await service.find_offer(line.record, TOKENS.token(offer.id))
    booked = await line.record.transact(caller, lambda tx: service.accept(tx, offer_id))
    url = f"/o/{TOKENS.token(offer.id)}"
    assert "This visit is yours" in visitor.open(url).text
    glow.desk("reschedule", appointment_id=booked.id, revision=None, start=SOON + timedelta(hours=10))
    assert "Your visit was moved since" in visitor.open(url).text
    assert "It is now at" in visitor.page.text
    glow.desk("cancel", appointment_id=booked.id, revision=None)
    page = visitor.open(url)
    assert page.status_code == 410
    assert "This visit was cancelled" in page.text
    assert "This visit is yours" not in page.text


async def test_a_wish_with_people_places_and_priority(dee: Forms, glow: Clinic, line: Line) -> None:
    client = glow.desk("add_client", name="Pia Party", email=None, phone=None)["add_client"]
    dee.open(f"/desk/waitlist/new?client={public_id('client', client)}")
    dee.send(
        "/desk/waitlist/new", services=public_id("service", glow.services["botox"]), party_size="2", priority="5",
        providers=public_id("resource", glow.resources["ana"]),
    )  # fmt: skip
    assert dee.page.url.path.startswith("/desk/waitlist/wle_"), dee.page.text
    for words in ("Ana Ruiz", "2 people", "Nothing is offered to more than one by itself", "No message can reach them"):
        assert words in dee.page.text
    [entry] = [
        each
        for each in await line.record.transact(line.caller, lambda tx: service.list_entries(tx, limit=100))
        if each.client_id == client
    ]
    assert (entry.party_size, entry.priority, entry.provider_ids) == (2, 5, [glow.resources["ana"]])

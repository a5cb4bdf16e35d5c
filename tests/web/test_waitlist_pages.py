"""The waitlist on the booking site, without JavaScript: join, be offered a time, say yes or no, come earlier."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from holdfast.booking.model import Visit
from holdfast.db.pool import Pool
from holdfast.db.transact import Caller, Record
from holdfast.db.urls import DatabaseUrls
from holdfast.waitlist import service as waitlist
from holdfast.waitlist.model import Entry, Offer, TimeWindow
from holdfast.waitlist.tokens import OfferTokens
from tests.clinic import Clinic
from tests.web.conftest import SECRET, Served
from tests.web.forms import Forms

TOKENS = OfferTokens(SECRET)
WAIT = "/b/glow/austin/botox/wait"


@pytest.fixture
def fresh(served: Served, glow: Clinic) -> Iterator[Callable[[], Forms]]:
    """Another browser."""
    opened: list[httpx.Client] = []

    def open_browser() -> Forms:
        opened.append(httpx.Client(base_url=served.url, follow_redirects=True, timeout=30))
        return Forms(opened[-1])

    yield open_browser
    for client in opened:
        client.close()


class Desk:
    """What the desk does with the line, step by step."""

    def __init__(self, record: Record, clinic: Clinic) -> None:
        self.record, self.clinic = record, clinic
        self.caller = Caller(clinic.organization_id, "key_desk", "desk")

    async def newest(self) -> Entry:
        entries = await self.record.transact(self.caller, lambda tx: waitlist.list_entries(tx, limit=100))
        return entries[-1]

    async def offer(self, entry: Entry, hours: int) -> Offer:
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=9, hours=hours)
        visit = Visit(self.clinic.services["botox"], self.clinic.location_id, start)
        return await self.record.transact(self.caller, lambda tx: waitlist.offer_by_hand(tx, TOKENS, entry.id, visit))

    async def state(self, offer: Offer) -> str:
        return (await self.record.transact(self.caller, lambda tx: waitlist.get_offer(tx, offer.id))).state


@pytest.fixture
async def desk(module_database: DatabaseUrls, glow: Clinic) -> Any:
    pool = Pool(module_database.app, size=2)
    await pool.open()
    yield Desk(Record(pool), glow)
    await pool.close()


def join(visitor: Forms, name: str = "Ada Byron", **typed: str) -> httpx.Response:
    visitor.open(WAIT)
    return visitor.send(
        "/wait", **({"name": name, "email": f"{name.split(maxsplit=1)[0].lower()}@example.org"} | typed)
    )


async def test_who_finds_no_time_joins_and_the_wish_is_kept(fresh: Callable[[], Forms], desk: Desk) -> None:
    visitor = fresh()
    visitor.open("/b/glow/austin/botox")
    assert WAIT in visitor.links
    answer = join(
        visitor, weekday="1", part="morning", earliest="2030-03-04", latest="2030-03-29", notice="1440", party_size="2"
    )
    assert answer.status_code == 200
    assert "You are on the waitlist" in answer.text
    assert "for more than one nothing is kept by itself" in answer.text
    entry = await desk.newest()
    assert [TimeWindow.of(window) for window in entry.windows] == [TimeWindow(time(0), time(12), frozenset({1}))]
    assert (str(entry.earliest_on), str(entry.latest_on)) == ("2030-03-04", "2030-03-29")
    assert (entry.notice_minutes, entry.party_size) == (1440, 2)


async def test_what_is_wrong_is_said_and_what_was_typed_stays(fresh: Callable[[], Forms], desk: Desk) -> None:
    visitor = fresh()
    answer = join(visitor, "Eve", email="", earliest="2030-03-29", latest="2030-03-04", party_size="99", weekday="3")
    assert answer.status_code == 422
    for words in ("one is enough", "The last day comes before the first", "From 1 to 20"):
        assert words in answer.text
    assert 'value="Eve"' in answer.text
    assert 'value="3" checked' in answer.text
    robot = join(fresh(), "Robot", website="https://spam.example")
    assert robot.status_code == 422
    assert "not meant for you" in robot.text, "a browser that filled it for somebody is told what to do"
    assert 'value="Robot"' in robot.text
    spanish = fresh()
    spanish.open(f"{WAIT}?lang=es")
    assert "lista de espera" in spanish.page.text


async def test_strangers_take_few_places(fresh: Callable[[], Forms], admin_of: Any) -> None:
    visitor = fresh()
    answers = [join(visitor, f"Crowd{number} X") for number in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [409]
    assert "Too many places" in answers[-1].text
    # the limit is what stops it: an hour later they may again
    admin_of("update holdfast.waitlist_entry set joined_at = joined_at - interval '2 hours'")
    assert join(visitor, "Crowd9 X").status_code == 200


@pytest.fixture
def admin_of(module_database: DatabaseUrls) -> Callable[..., None]:
    def run(statement: str, *values: Any) -> None:
        with psycopg.connect(module_database.owner, autocommit=True) as connection:
            connection.execute(statement, values)

    return run


async def test_looking_at_an_offer_changes_nothing_and_yes_leads_to_the_visit(
    fresh: Callable[[], Forms], desk: Desk, admin_of: Any
) -> None:
    admin_of("update holdfast.waitlist_entry set joined_at = joined_at - interval '2 hours'")
    join(fresh(), "Grace Hopper")
    offer = await desk.offer(await desk.newest(), 0)
    url = f"/o/{TOKENS.token(offer.id)}"
    visitor = fresh()
    for _ in range(3):
        assert "kept for you" in visitor.open(url).text
    for action in ("accept", "decline", "leave"):
        assert visitor.client.get(f"{url}/{action}").status_code in (404, 405)
    assert await desk.state(offer) == "open"
    visitor.open(url)
    visitor.send("/accept")
    assert visitor.page.url.path.startswith("/v/")
    assert "You are booked" in visitor.page.text
    assert await desk.state(offer) == "accepted"
    assert "This visit is yours" in visitor.open(url).text
    visitor.send("/accept")
    assert visitor.page.url.path.startswith("/v/"), "yes again is the same visit"


async def test_no_keeps_them_waiting_until_they_leave(fresh: Callable[[], Forms], desk: Desk, admin_of: Any) -> None:
    admin_of("update holdfast.waitlist_entry set joined_at = joined_at - interval '2 hours'")
    join(fresh(), "Mary Jackson")
    entry = await desk.newest()
    offer = await desk.offer(entry, 2)
    visitor = fresh()
    visitor.open(f"/o/{TOKENS.token(offer.id)}")
    visitor.send("/decline")
    assert "You said no to this time" in visitor.page.text
    assert await desk.state(offer) == "declined"
    visitor.send("/leave")
    assert "not on the waitlist any more" in visitor.page.text


async def test_a_late_tap_is_told_so_and_shown_what_is_free(
    fresh: Callable[[], Forms], desk: Desk, admin_of: Any
) -> None:
    admin_of("update holdfast.waitlist_entry set joined_at = joined_at - interval '2 hours'")
    join(fresh(), "Joan Clarke")
    offer = await desk.offer(await desk.newest(), 4)
    visitor = fresh()
    visitor.open(f"/o/{TOKENS.token(offer.id)}")
    admin_of(
        "update holdfast.hold set created_at = created_at - interval '9 days', expires_at = now() - interval '1 hour'"
        " where id = %s",
        offer.hold_id,
    )
    late = visitor.send("/accept")
    assert late.status_code == 410
    assert "not kept for you any more" in late.text
    assert "The time to answer is over" in late.text
    [action] = {form.action for form in visitor.found if form.action.endswith("/hold")}
    button = next(form for form in visitor.found if form.action == action).buttons[0]
    assert "kept for you" in visitor.send("/hold", button=button).text, "an alternative is held at a tap"
    assert fresh().open("/o/offer_" + "x" * 43).status_code == 404


async def test_who_is_booked_waits_for_an_earlier_time_from_their_own_page(
    fresh: Callable[[], Forms], desk: Desk
) -> None:
    visitor = fresh()
    day = (datetime.now(UTC) + timedelta(days=12)).date()
    visitor.open(f"/b/glow/austin/botox?day={day}")
    visitor.send("/hold", button=next(form for form in visitor.found if form.action.endswith("/hold")).buttons[0])
    visitor.send("/hold/" + str(visitor.page.url).rpartition("/")[2], name="Ida Rhodes", email="ida@example.org")
    link = visitor.page.url.path
    for _ in range(2):
        visitor.open(link)
        if "/earlier" in visitor.page.text:
            visitor.send("/earlier")
    assert "We write to you when an earlier time falls free" in visitor.page.text
    entry = await desk.newest()
    assert entry.appointment_id is not None
    visitor.open(link)
    visitor.send("/earlier", button=("stop", "1"))
    assert "Tell me when an earlier time falls free" in visitor.page.text
